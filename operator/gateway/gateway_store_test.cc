// The gateway over a volume and over a bucket: who gets where by which route, and the way past it
// by signed URLs.
#include <algorithm>
#include <fstream>

#include "operator/artifacts/s3/s3_objects.h"
#include "operator/artifacts/transport.h"
#include "operator/base/file.h"
#include "operator/gateway/testing/gateway_fixture.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::gateway {
namespace {
namespace fs = std::filesystem;
using net::HttpRequest;
using net::HttpResponse;

class GatewayOverStores : public GatewayTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    UseStore(true);
    gateway_->authenticator.Know("other", {"other", "default", "pod-1", "uid"});
    gateway_->Start();
  }
  void UseStore(bool links) {
    if (GetParam() == std::string("Volume")) return;
    artifacts::S3ObjectsSettings settings;
    settings.prefix = "p/";
    settings.scratch = dir_ / "scratch";
    settings.links = links;
    gateway_->store =
        artifacts::Store(gateway_->store.root(), {},
                         std::make_shared<artifacts::S3Objects>(fake_.MakeClient(), settings));
  }
  static std::string DigestOf(const std::string& text) { return "sha256:" + Sha256Hex(text); }
  [[nodiscard]] bool Has(const std::string& ns, const std::string& content) const {
    return gateway_->store.BlobSize(ns, DigestOf(content)).has_value();
  }
  [[nodiscard]] std::string ReceiptOf(const std::string& pod) const {
    Receipt receipt;
    receipt.run_uid = "run-1";
    receipt.pod = pod;
    return Json(receipt).dump();
  }

  struct Route {
    std::string method;
    std::string target;
    std::string body = {};
  };
  // One of each, for what lies in namespace ns; what is written is asked for before.
  [[nodiscard]] std::vector<Route> Routes() const {
    return {{"GET", BlobPath("content")},
            {"HEAD", BlobPath("content")},
            {"PUT", BlobPath("fresh"), "fresh"},
            {"POST", BlobPath("content") + "/verify"},
            {"POST", BlobPath("content") + "/download"},
            {"POST", BlobPath("fresh") + "/upload?bytes=5"},
            {"GET", "/artifacts/v1/receipts/run-1/pod-1"},
            {"PUT", "/artifacts/v1/receipts/run-1/pod-1", ReceiptOf("pod-1")},
            {"GET", "/artifacts/v1/predictions/flights"},
            {"PUT", "/artifacts/v1/predictions/flights/b.parquet", "b"},
            {"GET", "/artifacts/v1/predictions/flights/a.parquet"}};
  }
  HttpResponse Go(const Route& route, const std::string& token) const {
    HttpRequest request = Request(route.method, route.target, token);
    if (!route.body.empty()) SetBody(request, route.body);
    return Send(request);
  }
  void Fill() const {
    ASSERT_EQ(Put("content").status, 201);
    ASSERT_EQ(Go({"PUT", "/artifacts/v1/receipts/run-1/pod-1", ReceiptOf("pod-1")}, "good").status,
              201);
    ASSERT_EQ(Go({"PUT", "/artifacts/v1/predictions/flights/a.parquet", "a"}, "good").status, 201);
  }

  s3::FakeS3 fake_;
};

TEST_P(GatewayOverStores, NoRouteKnowsATokenThatIsNone) {
  Fill();
  for (const Route& route : Routes()) {
    for (const char* token : {"", "unknown", "good2", "GOOD"})
      EXPECT_EQ(Go(route, token).status, 401) << route.method << " " << route.target << token;
    HttpRequest basic = Request(route.method, route.target, "");
    basic.headers.emplace_back("Authorization", "Basic good");
    if (!route.body.empty()) SetBody(basic, route.body);
    EXPECT_EQ(Send(basic).status, 401) << route.target;
  }
  EXPECT_FALSE(Has("ns", "fresh")) << "what was refused was kept";
}

// An upload that goes without sending what is there: it is as young as what is sent.
TEST_P(GatewayOverStores, WhatIsSaidToBeStoredIsPutToUse) {
  using std::chrono::hours;
  Fill();
  const std::string key = artifacts::BlobKey("ns", DigestOf("content"));
  if (GetParam() == std::string("Volume")) {
    const fs::path path = gateway_->store.root() / key;
    fs::last_write_time(path, fs::last_write_time(path) - hours(48));
  } else {
    fake_.Age(hours(48));
  }
  const HttpResponse told = Go({"POST", BlobPath("content") + "/upload?bytes=7"}, "good");
  ASSERT_EQ(told.status, 200);
  ASSERT_EQ(Json::parse(told.body)["stored"], true);
  const auto gone =
      gateway_->store.objects().RemoveUnused(key, std::chrono::system_clock::now() - hours(24));
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_FALSE(*gone);
  EXPECT_TRUE(Has("ns", "content"));
}

