#include "components/launcher/delivery.h"

#include <sys/stat.h>

#include <memory>
#include <system_error>

#include "components/launcher/model_claim.h"
#include "operator/artifacts/transport.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"

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

Result<void> FetchTo(const FetchOptions& o, const std::stop_token& stop) {
  const fs::path partial = o.to.string() + ".partial";
  if (auto removed = artifacts::RemoveTree(partial); !removed) return removed;
  if (auto fetched = Fetch(o, partial, stop); !fetched) return fetched;
  if (auto removed = artifacts::RemoveTree(o.to); !removed) return removed;
  std::error_code ec;
  fs::rename(partial, o.to, ec);
  if (ec) return FromErrno("renaming " + partial.string() + " to " + o.to.string(), ec.value());
  return {};
}

}  // namespace

Result<void> FetchArtifact(const FetchOptions& options, Signals& signals) {
  // Never freed: after a signal the transfer's thread may go on using them until _exit.
  auto* stop = new std::stop_source;
  auto* o = new FetchOptions(options);
  return RunInterruptibly(signals, *stop, [o, stop]() -> Result<void> {
    if (o->verify) return VerifyModel(o->to, o->artifact.digest);
    if (o->claim.empty()) return FetchTo(*o, stop->get_token());
    // Of an artifact the digest is that of what is kept; of a URI that of what was sent.
    const std::string kept = o->model.source.empty() ? o->artifact.digest : "";
    return KeepInClaim(
        o->claim, o->artifact.digest, kept,
        [o, stop](const fs::path& target) { return Fetch(*o, target, stop->get_token()); },
        stop->get_token());
  });
}

}  // namespace penstock::launcher
