// The way of an artifact to a cluster: through the gateway, with a token of a service account.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "operator/artifacts/transport.h"
#include "operator/base/json.h"
#include "operator/cli/objects/session.h"
#include "operator/net/http_client.h"

namespace penstock::cli {

class Tunnel;

struct GatewayOptions {
  std::string url;         // --gateway; empty: PENSTOCK_GATEWAY, else a tunnel by kubectl
  std::string token_file;  // empty: a token of the namespace's default account is asked for
  std::string ca_file;     // with a URL; empty: PENSTOCK_GATEWAY_CA
};

// A connection to the gateway for the cluster's namespace. When it is destroyed it removes the
// token that it asked for and ends the tunnel that it opened. Errors say what to do.
class Gateway {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> Open(const GatewayOptions& options,
                                                             const Cluster& cluster,
                                                             const Session& session);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  [[nodiscard]] artifacts::Transport& transport() { return *transport_; }
  // The answer of the API (operator/gateway/api) to a GET of this path with its query. What it
  // refuses is an error with its own words.
  [[nodiscard]] Result<Json> Ask(const std::string& target) const;
  // The same where the answer is text.
  [[nodiscard]] Result<std::string> AskText(const std::string& target) const;
  // The same of a write.
  [[nodiscard]] Result<Json> Tell(const std::string& target, const Json& body) const;

 private:
  Gateway();
  [[nodiscard]] Result<std::string> Send(net::HttpRequest request) const;
  [[nodiscard]] Result<TaskStore> Reach(const GatewayOptions& options, const Cluster& cluster,
                                        const Session& session);
  TaskStore store_;
  std::stop_token stop_;
  std::filesystem::path own_token_;
  std::unique_ptr<Tunnel> tunnel_;
  std::unique_ptr<artifacts::Transport> transport_;
};

}  // namespace penstock::cli
