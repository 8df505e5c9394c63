// Logs and the bytes of artifacts.
#include <gmock/gmock.h>

#include "operator/artifacts/folder_objects.h"
#include "operator/artifacts/logs/log_store.h"
#include "operator/gateway/api/testing/api_fixture.h"
#include "operator/kube/resources.h"
#include "operator/net/url.h"
#include "operator/plan/attempt/pod_spec.h"

namespace penstock::gateway {
namespace {

using ::testing::HasSubstr;

const std::string kLog = "/namespaces/team/runs/flights-1/steps/train/log";

class ApiFiles : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    cluster_.SetLogSource([this](const std::string&, const std::string& pod,
                                 const kube::LogOptions&, const kube::LogSink& sink,
                                 std::stop_token) -> Result<void> {
      if (pod != pod_) return NotFound("no pod " + pod);
      for (const char* piece : {"first line\n", "second ", "line\n"})
        if (!sink(piece)) return {};
      return {};
    });
    Start();
  }
  void MakePod() {
    const auto made = cluster_.Create(kube::kPods, "team",
                                      {{"apiVersion", "v1"},
                                       {"kind", "Pod"},
                                       {"metadata", {{"name", pod_}, {"namespace", "team"}}},
                                       {"spec", {{"containers", {{{"name", "step"}}}}}}});
    ASSERT_TRUE(made) << made.error().message;
  }
  const std::string pod_ = plan::PodName("flights-1", "uid-flights-1", "train", 1);
};

TEST_F(ApiFiles, ALogIsReadFromAnOffsetAndSaysWhichPartItIs) {
  MakePod();
  const auto whole = Ask("GET", kLog);
  EXPECT_EQ(whole.status, 200) << whole.body;
  EXPECT_EQ(whole.body, "first line\nsecond line\n");
  EXPECT_EQ(whole.Header("x-log-complete"), "true");
  const auto part = Ask("GET", kLog + "?offset=6&limit=8");
  EXPECT_EQ(part.body, "line\nsec");
  EXPECT_EQ(part.Header("x-log-offset"), "6");
  EXPECT_EQ(part.Header("x-log-complete"), "false");
  const auto tail = Ask("GET", kLog + "?tail=5");
  EXPECT_EQ(tail.body, "line\n");
  EXPECT_EQ(tail.Header("x-log-offset"), "18");
}

TEST_F(ApiFiles, TheEndOfALogOfManyLinesStandsWhereTheWholeLogHasIt) {
  constexpr int kLines = 20'000;
  cluster_.SetLogSource([](const std::string&, const std::string&, const kube::LogOptions& options,
                           const kube::LogSink& sink, std::stop_token) -> Result<void> {
    for (int i = options.tail_lines ? kLines - *options.tail_lines : 0; i < kLines; ++i)
      if (!sink("line\n")) return {};
    return {};
  });
  MakePod();
  const auto tail = Ask("GET", kLog + "?tail=10");
  EXPECT_EQ(tail.body, "line\nline\n");
  EXPECT_EQ(tail.Header("x-log-offset"), std::to_string(5 * kLines - 10));
  EXPECT_EQ(tail.Header("x-log-size"), std::to_string(5 * kLines));
}

TEST_F(ApiFiles, ALogThatWasKeptIsReadAfterItsPodIsGone) {
  const auto gone = Ask("GET", kLog);
  EXPECT_EQ(gone.status, 404);
  EXPECT_THAT(gone.body, HasSubstr("no log of it was kept"));
  ASSERT_TRUE(
      artifacts::LogStore(store_->root()).Put("team", "uid-flights-1", pod_, "kept\nlines\n"));
  const auto kept = Ask("GET", kLog + "?offset=5");
  EXPECT_EQ(kept.status, 200) << kept.body;
  EXPECT_EQ(kept.body, "lines\n");
  EXPECT_EQ(kept.Header("x-log-size"), "11");
  EXPECT_EQ(kept.Header("x-log-complete"), "true");
}

TEST_F(ApiFiles, AnAttemptThatWasNotIsNotFound) {
  EXPECT_EQ(Ask("GET", kLog + "?attempt=4").status, 404);
  EXPECT_EQ(Ask("GET", kLog + "?item=0").status, 404);
  EXPECT_EQ(Ask("GET", kLog + "?limit=0").status, 400);
}

