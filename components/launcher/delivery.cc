#include "components/launcher/delivery.h"

#include <sys/stat.h>

#include <memory>
#include <system_error>

#include "components/launcher/last_words.h"
#include "components/launcher/model_claim.h"
#include "operator/artifacts/transport.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/signing/model_signature.h"

namespace penstock::launcher {
namespace fs = std::filesystem;

Result<void> Install(const fs::path& target) {
  std::error_code ec;
  const fs::path to = fs::is_directory(target, ec) ? target / "penstock-launcher" : target;
  const fs::path temporary = to.string() + ".tmp";
  fs::copy_file("/proc/self/exe", temporary, fs::copy_options::overwrite_existing, ec);
  if (ec) return FromErrno("copying the launcher to " + temporary.string(), ec.value());
  if (::chmod(temporary.c_str(), 0755) != 0)
    return FromErrno("making " + temporary.string() + " executable", errno);
  fs::rename(temporary, to, ec);
  if (ec) return FromErrno("renaming " + temporary.string() + " to " + to.string(), ec.value());
  return {};
}

namespace {

// Writes `target`, which must not be there.
Result<void> Fetch(const FetchOptions& o, const fs::path& target, const std::stop_token& stop) {
  if (!o.model.source.empty()) return FetchModel(o.model, target, stop);
  artifacts::TransportOptions options;
  options.namespace_ = o.namespace_;
  options.deadline = o.deadline;
  options.stop = stop;
  auto transport = artifacts::MakeTransport(o.store, options);
  if (!transport) return transport.error();
  return (*transport)->Fetch(o.artifact, target);
}

// Keeps it in the claim, where it is found the next time. `*of_source`: it is what failed.
Result<void> Keep(const FetchOptions& o, const std::stop_token& stop, bool* of_source) {
  const auto fetch = [&](const fs::path& target) {
    auto fetched = Fetch(o, target, stop);
    *of_source = !fetched;
    return fetched;
  };
  return KeepInClaim(o.claim, o.artifact.digest, o.KeptDigest(), fetch, stop);
}

// One fetch, and what became of it.
struct Delivery {
  FetchOptions o;
  std::stop_source stop;
  bool not_signed = false;
  bool of_source = false;  // it does not give the model
};

Result<signing::EcKey> KeyOf(const FetchOptions& o) {
  auto key = signing::EcKey::ReadPublic(o.signed_by);
  if (!key) return Wrap("the key that the model is to be signed by", key.error());
  return key;
}

Result<void> MustBeSigned(const fs::path& model, Delivery& d) {
  PENSTOCK_ASSIGN(const signing::EcKey key, KeyOf(d.o));
  std::vector<std::string> left_out;
  PENSTOCK_ASSIGN(const auto findings,
                  signing::CheckModel(model, model / signing::kSignatureFile, key, &left_out));
  d.not_signed = !findings.empty();
  // A server reads what it finds, whoever the signature leaves it to.
  if (findings.empty()) return signing::RemoveLeftOut(model, left_out);
  return Error{ErrorKind::kUntrusted,
               "the model is not signed by the key of spec.verify: " + signing::Told(findings)};
}

// A copy that nobody else writes, of what stands in a claim.
Result<void> CopyFrom(const fs::path& source, const std::string& expected, const fs::path& target) {
  PENSTOCK_ASSIGN(const std::string is, CopyModel(source, target));
  // Of a URI's content no digest is known; its signature is.
  return expected.empty() ? Result<void>() : MustBe(expected, is);
}

// From where it is from, into the place that only this pod writes.
Result<void> FetchOwn(Delivery& d, const fs::path& target) {
  PENSTOCK_TRY(artifacts::RemoveTree(target));
  PENSTOCK_TRY(d.o.from.empty() ? Fetch(d.o, target, d.stop.get_token())
                                : CopyFrom(d.o.from, d.o.artifact.digest, target));
  return d.o.signed_by.empty() ? Result<void>() : MustBeSigned(target, d);
}

// The same by way of the claim. Others may write there, so that what is wrong with it is no verdict
// on the model: its source is asked then.
Result<void> FetchByClaim(Delivery& d, const fs::path& target) {
  const FetchOptions& o = d.o;
  const auto by_claim = [&]() -> Result<void> {
    PENSTOCK_TRY(artifacts::RemoveTree(target));
    PENSTOCK_TRY(Keep(o, d.stop.get_token(), &d.of_source));
    PENSTOCK_TRY(CopyFrom(KeptInClaim(o.claim, o.artifact.digest), o.KeptDigest(), target));
    return MustBeSigned(target, d);
  };
  auto done = by_claim();
  const bool known = d.not_signed && !o.KeptDigest().empty();  // the very bytes of the digest
  if (done || known || d.of_source || d.stop.stop_requested()) return done;
  Say("penstock-launcher: what the claim holds does not do, its source is asked: " +
      done.error().message + "\n");
  d.not_signed = false;
  return FetchOwn(d, target);
}

Result<void> FetchTo(Delivery& d) {
  const FetchOptions& o = d.o;
  const fs::path partial = o.to.string() + ".partial";
  if (!o.signed_by.empty()) PENSTOCK_TRY(KeyOf(o));
  // Before anybody can read it under its name.
  auto fetched =
      o.claim.empty() || !o.from.empty() ? FetchOwn(d, partial) : FetchByClaim(d, partial);
  if (!fetched) {
    (void)artifacts::RemoveTree(partial);
    return fetched;
  }
  PENSTOCK_TRY(artifacts::RemoveTree(o.to));
  std::error_code ec;
  fs::rename(partial, o.to, ec);
  if (ec) return FromErrno("renaming " + partial.string() + " to " + o.to.string(), ec.value());
  return {};
}

}  // namespace

std::string FetchOptions::KeptDigest() const { return model.source.empty() ? artifact.digest : ""; }

Result<void> FetchArtifact(const FetchOptions& options, Signals& signals, bool* not_signed) {
  // Never freed: after a signal the transfer's thread may go on using it until _exit.
  auto* d = new Delivery{options, {}};
  auto done = RunInterruptibly(signals, d->stop, [d]() -> Result<void> {
    if (d->o.verify) return VerifyModel(d->o.to, d->o.artifact.digest);
    if (d->o.claim.empty() || !d->o.signed_by.empty()) return FetchTo(*d);
    return Keep(d->o, d->stop.get_token(), &d->of_source);
  });
  // Written before the error of that kind came.
  *not_signed = !done && done.error().kind == ErrorKind::kUntrusted && d->not_signed;
  return done;
}

}  // namespace penstock::launcher
