// The routes over TLS, and net's server and client with them.
#include <fstream>

#include "operator/artifacts/transport.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/gateway/testing/gateway_fixture.h"
#include "operator/net/http_client.h"

namespace penstock::gateway {
namespace {
namespace fs = std::filesystem;
using net::HttpClient;
using net::HttpRequest;
using net::HttpResponse;

const net::Limits kLimits{.idle = std::chrono::seconds(20)};

class GatewayTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(artifacts::RemoveTree(dir_));
    fs::create_directories(dir_);
    gateway_ = std::make_unique<TestGateway>(dir_, 1 << 20);
    gateway_->authenticator.Know("good", {"ns", "default", "pod-1", "uid"});
  }
  std::unique_ptr<HttpClient> ClientThatTrusts(const std::string& ca_pem) const {
    net::HttpClientOptions options;
    options.tls.ca_pem = ca_pem;
    return std::move(*HttpClient::Make(gateway_->Url(), options));
  }
  std::unique_ptr<HttpClient> Client() const {
    return ClientThatTrusts(gateway_->certificates->CaPem());
  }
  static HttpRequest Request(const std::string& method, const std::string& target,
                             const std::string& token = "good") {
    HttpRequest r;
    r.method = method;
    r.target = target;
    if (!token.empty()) r.headers.emplace_back("Authorization", "Bearer " + token);
    return r;
  }
  static void SetBody(HttpRequest& r, const std::string& body) {
    r.content_length = body.size();
    r.source = [body, sent = false]() mutable -> Result<std::string_view> {
      if (std::exchange(sent, true)) return std::string_view();
      return std::string_view(body);
    };
  }
  HttpResponse Send(const HttpRequest& r) const {
    auto reply = Client()->Send(r, kLimits);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : HttpResponse{};
  }
  static std::string ErrorText(const HttpResponse& reply) {
    auto j = ParseJson(reply.body, "body");
    return j && j->contains("error") ? j->at("error").get<std::string>()
                                     : "no error in: " + reply.body;
  }
  static std::string BlobPath(const std::string& content) {
    return "/artifacts/v1/blobs/sha256:" + Sha256Hex(content);
  }
  HttpResponse Put(const std::string& content) const {
    HttpRequest r = Request("PUT", BlobPath(content));
    SetBody(r, content);
    return Send(r);
  }

