#include "components/launcher/delivery.h"

#include <sys/stat.h>

#include <memory>
#include <system_error>

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

Result<void> FetchArtifact(const FetchOptions& options, Signals& signals) {
  // Never freed: after a signal the transfer's thread may go on using them until _exit.
  auto* stop = new std::stop_source;
  auto* o = new FetchOptions(options);
  return RunInterruptibly(signals, *stop, [o, stop]() -> Result<void> {
    artifacts::TransportOptions transport_options;
    transport_options.namespace_ = o->namespace_;
    transport_options.deadline = o->deadline;
    transport_options.stop = stop->get_token();
    auto transport = artifacts::MakeTransport(o->store, transport_options);
    if (!transport) return transport.error();
    const fs::path partial = o->to.string() + ".partial";
    if (auto removed = artifacts::RemoveTree(partial); !removed) return removed;
    if (auto fetched = (*transport)->Fetch(o->artifact, partial); !fetched) return fetched;
    if (auto removed = artifacts::RemoveTree(o->to); !removed) return removed;
    std::error_code ec;
    fs::rename(partial, o->to, ec);
    if (ec) return FromErrno("renaming " + partial.string() + " to " + o->to.string(), ec.value());
    return {};
  });
}

}  // namespace penstock::launcher
