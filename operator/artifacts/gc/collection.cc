#include "operator/artifacts/gc/collection.h"

#include <algorithm>
#include <optional>

#include "operator/artifacts/gc/digest_set.h"
#include "operator/artifacts/manifest_reader.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::artifacts {
namespace {

constexpr std::uint64_t kMostEntry = 64ULL << 20;  // of a receipt or a cache entry

// What is known of a digest.
enum Bits : std::uint8_t {
  kInUse = 1,       // something names it
  kCached = 2,      // a cache entry does
  kFileInUse = 4,   // it is a file of a folder that is in use
  kFileCached = 8,  // ... of one in the cache
  kRecent = 16,     // it was put to use lately, or is a file of such a folder
  kWouldGo = 32,    // of a dry run: a manifest that is counted already
};

class Collection {
 public:
  Collection(const Store& store, References& references, const CollectOptions& options,
             NamespaceUse& out)
      : store_(store), references_(references), options_(options), ns_(out.ns), out_(out) {}

  Result<void> Run() {
    PENSTOCK_ASSIGN(const TimePoint now, store_.objects().Now(ns_));
    if (options_.collector)
      PENSTOCK_TRY(CheckCollector(store_, ns_, *options_.collector, options_.take_over,
                                  options_.dry_run, now));
    before_ = now - options_.grace;
    PENSTOCK_TRY(MarkCache(now - options_.keep_cache));
    PENSTOCK_TRY(MarkReceipts());
    for (int times = 0; times < 2; ++times)
      PENSTOCK_TRY(references_.Each(ns_, MarkText(kInUse), options_.stop));
    PENSTOCK_TRY(MarkFiles());
    PENSTOCK_TRY(EachBlob([this](const Blob& blob) { return KeepYoung(blob); }));
    PENSTOCK_TRY(EachBlob([this](const Blob& blob) { return RemoveFolder(blob); }));
    return EachBlob([this](const Blob& blob) { return RemoveOrCount(blob); });
  }

 private:
  struct Blob {
    std::string key;
    std::string digest;
    std::uint64_t bytes;
    TimePoint used;
    std::uint8_t bits;
  };

  References::TextSink MarkText(std::uint8_t bits) {
    return [this, bits](std::string_view text) {
      EachDigestIn(text, [&](const Digest& digest) { marks_.Add(digest, bits); });
    };
  }

  // What is not there any more refers to nothing.
  Result<void> MarkObject(const std::string& key, std::uint8_t bits) {
    const auto text = store_.objects().Get(key, kMostEntry);
    if (text) MarkText(bits)(*text);
    return text || text.error().kind == ErrorKind::kNotFound ? Result<void>{} : text.error();
  }

  Result<void> MarkCache(TimePoint before) {
    PENSTOCK_ASSIGN(const auto folders, FoldersOf(store_, ns_, "cache"));
    for (const std::string& folder : folders) {
      PENSTOCK_TRY(CheckStop());
      PENSTOCK_ASSIGN(const auto entries, store_.objects().Uses(folder));
      for (const ObjectUse& entry : entries) {
        const std::string key = folder + "/" + entry.name;
        bool gone = entry.used < before;
        if (gone && !options_.dry_run) {
          PENSTOCK_ASSIGN(gone, store_.objects().RemoveUnused(key, before));
        }
        if (gone)
          ++out_.cache_entries;
        else
          PENSTOCK_TRY(MarkObject(key, kCached));
      }
    }
    return {};
  }

  Result<void> MarkReceipts() {
    PENSTOCK_ASSIGN(const auto runs, store_.RunsWithReceipts(ns_));
    for (const std::string& run : runs) {
      PENSTOCK_TRY(CheckStop());
      PENSTOCK_ASSIGN(const auto pods, store_.Receipts(ns_, run));
      for (const std::string& pod : pods)
        PENSTOCK_TRY(MarkObject(ns_ + "/receipts/" + run + "/" + pod, kInUse));
    }
    return {};
  }

  // The files of what is marked, where that is a folder.
  Result<void> MarkFiles() {
    Result<void> done;
    marks_.Each(kInUse | kCached, [&](const Digest& digest, std::uint8_t bits) {
      std::uint8_t of_files = 0;
      if ((bits & kInUse) != 0) of_files |= kFileInUse;
      if ((bits & kCached) != 0) of_files |= kFileCached;
      const auto marked = MarkFilesOf(TextOf(digest), of_files);
      if (!marked) done = marked.error();
      if (done) done = CheckStop();
      return done.has_value();
    });
    return done;
  }

  Result<bool> MarkFilesOf(const std::string& digest, std::uint8_t bits) {
    return store_.EachMember(ns_, digest, [&](ManifestFile&& file) -> Result<void> {
      marks_.Add(DigestOf(file.sha256), bits);
      return {};
    });
  }

