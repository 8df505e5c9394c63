// Who calls the API, and what he may do. Implementations are thread-safe.
#pragma once

#include <string>
#include <vector>

#include "operator/kube/client.h"
#include "operator/kube/resources.h"
#include "operator/net/exchange.h"

namespace penstock::gateway {

struct Caller {
  std::string user;
  std::vector<std::string> groups;
  std::string token;         // that the API server knows him by; empty where there is none
  std::string extra = "{}";  // JSON: what else the API server says of him, for its authorizers
  // Known by a session or certificate, which his browser shows by itself, to the gateway alone.
  bool by_gateway = false;
  bool session = false;  // of that: by a session, which he can end
};

// A verb on a kind of a namespace, as Kubernetes' RBAC has it.
struct Right {
  std::string verb;  // get, list, watch, create, patch
  std::string group = std::string(kube::kPenstockGroup);
  std::string resource;     // pipelineruns
  std::string subresource;  // log
};

class Access {
 public:
  virtual ~Access() = default;
  // kForbidden: nobody whom we know, which is answered with 401; other kinds when nobody could say.
  [[nodiscard]] virtual Result<Caller> WhoIs(net::Exchange& x) = 0;
  // Whether he may; an error when nobody could say.
  [[nodiscard]] virtual Result<bool> May(const Caller& caller, const std::string& ns,
                                         const Right& right, const std::stop_token& stop) = 0;
};

}  // namespace penstock::gateway
