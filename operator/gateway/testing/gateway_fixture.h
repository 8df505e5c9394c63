// A gateway on 127.0.0.1 with tokens that a test chooses. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "operator/artifacts/store.h"
#include "operator/artifacts/tree.h"
#include "operator/base/time.h"
#include "operator/gateway/artifact_routes.h"
#include "operator/gateway/certificates.h"
#include "operator/gateway/router.h"
#include "operator/net/http_server.h"

namespace penstock::gateway {

class FakeAuthenticator : public Authenticator {
 public:
  Result<Identity> Authenticate(const std::string& bearer, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    if (const auto it = known_.find(bearer); it != known_.end()) return it->second;
    Error e;
    e.kind = ErrorKind::kForbidden;
    e.message = "the token is not accepted: expired";
    return e;
  }
  void Know(const std::string& token, const Identity& identity) {
    const std::lock_guard lock(mutex_);
    known_[token] = identity;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Identity> known_;
};

// A running gateway; its store and certificates are under `dir`.
class TestGateway {
 public:
  explicit TestGateway(const std::filesystem::path& dir, std::uint64_t max_blob_bytes = 0)
      : store(dir / "gateway-store") {
    CertificateOptions names;
    names.folder = dir / "gateway-certificates";
    names.addresses = {"127.0.0.1"};
    auto opened = Certificates::Open(names, clock_);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    certificates = std::move(*opened);
    AddArtifactRoutes(router, {&store, &authenticator, max_blob_bytes});
    options.address = "127.0.0.1";
    options.port = 0;
    options.tls = [this] { return certificates->Current(); };
  }
  void Start() {
    auto started = net::HttpServer::Start(options, [this](Exchange& x) { router.Dispatch(x); });
    ASSERT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }
  [[nodiscard]] std::string Url() const {
    return "https://127.0.0.1:" + std::to_string(server->port());
  }

  artifacts::Store store;
  FakeAuthenticator authenticator;
  std::unique_ptr<Certificates> certificates;
  Router router;
  net::HttpServerOptions options;
  std::unique_ptr<net::HttpServer> server;

 private:
  SystemClock clock_;
};

}  // namespace penstock::gateway
