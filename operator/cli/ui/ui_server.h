// The page and its API on a loopback address, for the one who started it. Owns its threads.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "operator/gateway/api/api_routes.h"
#include "operator/gateway/api/local_access.h"
#include "operator/gateway/api/page_files.h"
#include "operator/net/http_server.h"

namespace penstock::cli {

struct UiServerOptions {
  const views::Place* place = nullptr;
  gateway::Acting* acting = nullptr;
  std::filesystem::path page;  // the folder of the page
  std::string user, token;
  std::string as;          // Caller::token; see LocalAccess
  std::uint16_t port = 0;  // 0: any
  std::function<void(const std::string&)> audit = [](const std::string&) {};
};

class UiServer {
 public:
  // Listens when it returns. What the options point to must outlive it. A page that is not
  // installed is told in its place, and the API answers all the same.
  [[nodiscard]] static Result<std::unique_ptr<UiServer>> Start(UiServerOptions options);

  // "http://127.0.0.1:8090/?token=...": opened once, the browser keeps a cookie in its place.
  [[nodiscard]] std::string Address() const;
  [[nodiscard]] int port() const { return server_->port(); }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }  // with the page; or ""

 private:
  explicit UiServer(UiServerOptions options);
  void Serve(net::Exchange& x);
  void Enter(net::Exchange& x, const std::string& token);

  const UiServerOptions options_;
  gateway::BodyBudget bodies_;
  gateway::EventHub events_;
  gateway::ApiParts parts_;
  std::optional<gateway::PageFiles> page_;
  std::string trouble_;
  std::unique_ptr<gateway::LocalAccess> access_;
  gateway::Router router_;
  std::unique_ptr<net::HttpServer> server_;  // last: its threads use the rest
};

}  // namespace penstock::cli
