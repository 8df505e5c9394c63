#include "operator/kube/config.h"

#include <cstdlib>

#include "operator/base/file.h"
#include "operator/base/is_there.h"
#include "operator/base/try.h"

namespace penstock::kube {
namespace {

std::string Get(const std::map<std::string, std::string>& env, const char* name) {
  const auto it = env.find(name);
  return it == env.end() ? "" : it->second;
}

std::vector<std::filesystem::path> SplitList(const std::string& list) {
  std::vector<std::filesystem::path> out;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    const auto end = std::min(list.find(':', begin), list.size());
    if (end > begin) out.emplace_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

}  // namespace

Result<std::string> PemSource::Load() const {
  return file.empty() ? Result<std::string>(data) : ReadFile(file, 4 << 20);
}

Surroundings Surroundings::OfProcess() {
  Surroundings out;
  for (const char* name :
       {"KUBECONFIG", "HOME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "HTTPS_PROXY",
        "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"}) {
    if (const char* value = std::getenv(name)) out.env[name] = value;
  }
  return out;
}

Result<ClusterConfig> LoadInCluster(const Surroundings& surroundings) {
  const std::string host = Get(surroundings.env, "KUBERNETES_SERVICE_HOST");
  const std::string port = Get(surroundings.env, "KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return Invalid("not in a pod: KUBERNETES_SERVICE_HOST and _PORT are not set");
  }
  const auto& folder = surroundings.service_account;
  PENSTOCK_ASSIGN(const bool has_token, IsThere(folder / "token"));
  PENSTOCK_ASSIGN(const bool has_ca, IsThere(folder / "ca.crt"));
  if (!has_token) {
    return Invalid("no service account token at " + (folder / "token").string() +
                   "; is automountServiceAccountToken off?");
  }
  ClusterConfig out;
  const bool ipv6 = host.find(':') != std::string::npos;
  out.server = "https://" + (ipv6 ? "[" + host + "]" : host) + ":" + port;
  out.token.file = folder / "token";
  if (has_ca) out.ca.file = folder / "ca.crt";
  auto ns = ReadFile(folder / "namespace", 1024);
  if (!ns && ns.error().kind != ErrorKind::kNotFound) return ns.error();
  if (ns && !ns->empty()) out.namespace_ = *ns;
  return out;
}

namespace {

Result<ClusterConfig> Find(const LoadOptions& options, const Surroundings& surroundings) {
  if (!options.kubeconfig.empty()) {
    PENSTOCK_ASSIGN(const bool there, IsThere(options.kubeconfig));
    if (!there) {
      return Invalid("kubeconfig " + options.kubeconfig + " does not exist");
    }
    return LoadKubeconfigs({options.kubeconfig}, options.context);
  }
  if (const auto list = SplitList(Get(surroundings.env, "KUBECONFIG")); !list.empty()) {
    return LoadKubeconfigs(list, options.context);
  }
  if (const std::string home = Get(surroundings.env, "HOME"); !home.empty()) {
    const auto standard = std::filesystem::path(home) / ".kube" / "config";
    PENSTOCK_ASSIGN(const bool there, IsThere(standard));
    if (there) return LoadKubeconfigs({standard}, options.context);
  }
  if (!options.context.empty()) {
    return Invalid("context \"" + options.context + "\" was asked for, but there is no kubeconfig");
  }
  auto in_cluster = LoadInCluster(surroundings);
  if (in_cluster) return in_cluster;
  return Invalid("no cluster is configured: set KUBECONFIG, or make ~/.kube/config (" +
                 in_cluster.error().message + ")");
}

}  // namespace

Result<ClusterConfig> LoadConfig(const LoadOptions& options, const Surroundings& surroundings) {
  auto config = Find(options, surroundings);
  if (!config || config->proxy) return config;
  const auto server = net::ParseUrl(config->server);
  if (!server) return Wrap("the API server's URL", server.error());
  auto proxy = net::ProxyFromEnvironment(*server, surroundings.env);
  if (!proxy) return proxy.error();
  config->proxy = *std::move(proxy);
  return config;
}

}  // namespace penstock::kube