TEST_P(GatewayOverStores, NoRouteLeadsIntoAnotherNamespace) {
  Fill();
  for (const Route& route : Routes()) {
    const HttpResponse reply = Go(route, "other");
    if (route.method == "PUT" || route.target.find("/upload") != std::string::npos) continue;
    if (route.target == "/artifacts/v1/predictions/flights") {
      EXPECT_EQ(Json::parse(reply.body), (Json{{"files", Json::array()}}));
    } else {
      EXPECT_EQ(reply.status, 404) << route.method << " " << route.target;
    }
  }
  EXPECT_FALSE(Has("ns", "fresh")) << "it is in its own namespace";
  EXPECT_TRUE(Has("other", "fresh"));
  EXPECT_EQ(gateway_->store.Receipts("ns", "run-1").value(), std::vector<std::string>{"pod-1"});
  // A link that another namespace got leads there, not here.
  const Json link = Json::parse(Go({"POST", BlobPath("more") + "/upload?bytes=4"}, "other").body);
  if (link.contains("url")) {
    EXPECT_NE(link["url"].get<std::string>().find("/p/other/blobs/"), std::string::npos);
  }
}

TEST_P(GatewayOverStores, APodWritesTheReceiptOfNoOther) {
  EXPECT_EQ(Go({"PUT", "/artifacts/v1/receipts/run-1/pod-2", ReceiptOf("pod-2")}, "good").status,
            403);
  EXPECT_EQ(Go({"PUT", "/artifacts/v1/receipts/run-1/pod-1", ReceiptOf("pod-2")}, "good").status,
            400);
  EXPECT_TRUE(gateway_->store.Receipts("ns", "run-1")->empty());
}

TEST_P(GatewayOverStores, StreamsBlobsInAndOutWithRangesAndHeads) {
  const std::string content = "0123456789";
  ASSERT_EQ(Put(content).status, 201);
  ASSERT_EQ(Put(content).status, 200) << "it is there";
  EXPECT_EQ(Send(Request("GET", BlobPath(content))).body, content);
  HttpRequest part = Request("GET", BlobPath(content));
  part.headers.emplace_back("Range", "bytes=3-5");
  const HttpResponse reply = Send(part);
  EXPECT_EQ(reply.status, 206);
  EXPECT_EQ(reply.body, "345");
  EXPECT_EQ(reply.Header("content-range"), "bytes 3-5/10");
  const HttpResponse head = Send(Request("HEAD", BlobPath(content)));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("content-length"), "10");
  HttpRequest wrong = Request("PUT", BlobPath("expected"));
  SetBody(wrong, "sent");
  EXPECT_EQ(Send(wrong).status, 422);
  EXPECT_FALSE(Has("ns", "expected"));
}

TEST_P(GatewayOverStores, SaysWhetherThereIsAWayPastItAndWhatIsThereAlready) {
  ASSERT_EQ(Put("content").status, 201);
  const bool bucket = GetParam() == std::string("S3");
  const HttpResponse read = Go({"POST", BlobPath("content") + "/download"}, "good");
  ASSERT_EQ(read.status, 200) << read.body;
  EXPECT_EQ(Json::parse(read.body).contains("url"), bucket);
  EXPECT_EQ(read.Header("cache-control"), "no-store");
  const HttpResponse there = Go({"POST", BlobPath("content") + "/upload?bytes=7"}, "good");
  EXPECT_EQ(Json::parse(there.body), (Json{{"stored", true}}));
  const HttpResponse write = Go({"POST", BlobPath("fresh") + "/upload?bytes=5"}, "good");
  EXPECT_EQ(Json::parse(write.body).contains("url"), bucket) << write.body;
  EXPECT_EQ(Go({"POST", BlobPath("fresh") + "/upload"}, "good").status, 400);
  EXPECT_EQ(Go({"POST", BlobPath("fresh") + "/upload?bytes=99999999"}, "good").status, 413);
  EXPECT_EQ(Go({"POST", BlobPath("absent") + "/download"}, "good").status, 404);
}