  Result<void> EachBlob(const std::function<Result<void>(const Blob&)>& visit) {
    PENSTOCK_ASSIGN(const auto folders, FoldersOf(store_, ns_, "blobs"));
    for (const std::string& folder : folders) {
      PENSTOCK_TRY(CheckStop());
      PENSTOCK_ASSIGN(const auto uses, store_.objects().Uses(folder));
      for (const ObjectUse& use : uses) {
        const std::string digest = "sha256:" + use.name;
        if (!IsDigest(digest)) continue;  // nothing of ours
        PENSTOCK_TRY(visit({folder + "/" + use.name, digest, use.bytes, use.used,
                            marks_.BitsOf(DigestOf(digest))}));
      }
    }
    return {};
  }

  Result<void> KeepYoung(const Blob& blob) {
    if (blob.used < before_ || (blob.bits & (kInUse | kCached)) != 0) return {};
    return Keep(blob.digest);
  }

  Result<void> Keep(const std::string& digest) {
    marks_.Add(DigestOf(digest), kRecent);
    PENSTOCK_TRY(MarkFilesOf(digest, kRecent));
    return {};
  }

  Result<void> RemoveFolder(const Blob& blob) {
    if (blob.bits != 0) return {};
    const auto enough = [](ManifestFile&&) -> Result<void> { return {}; };
    PENSTOCK_ASSIGN(const bool folder, store_.EachMember(ns_, blob.digest, enough));
    if (!folder) return {};
    PENSTOCK_ASSIGN(const bool gone, Remove(blob));
    if (!gone) return Keep(blob.digest);
    out_.orphaned.Add(blob.bytes);
    if (options_.dry_run) marks_.Add(DigestOf(blob.digest), kWouldGo);
    return {};
  }

  Result<bool> Remove(const Blob& blob) const {
    if (options_.dry_run) return blob.used < before_;
    return store_.objects().RemoveUnused(blob.key, before_);
  }

  Result<void> RemoveOrCount(const Blob& blob) {
    if ((blob.bits & (kInUse | kFileInUse)) != 0) {
      out_.in_use.Add(blob.bytes);
    } else if ((blob.bits & (kCached | kFileCached)) != 0) {
      out_.cached.Add(blob.bytes);
    } else if ((blob.bits & kRecent) != 0) {
      out_.recent.Add(blob.bytes);
    } else if (blob.bits == 0) {
      PENSTOCK_ASSIGN(const bool gone, Remove(blob));
      (gone ? out_.orphaned : out_.recent).Add(blob.bytes);
    }
    return {};
  }

  [[nodiscard]] Result<void> CheckStop() const {
    if (options_.stop.stop_requested()) return Cancelled("the collection was stopped");
    return {};
  }

  const Store& store_;
  References& references_;
  const CollectOptions& options_;
  const std::string ns_;
  NamespaceUse& out_;
  TimePoint before_;
  DigestSet marks_;
};

Json Words(const Amount& amount) { return {{"files", amount.files}, {"bytes", amount.bytes}}; }

}  // namespace

Result<std::vector<std::string>> NamespacesOf(const Store& store,
                                              const std::vector<std::string>& asked) {
  PENSTOCK_ASSIGN(std::vector<std::string> names, store.Namespaces());
  std::erase_if(names, [&](const std::string& name) {
    // ".stores" and the like are nothing of a namespace's.
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != name.npos) return true;
    return !asked.empty() && std::find(asked.begin(), asked.end(), name) == asked.end();
  });
  return names;
}

Result<std::vector<std::string>> FoldersOf(const Store& store, const std::string& ns,
                                           const char* kind) {
  const std::string above = ns + "/" + kind;
  PENSTOCK_ASSIGN(std::vector<std::string> folders, store.objects().Names(above));
  for (std::string& folder : folders) folder = above + "/" + folder;
  return folders;
}

Amount Collected::Removed() const {
  Amount sum;
  if (dry_run) return sum;
  for (const NamespaceUse& use : namespaces) {
    sum.files += use.orphaned.files;
    sum.bytes += use.orphaned.bytes;
  }
  return sum;
}

const std::string* Collected::FirstError() const {
  for (const NamespaceUse& use : namespaces)
    if (!use.error.empty()) return &use.error;
  return nullptr;
}

Collected Collect(const Store& store, References& references, const CollectOptions& options) {
  Collected out;
  out.dry_run = options.dry_run;
  const auto namespaces = NamespacesOf(store, options.namespaces);
  if (!namespaces) {
    out.namespaces.emplace_back().error = namespaces.error().message;
    return out;
  }
  for (const std::string& ns : *namespaces) {
    NamespaceUse& use = out.namespaces.emplace_back();
    use.ns = ns;
    const auto done = Collection(store, references, options, use).Run();
    if (!done) use.error = done.error().message;
  }
  return out;
}

Json Report(const Collected& collected) {
  Json namespaces = Json::array();
  for (const NamespaceUse& use : collected.namespaces) {
    namespaces.push_back({{"namespace", use.ns},
                          {"inUse", Words(use.in_use)},
                          {"cached", Words(use.cached)},
                          {"recent", Words(use.recent)},
                          {"orphaned", Words(use.orphaned)},
                          {"cacheEntries", use.cache_entries}});
    if (!use.error.empty()) namespaces.back()["error"] = use.error;
  }
  return {{"dryRun", collected.dry_run}, {"namespaces", std::move(namespaces)}};
}

}  // namespace penstock::artifacts
