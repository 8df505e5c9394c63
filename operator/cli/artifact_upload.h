// The way of an artifact to a cluster: through the gateway, with a token of a service account.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "operator/artifacts/transport.h"
#include "operator/cli/session.h"

namespace penstock::cli {

struct GatewayOptions {
  std::string url;         // --gateway; empty: PENSTOCK_GATEWAY
  std::string token_file;  // empty: a token of the namespace's default account is asked for
  std::string ca_file;     // empty: PENSTOCK_GATEWAY_CA, else the system's roots
};

// A connection to the gateway for the cluster's namespace. Removes the token it asked for when it
// is destroyed. The error says how to reach the gateway when no URL is known.
class Gateway {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> Open(const GatewayOptions& options,
                                                             const Cluster& cluster,
                                                             const Session& session);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  [[nodiscard]] artifacts::Transport& transport() { return *transport_; }

 private:
  Gateway() = default;
  std::filesystem::path own_token_;
  std::unique_ptr<artifacts::Transport> transport_;
};

}  // namespace penstock::cli
