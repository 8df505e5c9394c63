// The environment of a pod's container on this machine. Functions; any thread.
//
// A Secret is one of `client` (its manifest was among the files), or comes from variables of the
// calling shell, PENSTOCK_SECRET_<NAME>_<KEY> (upper case, everything but letters and digits as
// "_"), which win.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace penstock::local {

using Environment = std::map<std::string, std::string>;

// "db-login", "password" -> "PENSTOCK_SECRET_DB_LOGIN_PASSWORD".
[[nodiscard]] std::string SecretVariable(const std::string& secret, const std::string& key);

// The values of a Secret by key: those of `keys`, or all that there are. NotFound says how to give
// it.
[[nodiscard]] Result<Environment> SecretValues(const std::string& ns, const std::string& secret,
                                               const std::vector<std::string>& keys,
                                               const Environment& host, kube::Client& client);

// What a process on the host keeps of the caller's environment: where programs, libraries, proxies
// and certificates are, and the user's language; no PENSTOCK_ variable.
[[nodiscard]] Environment InheritedEnvironment(const Environment& host);

// env and envFrom of the container: literals with $(NAME) of earlier variables, ConfigMaps of
// `client`, Secrets of `host`, fields of the pod. The error names the variable.
[[nodiscard]] Result<Environment> ContainerEnvironment(const Json& pod, const Json& container,
                                                       const Environment& host,
                                                       kube::Client& client);

// Kubernetes' $(NAME) in commands and env: unknown names stay as they are, "$$" is "$".
[[nodiscard]] std::string ExpandVariables(const std::string& text, const Environment& variables);

// The value of a downward-API field path: metadata.name, metadata.annotations['k'], spec.nodeName.
// Invalid for a path that this kubelet does not know.
[[nodiscard]] Result<std::string> DownwardField(const Json& pod, const std::string& path);

}  // namespace penstock::local
