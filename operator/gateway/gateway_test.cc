// The routes over TLS, and net's server and client with them.
#include <fstream>

#include "operator/artifacts/prediction_store.h"
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

TEST_F(GatewayTest, AFullVolumeIsToldBeforeTheBodyComesAndReadsGoOn) {
  VolumeSpace space{.size = 10ULL << 30, .free = 5ULL << 30, .files = 0, .free_files = 0};
  gateway_->store = artifacts::Store(gateway_->store.root(),
                                     artifacts::Room([&] { return Result<VolumeSpace>(space); }));
  gateway_->Start();
  EXPECT_EQ(Put("content").status, 201);
  space.free = 10 << 20;
  int asked = 0;
  for (const std::string& target :
       {BlobPath("large"), std::string("/artifacts/v1/predictions/flights/a.parquet")}) {
    HttpRequest r = Request("PUT", target);
    r.content_length = 512 * 1024;
    r.source = [&asked]() -> Result<std::string_view> {
      ++asked;
      return std::string_view();
    };
    const auto reply = Send(r);
    EXPECT_EQ(reply.status, 507) << target;
    EXPECT_NE(ErrorText(reply).find("the artifact store's volume is full"), std::string::npos);
  }
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(Put("other").status, 507);
  EXPECT_EQ(Put("content").status, 200) << "it is there";
  EXPECT_EQ(Send(Request("GET", BlobPath("content"))).body, "content");
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

TEST_F(GatewayTest, TakesMetricsFromTheirOwnPodOnlyAndNothingElseForThem) {
  gateway_->Start();
  const auto put = [&](const std::string& pod, const std::string& body) {
    HttpRequest r = Request("PUT", "/artifacts/v1/metrics/run-1/" + pod);
    SetBody(r, body);
    return Send(r).status;
  };
  const std::string good = R"({"series":[{"name":"loss","points":[[1,0.5,7]]}]})";
  EXPECT_EQ(put("pod-1", good), 201);
  EXPECT_EQ(gateway_->store.GetMetrics("ns", "run-1", "pod-1").value(),
            R"({"ignored":0,"series":[{"name":"loss","points":[[1.0,0.5,7]]}]})");
  EXPECT_EQ(put("pod-2", good), 403);
  EXPECT_EQ(put("pod-1", "rubbish"), 400);
}

TEST_F(GatewayTest, MetricsAreKeptAsTheyAreBoundedAndTakeNothingOfTheReserve) {
  VolumeSpace space{.size = 10ULL << 30, .free = 5ULL << 30, .files = 0, .free_files = 0};
  gateway_->store = artifacts::Store(gateway_->store.root(),
                                     artifacts::Room([&] { return Result<VolumeSpace>(space); }));
  gateway_->Start();
  std::string points;
  for (int i = 0; i < 20'000; ++i) points += (i == 0 ? "[0,0,0]" : ",[0,0,0]");
  const auto put = [&](const std::string& run) {
    HttpRequest r = Request("PUT", "/artifacts/v1/metrics/" + run + "/pod-1");
    SetBody(r, R"({"series":[{"name":"loss","points":[)" + points + "]}]}");
    return Send(r).status;
  };
  EXPECT_EQ(put("run-1"), 201);
  EXPECT_LT(gateway_->store.GetMetrics("ns", "run-1", "pod-1").value().size(), 32U * 1024);
  space.free = 10 << 20;
  EXPECT_EQ(put("run-2"), 507);
}

TEST_F(GatewayTest, AReceiptThatCallsAFolderWhatIsNoneIsRefusedByName) {
  gateway_->Start();
  ASSERT_EQ(Put("content").status, 201);
  const std::string manifest = R"({"files":[],"version":1})";
  ASSERT_EQ(Put(manifest).status, 201);
  Receipt receipt;
  receipt.run_uid = "run-1";
  receipt.pod = "pod-1";
  receipt.outputs = {{"model", "model", {"sha256:" + Sha256Hex("content"), true, 7}}};
  HttpRequest r = Request("PUT", "/artifacts/v1/receipts/run-1/pod-1");
  SetBody(r, Json(receipt).dump());
  const auto reply = Send(r);
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(ErrorText(reply).find("output 'model' is called a folder"), std::string::npos);
  EXPECT_FALSE(gateway_->store.GetReceipt("ns", "run-1", "pod-1"));
  receipt.outputs[0].artifact.digest = "sha256:" + Sha256Hex(manifest);
  SetBody(r, Json(receipt).dump());
  EXPECT_EQ(Send(r).status, 201);
}

TEST_F(GatewayTest, BodiesOfAllCallersShareOneBudgetOfMemory) {
  gateway_->Start();
  gateway_->authenticator.Know("other", {"elsewhere", "default", "", ""});
  Receipt receipt;
  receipt.run_uid = "run-1";
  receipt.pod = "pod-1";
  const std::string body = Json(receipt).dump();
  const auto put = [&](const std::string& token) {
    HttpRequest r = Request("PUT", "/artifacts/v1/receipts/run-1/pod-1", token);
    SetBody(r, body);
    return Send(r);
  };
  {
    BodyBudget::Held held(gateway_->bodies, "ns");
    ASSERT_TRUE(held.Hold(gateway_->bodies.share()));
    const auto busy = put("good");
    EXPECT_EQ(busy.status, 503);
    EXPECT_EQ(busy.Header("retry-after"), "1");
    EXPECT_NE(ErrorText(busy).find("of the namespace"), std::string::npos);
    EXPECT_EQ(put("other").status, 201) << "one namespace held up another";
  }
  EXPECT_EQ(put("good").status, 201);
  HttpRequest large = Request("PUT", "/artifacts/v1/receipts/run-1/pod-1");
  SetBody(large, std::string(300 * 1024, ' '));
  const auto reply = Send(large);
  EXPECT_EQ(reply.status, 413);
  EXPECT_NE(ErrorText(reply).find("262144 bytes"), std::string::npos);
}

TEST_F(GatewayTest, APredictionFileAboveItsLimitIsRefusedAndLeavesNothing) {
  gateway_->Start();
  HttpRequest r = Request("PUT", "/artifacts/v1/predictions/flights/x.parquet");
  r.content_length = artifacts::kMaxPredictionFileBytes + 1;
  r.source = []() -> Result<std::string_view> { return std::string_view(); };
  const auto reply = Send(r);
  EXPECT_EQ(reply.status, 413);
  EXPECT_NE(ErrorText(reply).find("67108864"), std::string::npos);
  EXPECT_FALSE(fs::exists(dir_ / "gateway-store" / "ns" / "predictions"));
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

TEST_F(GatewayTest, KeepsConnectionsForAnAddressThatShowedAGoodToken) {
  gateway_->options.max_connections = 2;
  gateway_->options.reserve = 1;
  gateway_->Start();
  auto first = Client();
  ASSERT_EQ(first->Send(Request("GET", BlobPath("x"), "bad"), kLimits)->status, 401);
  EXPECT_EQ(Send(Request("GET", BlobPath("x"))).status, 503);
  ASSERT_EQ(first->Send(Request("GET", BlobPath("x")), kLimits)->status, 404);
  EXPECT_EQ(Send(Request("GET", BlobPath("x"))).status, 404);
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
