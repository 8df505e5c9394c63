#include "operator/cli/objects/session.h"

#include <unistd.h>

#include <ostream>
#include <sstream>

#include "operator/kube/api_client.h"
#include "operator/kube/config.h"

namespace penstock::cli {

namespace fs = std::filesystem;

std::string Session::Env(const std::string& variable) const {
  const auto it = env.find(variable);
  return it == env.end() ? "" : it->second;
}

int Session::Fail(const Error& error) const {
  return Fail(error.kind == ErrorKind::kInvalid ? kInvalidSpec : kFailed, error.message);
}

int Session::Fail(int code, const std::string& message) const {
  err << "error: " << message << "\n";
  return code;
}

Result<Cluster> ConnectToCluster(const GlobalFlags& flags, const Clock& clock) {
  Result<kube::ClusterConfig> config = kube::LoadConfig({flags.kubeconfig, flags.context});
  // Nobody's manifest is wrong: what is missing is a cluster.
  if (!config) {
    Error error = Wrap("no cluster to talk to", config.error());
    error.kind = ErrorKind::kInternal;
    return error;
  }
  Cluster cluster;
  cluster.namespace_ = flags.namespace_.empty() ? config->namespace_ : flags.namespace_;
  if (cluster.namespace_.empty()) cluster.namespace_ = "default";
  cluster.server = config->server;
  cluster.context = config->context;
  Result<std::unique_ptr<kube::ApiClient>> client = kube::ApiClient::Make(*config, clock);
  if (!client) return Wrap("cluster " + cluster.server, client.error());
  cluster.client = *std::move(client);
  return cluster;
}

Result<fs::path> FindOurProgram(const Session& session, const std::string& name) {
  const fs::path bin = session.program.parent_path();
  std::string folders = session.Env("PENSTOCK_LIBEXEC") + ":" + bin.string() + ":" +
                        (bin.parent_path() / "libexec" / "penstock").string() + ":" +
                        session.Env("PATH");
  std::istringstream list(folders);
  for (std::string folder; std::getline(list, folder, ':');) {
    if (folder.empty()) continue;
    const fs::path candidate = fs::path(folder) / name;
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored) && access(candidate.c_str(), X_OK) == 0) {
      return fs::absolute(candidate);
    }
  }
  return NotFound("program " + name + " is neither beside " + session.program.string() +
                  " nor in PENSTOCK_LIBEXEC or PATH; install it or set PENSTOCK_LIBEXEC");
}

}  // namespace penstock::cli
