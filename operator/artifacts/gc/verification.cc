#include "operator/artifacts/gc/verification.h"

#include <functional>

#include "operator/artifacts/gc/collection.h"
#include "operator/artifacts/gc/digest_set.h"
#include "operator/artifacts/manifest_reader.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::artifacts {
namespace {

enum Known : std::uint8_t {
  kWhole = 1,
  kAltered = 2,
  kBroken = 4,   // a folder that lacks a file, or has an altered one
  kMissing = 8,  // told already
};

class Verification {
 public:
  Verification(const Store& store, std::string ns, const std::stop_token& stop, Verified& out)
      : store_(store), ns_(std::move(ns)), stop_(stop), out_(out) {}

  Result<void> Run() {
    PENSTOCK_TRY(EachBlob([this](const std::string& digest, std::uint64_t bytes) {
      return ReadBlob(digest, bytes);
    }));
    PENSTOCK_TRY(EachBlob(
        [this](const std::string& digest, std::uint64_t) { return LookAtFolder(digest); }));
    PENSTOCK_TRY(LookAtCache());
    return LookAtReceipts();
  }

 private:
  Result<void> EachBlob(
      const std::function<Result<void>(const std::string& digest, std::uint64_t bytes)>& visit) {
    PENSTOCK_ASSIGN(const auto folders, FoldersOf(store_, ns_, "blobs"));
    for (const std::string& folder : folders) {
      PENSTOCK_ASSIGN(const auto uses, store_.objects().Uses(folder));
      for (const ObjectUse& use : uses) {
        if (stop_.stop_requested()) return Cancelled("the verification was stopped");
        const std::string digest = "sha256:" + use.name;
        if (IsDigest(digest)) PENSTOCK_TRY(visit(digest, use.bytes));
      }
    }
    return {};
  }

  Result<void> ReadBlob(const std::string& digest, std::uint64_t bytes) {
    const auto whole = store_.Verify(ns_, digest);
    if (!whole && whole.error().kind == ErrorKind::kNotFound) return {};  // collected meanwhile
    if (!whole) {
      out_.errors.push_back(whole.error().message);
      known_.Add(DigestOf(digest), kWhole);  // what cannot be read is not called missing
      return {};
    }
    ++out_.files;
    out_.bytes += bytes;
    known_.Add(DigestOf(digest), *whole ? kWhole : kAltered);
    if (!*whole) Tell("altered", digest, "");
    return {};
  }

  Result<void> LookAtFolder(const std::string& digest) {
    if ((known_.BitsOf(DigestOf(digest)) & kWhole) == 0) return {};
    bool good = true;
    const auto read = store_.EachMember(ns_, digest, [&](ManifestFile&& file) -> Result<void> {
      const std::string member = "sha256:" + file.sha256;
      if (IsWhole(member, "folder " + digest + " (" + file.path + ")")) return {};
      good = false;
      return {};
    });
    if (!read) return read.error();
    if (*read && !good) known_.Add(DigestOf(digest), kBroken);
    return {};
  }

  // Whether the blob is whole; one that is missing is told once.
  bool IsWhole(const std::string& digest, const std::string& where) {
    const Digest key = DigestOf(digest);
    const std::uint8_t bits = known_.BitsOf(key);
    if ((bits & kWhole) != 0) return true;
    if (bits == 0) {
      known_.Add(key, kMissing);
      Tell("missing", digest, where);
    }
    return false;
  }

  bool IsGood(const Receipt& receipt, const std::string& where) {
    bool good = true;
    for (const OutputRecord& output : receipt.outputs) {
      const std::string& digest = output.artifact.digest;
      const bool whole = IsWhole(digest, where + " (output " + output.name + ")");
      good = good && whole && (known_.BitsOf(DigestOf(digest)) & kBroken) == 0;
    }
    return good;
  }

  Result<void> LookAtCache() {
    PENSTOCK_ASSIGN(const auto folders, FoldersOf(store_, ns_, "cache"));
    for (const std::string& folder : folders) {
      PENSTOCK_ASSIGN(const auto keys, store_.objects().Names(folder));
      for (const std::string& key : keys) PENSTOCK_TRY(LookAtEntry(folder, key));
    }
    return {};
  }

  // By its object, so that it is not put to use.
  Result<void> LookAtEntry(const std::string& folder, const std::string& key) {
    const auto text = store_.objects().Get(folder + "/" + key, kMaxReceiptBytes);
    if (!text && text.error().kind == ErrorKind::kNotFound) return {};
    if (!text && text.error().kind != ErrorKind::kInvalid) return text.error();
    const auto entry = text ? ParseReceipt(*text) : Result<Receipt>(text.error());
    if (entry && IsGood(*entry, "cache entry " + key.substr(0, 16))) return {};
    PENSTOCK_TRY(store_.DropCacheEntry(ns_, key));
    out_.dropped.push_back(
        {ns_, key, entry ? entry->run : std::string(), entry ? entry->step : std::string()});
    return {};
  }

  Result<void> LookAtReceipts() {
    PENSTOCK_ASSIGN(const auto runs, store_.RunsWithReceipts(ns_));
    for (const std::string& run : runs) {
      PENSTOCK_ASSIGN(const auto pods, store_.Receipts(ns_, run));
      for (const std::string& pod : pods) {
        const auto receipt = store_.GetReceipt(ns_, run, pod);
        if (receipt)
          static_cast<void>(IsGood(*receipt, "receipt of pod " + pod));
        else if (receipt.error().kind != ErrorKind::kNotFound)
          out_.errors.push_back(receipt.error().message);
      }
    }
    return {};
  }

  void Tell(const char* what, const std::string& digest, const std::string& where) {
    if (out_.findings.size() < kMostFindings)
      out_.findings.push_back({ns_, what, digest, where});
    else
      ++out_.more;
  }

  const Store& store_;
  const std::string ns_;
  const std::stop_token& stop_;
  Verified& out_;
  DigestSet known_;
};

}  // namespace

Verified VerifyStore(const Store& store, const std::vector<std::string>& namespaces,
                     const std::stop_token& stop) {
  Verified out;
  const auto names = NamespacesOf(store, namespaces);
  if (!names) out.errors.push_back(names.error().message);
  for (const std::string& ns : names ? *names : std::vector<std::string>()) {
    const auto done = Verification(store, ns, stop, out).Run();
    if (!done) out.errors.push_back("namespace " + ns + ": " + done.error().message);
  }
  return out;
}

Json Report(const Verified& verified) {
  Json findings = Json::array(), dropped = Json::array();
  for (const Finding& f : verified.findings)
    findings.push_back(
        {{"namespace", f.ns}, {"what", f.what}, {"digest", f.digest}, {"where", f.where}});
  for (const DroppedEntry& d : verified.dropped)
    dropped.push_back({{"namespace", d.ns}, {"key", d.key}, {"run", d.run}, {"step", d.step}});
  return {{"files", verified.files},         {"bytes", verified.bytes},
          {"findings", std::move(findings)}, {"more", verified.more},
          {"dropped", std::move(dropped)},   {"errors", verified.errors}};
}

}  // namespace penstock::artifacts