// --- as a launcher goes

class LauncherOverStores : public GatewayOverStores {
 protected:
  void SetUp() override {
    GatewayOverStores::SetUp();
    std::ofstream(dir_ / "token") << "good";
    fs::create_directories(dir_ / "in");
    std::ofstream(dir_ / "in" / "small") << "small";
    std::ofstream(dir_ / "in" / "large") << std::string(kLarge, 'x');
  }
  std::unique_ptr<artifacts::Transport> Launcher() const {
    artifacts::TransportOptions options;
    options.namespace_ = "ns";
    options.deadline = std::chrono::seconds(5);
    auto made = artifacts::MakeTransport(
        {gateway_->Url(), gateway_->certificates->CaPem(), (dir_ / "token").string(), ""}, options);
    EXPECT_TRUE(made) << made.error().message;
    return *std::move(made);
  }
  [[nodiscard]] std::size_t ByLink(const std::string& method) const {
    const auto log = fake_.log();
    return static_cast<std::size_t>(std::count_if(log.begin(), log.end(), [&](const auto& line) {
      return line.rfind(method + " ", 0) == 0 && line.ends_with(" by link");
    }));
  }
  void BringThereAndBack() const {
    const auto ref = Launcher()->Upload(dir_ / "in");
    ASSERT_TRUE(ref) << ref.error().message;
    EXPECT_TRUE(gateway_->store.Exists("ns", *ref).value());
    fs::remove_all(dir_ / "out");
    const auto got = Launcher()->Fetch(*ref, dir_ / "out");
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(ReadFile(dir_ / "out" / "large").value(), std::string(kLarge, 'x'));
    EXPECT_EQ(ReadFile(dir_ / "out" / "small").value(), "small");
    ASSERT_TRUE(artifacts::RemoveTree(dir_ / "out"));
  }
  static constexpr std::size_t kLarge = 1 << 20;
};

TEST_P(LauncherOverStores, BringsLargeFilesPastTheGatewayAndSmallOnesThroughIt) {
  BringThereAndBack();
  const std::size_t expected = GetParam() == std::string("S3") ? 1 : 0;
  EXPECT_EQ(ByLink("PUT"), expected);
  EXPECT_EQ(ByLink("GET"), expected);
}

TEST_P(LauncherOverStores, GoesThroughTheGatewayWhereThereIsNoOtherWay) {
  UseStore(false);
  BringThereAndBack();
  EXPECT_EQ(ByLink("PUT") + ByLink("GET"), 0U);
}

TEST_P(LauncherOverStores, GoesThroughTheGatewayWhereTheStoreDoesNotLetItIn) {
  const std::string large = artifacts::BlobKey("ns", DigestOf(std::string(kLarge, 'x')));
  fake_.OnRequest([=, left = 3](const std::string& method, const std::string& key) mutable {
    const bool refuse = method == "PUT" && key.ends_with(large) && left-- > 0;
    return refuse ? std::optional(s3::FakeFault{.status = 403, .code = "AccessDenied"})
                  : std::nullopt;
  });
  BringThereAndBack();
  EXPECT_EQ(ByLink("PUT"), GetParam() == std::string("S3") ? 3U : 0U);
}

TEST_P(LauncherOverStores, RepairsALargeFileThatIsDamagedInTheStore) {
  const auto ref = Launcher()->Upload(dir_ / "in");
  ASSERT_TRUE(ref) << ref.error().message;
  if (GetParam() == std::string("Volume")) return;
  const std::string large = DigestOf(std::string(kLarge, 'x'));
  fake_.SetBytes("p/" + artifacts::BlobKey("ns", large), std::string(kLarge, 'y'));
  const auto got = Launcher()->Fetch(*ref, dir_ / "out");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kDamaged) << got.error().message;
  EXPECT_FALSE(fs::exists(dir_ / "out"));
  EXPECT_FALSE(Has("ns", std::string(kLarge, 'x'))) << "it was not set aside";
  BringThereAndBack();
}

INSTANTIATE_TEST_SUITE_P(Stores, GatewayOverStores, testing::Values("Volume", "S3"),
                         [](const auto& info) { return std::string(info.param); });
INSTANTIATE_TEST_SUITE_P(Stores, LauncherOverStores, testing::Values("Volume", "S3"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace penstock::gateway
