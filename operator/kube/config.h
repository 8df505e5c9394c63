// Where the API server is and who we are: in a pod, or by kubeconfig files.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/kube/credentials.h"
#include "operator/net/exchange.h"
#include "operator/net/proxy.h"

namespace penstock::kube {

// A certificate or key: text, or a file that is read again while we run.
struct PemSource {
  std::string data;
  std::string file;
  [[nodiscard]] bool empty() const { return data.empty() && file.empty(); }
  // The text; the file's content where there is one.
  [[nodiscard]] Result<std::string> Load() const;
};

struct ClusterConfig {
  std::string server;  // "https://10.0.0.1:6443"
  PemSource ca;        // empty = the system's roots
  bool insecure = false;
  std::string tls_server_name;
  PemSource certificate;
  PemSource key;
  TokenSource::Settings token;
  std::string basic_auth;      // "user:password"; empty = none
  net::Headers impersonation;  // whom we act as: Impersonate-User and its like
  std::optional<net::Proxy> proxy;
  std::string namespace_ = "default";
  std::string context;  // empty in a pod
};

struct LoadOptions {
  std::string kubeconfig;  // an explicit path; it must exist
  std::string context;     // empty = current-context
};

// The process's surroundings, so that tests can set them.
struct Surroundings {
  // KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST, _PORT, and those of proxies (net/proxy.h).
  std::map<std::string, std::string> env;
  std::filesystem::path service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
  [[nodiscard]] static Surroundings OfProcess();
};

// In this order: the explicit path; the list in $KUBECONFIG; ~/.kube/config; the pod's service
// account. Invalid when none is there, or when what is there cannot be read; the message names the
// file and the field. A proxy is that of the kubeconfig's proxy-url, whatever NO_PROXY says, or
// else that of the environment, in a pod too: as with kubectl.
[[nodiscard]] Result<ClusterConfig> LoadConfig(
    const LoadOptions& options = {}, const Surroundings& surroundings = Surroundings::OfProcess());

// Merges kubeconfig files as kubectl does: for every cluster, user, context and for
// current-context the first file that sets it wins; relative paths belong to their file's folder;
// files that do not exist are skipped. A field of a cluster or user that we do not know is Invalid:
// left out, it might mean another server or other rights. (disable-compression is always so.)
[[nodiscard]] Result<ClusterConfig> LoadKubeconfigs(const std::vector<std::filesystem::path>& files,
                                                    const std::string& context);

[[nodiscard]] Result<ClusterConfig> LoadInCluster(const Surroundings& surroundings);

}  // namespace penstock::kube