TEST_F(ApiFiles, TheLogOfAnItemIsThatOfItsNewestAttemptAlsoWhenItsPodsAreGone) {
  Json run = cluster_.Get(kube::kPipelineRuns, "team", "flights-1").value();
  run["status"]["steps"].push_back({{"name", "each"},
                                    {"phase", "Succeeded"},
                                    {"items", {{"total", 3}, {"succeededIndexes", "0-2"}}}});
  cluster_.Restore(kube::kPipelineRuns, run);
  const artifacts::LogStore kept(store_->root());
  const auto pod = [](int attempt, int item) {
    return plan::PodName("flights-1", "uid-flights-1", "each", attempt, item);
  };
  for (const int attempt : {1, 2, 3})
    ASSERT_TRUE(kept.Put("team", "uid-flights-1", pod(attempt, 2),
                         "attempt " + std::to_string(attempt) + "\n"));
  const std::string log = "/namespaces/team/runs/flights-1/steps/each/log";
  EXPECT_EQ(Ask("GET", log + "?item=2").body, "attempt 3\n");
  EXPECT_EQ(Ask("GET", log + "?item=2&attempt=1").body, "attempt 1\n");
  EXPECT_EQ(Ask("GET", log + "?item=1").status, 404);
  ASSERT_TRUE(kept.Put("team", "uid-flights-1", pod(5, 2), "attempt 5\n"));
  ASSERT_TRUE(cluster_.Create(kube::kPods, "team",
                              {{"apiVersion", "v1"},
                               {"kind", "Pod"},
                               {"metadata",
                                {{"name", pod(5, 2)},
                                 {"namespace", "team"},
                                 {"labels",
                                  {{"penstock.dev/run-uid", "uid-flights-1"},
                                   {"penstock.dev/step", "each"},
                                   {"penstock.dev/item", "2"},
                                   {"penstock.dev/attempt", "5"}}}}},
                               {"spec", {{"containers", {{{"name", "step"}}}}}}}));
  EXPECT_EQ(Ask("GET", log + "?item=2").body, "attempt 5\n") << "whose pod stands";
}

