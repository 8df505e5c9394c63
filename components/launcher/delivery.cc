#include "components/launcher/delivery.h"

#include <sys/stat.h>

#include <memory>
#include <system_error>

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

// Keeps it in the claim, where it is found the next time.
Result<void> Keep(const FetchOptions& o, const std::stop_token& stop) {
  return KeepInClaim(
      o.claim, o.artifact.digest, o.KeptDigest(),
      [&](const fs::path& target) { return Fetch(o, target, stop); }, stop);
}

// A copy that nobody else writes, of what stands in a claim.
Result<void> FetchACopy(const FetchOptions& o, const fs::path& target,
                        const std::stop_token& stop) {
  if (o.from.empty()) PENSTOCK_TRY(Keep(o, stop));
  const fs::path source = o.from.empty() ? KeptInClaim(o.claim, o.artifact.digest) : o.from;
  PENSTOCK_ASSIGN(const std::string is, CopyModel(source, target));
  // Of a URI's content no digest is known; its signature is.
  const std::string expected = o.from.empty() ? o.KeptDigest() : o.artifact.digest;
  return expected.empty() ? Result<void>() : MustBe(expected, is);
}

// One fetch, and what became of it.
struct Delivery {
  FetchOptions o;
  std::stop_source stop;
  bool not_signed = false;
};

Result<void> MustBeSigned(const fs::path& model, Delivery& d) {
  auto key = signing::EcKey::ReadPublic(d.o.signed_by);
  if (!key) return Wrap("the key that the model is to be signed by", key.error());
  PENSTOCK_ASSIGN(const auto findings,
                  signing::CheckModel(model, model / signing::kSignatureFile, *key));
  d.not_signed = !findings.empty();
  if (findings.empty()) return {};
  return Error{ErrorKind::kUntrusted,
               "the model is not signed by the key of spec.verify: " + signing::Told(findings)};
}

Result<void> FetchTo(Delivery& d) {
  const FetchOptions& o = d.o;
  const fs::path partial = o.to.string() + ".partial";
  PENSTOCK_TRY(artifacts::RemoveTree(partial));
  const bool copies = !o.from.empty() || !o.claim.empty();
  auto fetched =
      copies ? FetchACopy(o, partial, d.stop.get_token()) : Fetch(o, partial, d.stop.get_token());
  // In the place that only this pod writes, before anybody can read it under its name.
  if (fetched && !o.signed_by.empty()) fetched = MustBeSigned(partial, d);
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
  auto* d = new Delivery{options, {}, false};
  auto done = RunInterruptibly(signals, d->stop, [d]() -> Result<void> {
    if (d->o.verify) return VerifyModel(d->o.to, d->o.artifact.digest);
    if (d->o.claim.empty() || !d->o.signed_by.empty()) return FetchTo(*d);
    return Keep(d->o, d->stop.get_token());
  });
  // Written before the error of that kind came.
  *not_signed = !done && done.error().kind == ErrorKind::kUntrusted && d->not_signed;
  return done;
}

}  // namespace penstock::launcher
