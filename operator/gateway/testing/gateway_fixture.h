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
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/time.h"
#include "operator/gateway/artifact_routes.h"
#include "operator/gateway/certificates.h"
#include "operator/gateway/router.h"
#include "operator/net/http_client.h"
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
    AddArtifactRoutes(router, {&store, &authenticator, max_blob_bytes, &bodies});
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
  BodyBudget bodies{64 << 20};
  std::unique_ptr<Certificates> certificates;
  Router router;
  net::HttpServerOptions options;
  std::unique_ptr<net::HttpServer> server;

 private:
  SystemClock clock_;
};

inline const net::Limits kLimits{.idle = std::chrono::seconds(20)};

// What the tests of its routes share.
class GatewayTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(artifacts::RemoveTree(dir_));
    std::filesystem::create_directories(dir_);
    gateway_ = std::make_unique<TestGateway>(dir_, 1 << 20);
    gateway_->authenticator.Know("good", {"ns", "default", "pod-1", "uid"});
  }
  std::unique_ptr<net::HttpClient> ClientThatTrusts(const std::string& ca_pem) const {
    net::HttpClientOptions options;
    options.tls.ca_pem = ca_pem;
    return std::move(*net::HttpClient::Make(gateway_->Url(), options));
  }
  std::unique_ptr<net::HttpClient> Client() const {
    return ClientThatTrusts(gateway_->certificates->CaPem());
  }
  static net::HttpRequest Request(const std::string& method, const std::string& target,
                                  const std::string& token = "good") {
    net::HttpRequest r;
    r.method = method;
    r.target = target;
    if (!token.empty()) r.headers.emplace_back("Authorization", "Bearer " + token);
    return r;
  }
  static void SetBody(net::HttpRequest& r, const std::string& body) {
    r.content_length = body.size();
    r.source = [body, sent = false]() mutable -> Result<std::string_view> {
      if (std::exchange(sent, true)) return std::string_view();
      return std::string_view(body);
    };
  }
  net::HttpResponse Send(const net::HttpRequest& r) const {
    auto reply = Client()->Send(r, kLimits);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : net::HttpResponse{};
  }
  static std::string ErrorText(const net::HttpResponse& reply) {
    auto j = ParseJson(reply.body, "body");
    return j && j->contains("error") ? j->at("error").get<std::string>()
                                     : "no error in: " + reply.body;
  }
  static std::string BlobPath(const std::string& content) {
    return "/artifacts/v1/blobs/sha256:" + Sha256Hex(content);
  }
  net::HttpResponse Put(const std::string& content) const {
    net::HttpRequest r = Request("PUT", BlobPath(content));
    SetBody(r, content);
    return Send(r);
  }

  const std::filesystem::path dir_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("gateway_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  std::unique_ptr<TestGateway> gateway_;
};

}  // namespace penstock::gateway
