// Who is calling the gateway.
#pragma once

#include <stop_token>
#include <string>

#include "operator/base/result.h"

namespace penstock::gateway {

struct Identity {
  std::string namespace_;
  std::string service_account;
  std::string pod_name;  // empty when the token is bound to no pod
  std::string pod_uid;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // kForbidden when the token is not accepted; other kinds when nobody could say. From any thread.
  [[nodiscard]] virtual Result<Identity> Authenticate(const std::string& bearer,
                                                      std::stop_token stop) = 0;
};

}  // namespace penstock::gateway