  const fs::path dir_ =
      fs::path(testing::TempDir()) /
      (std::string("gateway_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  std::unique_ptr<TestGateway> gateway_;
};

TEST_F(GatewayTest, StoresABlobInTheCallersNamespace) {
  gateway_->Start();
  EXPECT_EQ(Put("content").status, 201);
  EXPECT_EQ(Put("content").status, 200);
  EXPECT_EQ(gateway_->store.BlobSize("ns", "sha256:" + Sha256Hex("content")).value(), 7u);
  EXPECT_EQ(Send(Request("GET", BlobPath("content"))).body, "content");
  gateway_->authenticator.Know("other", {"elsewhere", "default", "", ""});
  EXPECT_EQ(Send(Request("GET", BlobPath("content"), "other")).status, 404);
}

TEST_F(GatewayTest, AnswersHeadWithoutABodyAndKeepsTheConnection) {
  gateway_->Start();
  ASSERT_EQ(Put("content").status, 201);
  auto client = Client();
  HttpRequest get = Request("GET", BlobPath("content"));
  ASSERT_EQ(client->Send(get, kLimits)->body, "content");
  ASSERT_EQ(client->Send(get, kLimits)->body, "content");
  EXPECT_EQ(gateway_->server->connections(), 1);
}

TEST_F(GatewayTest, GivesARange) {
  gateway_->Start();
  ASSERT_EQ(Put("0123456789").status, 201);
  HttpRequest r = Request("GET", BlobPath("0123456789"));
  r.headers.emplace_back("Range", "bytes=4-6");
  auto reply = Send(r);
  EXPECT_EQ(reply.status, 206);
  EXPECT_EQ(reply.body, "456");
  r.headers.back().second = "bytes=10-";
  EXPECT_EQ(Send(r).status, 416);
}

TEST_F(GatewayTest, RefusesCallersItDoesNotKnow) {
  gateway_->Start();
  auto reply = Send(Request("GET", BlobPath("x"), ""));
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(ErrorText(reply), "a bearer token is missing");
  reply = Send(Request("GET", BlobPath("x"), "old"));
  EXPECT_EQ(reply.status, 401);
  EXPECT_NE(ErrorText(reply).find("expired"), std::string::npos);
}

TEST_F(GatewayTest, SaysWhatIsNotThere) {
  gateway_->Start();
  EXPECT_EQ(Send(Request("GET", BlobPath("absent"))).status, 404);
  EXPECT_EQ(Send(Request("GET", "/elsewhere")).status, 404);
  EXPECT_EQ(Send(Request("DELETE", BlobPath("absent"))).status, 405);
  EXPECT_EQ(Send(Request("GET", "/artifacts/v1/blobs/..%2f..%2fetc")).status, 400);
}

TEST_F(GatewayTest, RefusesBytesThatDoNotMatchTheirName) {
  gateway_->Start();
  HttpRequest r = Request("PUT", BlobPath("other"));
  SetBody(r, "bytes");
  auto reply = Send(r);
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(Send(Request("GET", BlobPath("other"))).status, 404);
  EXPECT_TRUE(fs::is_empty(dir_ / "gateway-store" / "ns" / "tmp"));
}

TEST_F(GatewayTest, RefusesABlobOverTheLimitBeforeReadingIt) {
  gateway_->Start();
  auto reply = Put(std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(reply.status, 413);
  EXPECT_NE(ErrorText(reply).find("1048576"), std::string::npos);
}

TEST_F(GatewayTest, KeepsPredictionLogsInTheCallersNamespace) {
  gateway_->Start();
  gateway_->authenticator.Know("rival", {"rival", "default", "pod-9", "uid"});
  const auto transport = [&](const std::string& token) {
    std::ofstream(dir_ / token) << token;
    TaskStore store;
    store.url = gateway_->Url();
    store.ca_pem = gateway_->certificates->CaPem();
    store.token_file = (dir_ / token).string();
    return std::move(*artifacts::MakeTransport(store, {}));
  };
  const auto own = transport("good");
  const std::string bytes(300'000, 'p');  // more than one piece
  const fs::path file = dir_ / "flights-v1-0001.parquet";
  std::ofstream(file) << bytes;
  const auto put = own->PutPredictions("flights", file);
  ASSERT_TRUE(put) << put.error().message;
  const auto files = own->ListPredictions("flights");
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 1U);
  EXPECT_EQ(files->at(0).name, "flights-v1-0001.parquet");
  EXPECT_EQ(files->at(0).bytes, bytes.size());
  const auto got = own->FetchPredictions("flights", "flights-v1-0001.parquet", dir_ / "copy");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(ReadFile(dir_ / "copy").value(), bytes);

  const auto rival = transport("rival");
  EXPECT_TRUE(rival->ListPredictions("flights").value().empty());
  const auto none = rival->FetchPredictions("flights", "flights-v1-0001.parquet", dir_ / "other");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(Send(Request("GET", "/artifacts/v1/predictions/flights", "")).status, 401);
  HttpRequest bad = Request("PUT", "/artifacts/v1/predictions/flights/x.sh");
  SetBody(bad, "x");
  EXPECT_EQ(Send(bad).status, 400);
}

TEST_F(GatewayTest, TakesAReceiptFromItsOwnPodOnly) {
  gateway_->Start();
  Receipt receipt;
  receipt.run_uid = "run-1";
  receipt.pod = "pod-1";
  HttpRequest r = Request("PUT", "/artifacts/v1/receipts/run-1/pod-1");
  SetBody(r, Json(receipt).dump());
  EXPECT_EQ(Send(r).status, 201);
  EXPECT_TRUE(gateway_->store.GetReceipt("ns", "run-1", "pod-1"));
  EXPECT_EQ(Send(Request("GET", "/artifacts/v1/receipts/run-1/pod-1")).status, 200);
  EXPECT_EQ(Send(Request("GET", "/artifacts/v1/receipts/run-1/pod-9")).status, 404);

  r = Request("PUT", "/artifacts/v1/receipts/run-1/pod-2");
  SetBody(r, Json(receipt).dump());
  EXPECT_EQ(Send(r).status, 403);
  r = Request("PUT", "/artifacts/v1/receipts/run-2/pod-1");
  SetBody(r, Json(receipt).dump());
  EXPECT_EQ(Send(r).status, 400) << "the receipt names another run than the path";
  r = Request("PUT", "/artifacts/v1/receipts/run-1/pod-1");
  SetBody(r, "no json");
  EXPECT_EQ(Send(r).status, 400);
}

TEST_F(GatewayTest, SetsADamagedBlobAside) {
  gateway_->Start();
  ASSERT_EQ(Put("content").status, 201);
  EXPECT_EQ(Json::parse(Send(Request("POST", BlobPath("content") + "/verify")).body)["whole"],
            true);
  const auto blob = gateway_->store.BlobPath("ns", "sha256:" + Sha256Hex("content")).value();
  fs::permissions(blob, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(blob) << "contenT";
  EXPECT_EQ(Json::parse(Send(Request("POST", BlobPath("content") + "/verify")).body)["whole"],
            false);
  EXPECT_EQ(Send(Request("GET", BlobPath("content"))).status, 404);
}

TEST_F(GatewayTest, RefusesHeadersThatAreTooLarge) {
  gateway_->options.max_header_bytes = 4096;
  gateway_->Start();
  HttpRequest r = Request("GET", "/");
  r.headers.emplace_back("X-Large", std::string(10'000, 'x'));
  EXPECT_EQ(Send(r).status, 431);
}

TEST_F(GatewayTest, TellsThoseAboveTheBoundToTryAgain) {
  gateway_->options.max_connections = 1;
  gateway_->Start();
  auto first = Client();
  ASSERT_EQ(first->Send(Request("GET", "/x"), kLimits)->status, 404);
  auto reply = Send(Request("GET", "/x"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("retry-after"), "1");
}

TEST_F(GatewayTest, ClosesAConnectionThatStandsStill) {
  gateway_->options.idle_timeout = std::chrono::milliseconds(100);
  gateway_->Start();
  auto client = Client();
  HttpRequest r = Request("PUT", BlobPath("content"));
  r.content_length = 7;  // promised, never sent
  std::mutex mutex;
  std::condition_variable never;
  r.source = [&]() -> Result<std::string_view> {
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::chrono::milliseconds(400), [] { return false; });
    return std::string_view("content");
  };
  auto reply = client->Send(r, kLimits);
  EXPECT_FALSE(reply);
  EXPECT_EQ(Put("fresh").status, 201) << "the server went on";
}

TEST_F(GatewayTest, StopsWithinASecondWhileConnectionsAreOpen) {
  gateway_->Start();
  auto client = Client();
  ASSERT_EQ(client->Send(Request("GET", "/x"), kLimits)->status, 404);
  const auto start = std::chrono::steady_clock::now();
  gateway_->server->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  EXPECT_FALSE(client->Send(Request("GET", "/x"), kLimits));
}

TEST_F(GatewayTest, AClientTrustsItsOwnAuthorityOnly) {
  gateway_->Start();
  SystemClock clock;
  auto others = Certificates::Open({dir_ / "others", {}, {"127.0.0.1"}}, clock);
  ASSERT_TRUE(others);
  auto reply = ClientThatTrusts((*others)->CaPem())->Send(Request("GET", "/"), kLimits);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kUntrusted);
}

TEST_F(GatewayTest, AClientInsistsOnTheName) {
  const SystemClock clock;
  auto named = Certificates::Open({dir_ / "named", {"gateway.example"}, {}}, clock);
  ASSERT_TRUE(named);
  const auto shown = (*named)->Current().value();
  gateway_->options.tls = [&] { return Result<std::shared_ptr<const net::TlsIdentity>>(shown); };
  gateway_->Start();
  auto reply = ClientThatTrusts((*named)->CaPem())->Send(Request("GET", "/"), kLimits);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kUntrusted);
}

}  // namespace
}  // namespace penstock::gateway