TEST_F(ApiFiles, AReportRunsNothingInTheReadersBrowser) {
  const auto reply =
      Ask("GET", "/namespaces/team/artifacts/" + net::UrlEncode(report_) + "/content/?as=html");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.body, "<script>steal()</script>");
  EXPECT_EQ(reply.Header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(reply.Header("content-security-policy"),
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  EXPECT_EQ(reply.Header("x-content-type-options"), "nosniff");
}

TEST_F(ApiFiles, AFileOfAFolderIsReadByItsPathAndInParts) {
  const std::string content =
      "/namespaces/team/artifacts/" + net::UrlEncode(dataset_) + "/content/part/a%20b.csv";
  const auto whole = Ask("GET", content);
  EXPECT_EQ(whole.body, "delay\n1\n2\n3\n");
  const auto part = Ask("GET", content, "alice-token", {}, {{"Range", "bytes=0-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "delay");
  EXPECT_EQ(Ask("GET", "/namespaces/team/artifacts/" + net::UrlEncode(dataset_) +
                           "/content/../../../../etc/passwd")
                .status,
            404);
}

TEST_F(ApiFiles, AnArtifactOfAStoreThatIsNoFolderIsShownAndItsFilesAreGiven) {
  const std::filesystem::path root = dir_ / "artifacts";
  const artifacts::Store bucket(
      root, artifacts::Room(), std::make_shared<artifacts::FolderObjects>(root, artifacts::Room()));
  ASSERT_EQ(bucket.BlobPath("team", dataset_).error().kind, ErrorKind::kUnsupported);
  const views::ClusterPlace place(client_, metadata::Query(dir_ / "metadata.sqlite"), bucket);
  ApiParts parts = parts_;
  parts.place = &place;
  Router router;
  AddApi(router, parts);
  net::HttpServerOptions options;
  options.address = "127.0.0.1";
  auto started = net::HttpServer::Start(options, [&](Exchange& x) { router.Dispatch(x); });
  ASSERT_TRUE(started) << started.error().message;
  server_->Stop();
  server_ = std::move(*started);
  const std::string dataset = "/namespaces/team/artifacts/" + net::UrlEncode(dataset_);
  EXPECT_EQ(Get(dataset)["schema"]["rows"], 3);
  EXPECT_EQ(Ask("GET", dataset + "/content/part/a%20b.csv").body, "delay\n1\n2\n3\n");
  const auto part =
      Ask("GET", dataset + "/content/part/a%20b.csv", "alice-token", {}, {{"Range", "bytes=0-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "delay");
  server_->Stop();
  server_.reset();
}

TEST_F(ApiFiles, AnArtifactOfAnotherNamespaceIsNotThere) {
  client_.rights.insert("alice rival");
  EXPECT_EQ(Ask("GET", "/namespaces/rival/artifacts/" + net::UrlEncode(dataset_)).status, 404);
  const Json own = Get("/namespaces/team/artifacts/" + net::UrlEncode(dataset_));
  EXPECT_EQ(own["schema"]["rows"], 3);
  EXPECT_EQ(own["producer"]["step"], "ingest");
}

TEST_F(ApiFiles, ADatasetShowsTheRowsThatItsWriterSampledAsTheyStand) {
  const Json view = Get("/namespaces/team/artifacts/" + net::UrlEncode(dataset_));
  EXPECT_EQ(view["sample"]["rows"], Json::parse(R"([[1],[2],["<b>3"]])"));
  EXPECT_EQ(view["sample"]["places"], Json::parse("[0,1,2]"));
  EXPECT_EQ(view["sample"]["cut"], Json::parse("[[2,0,300]]"));
}

// Any step may write a file of that name.
TEST_F(ApiFiles, ASampleThatIsNoneIsAFileLikeOthers) {
  const std::string rest = R"(,"cut":[],"moreColumns":0,"places":[0]})";
  const std::vector<std::string> wrong{
      "not JSON",
      "[]",
      R"({"columns":["a"],"rows":[[1]]})",
      R"({"columns":["a"],"rows":[[1,2]])" + rest,
      R"({"columns":["a"],"rows":{"0":[1]})" + rest,
      R"({"columns":[7],"rows":[[1]])" + rest,
      R"({"columns":["a"],"rows":[[1],[2]])" + rest,
      R"({"columns":["a"],"rows":[[1]],"more":1)" + rest,
      R"({"columns":["a"],"rows":[[1]],"cut":[[0,-1,3]],"moreColumns":0,"places":[0]})",
      R"({"columns":["a"],"rows":[[1]],"cut":[[0]],"moreColumns":0,"places":[0]})",
      R"({"columns":["a"],"rows":[[1]],"cut":[],"moreColumns":1e99,"places":[0]})",
      R"({"columns":["a"],"rows":[[")" + std::string(300 << 10, 'x') + R"("]])" + rest};
  for (const std::string& text : wrong) {
    std::ofstream(dir_ / "dataset" / "_sample.json", std::ios::trunc) << text;
    const auto put = store_->Put("team", dir_ / "dataset");
    ASSERT_TRUE(put) << put.error().message;
    const Json view = Get("/namespaces/team/artifacts/" + net::UrlEncode(put->digest));
    EXPECT_FALSE(view.contains("sample")) << text.substr(0, 200);
    EXPECT_EQ(view["schema"]["rows"], 3);
  }
}

// A few readers of 4 MiB of braces took the operator's memory.
TEST_F(ApiFiles, StatisticsThatTheMemoryIsTooSmallForAreAFileLikeOthers) {
  std::ofstream(dir_ / "dataset" / "statistics.json")
      << R"({"notes":")" + std::string(bodies_.share(), 'x') + R"("})";
  const auto wide = store_->Put("team", dir_ / "dataset");
  ASSERT_TRUE(wide) << wide.error().message;
  const Json view = Get("/namespaces/team/artifacts/" + net::UrlEncode(wide->digest));
  EXPECT_EQ(view["schema"]["rows"], 3);
  EXPECT_FALSE(view.contains("statistics"));
  EXPECT_EQ(view["fileCount"], 4);
  BodyBudget::Held others(bodies_, "team");
  ASSERT_TRUE(others.Hold(bodies_.share()));
  EXPECT_EQ(Ask("GET", "/namespaces/team/artifacts/" + net::UrlEncode(wide->digest)).status, 503);
}

}  // namespace
}  // namespace penstock::gateway
