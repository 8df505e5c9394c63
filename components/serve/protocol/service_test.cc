#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "components/serve/testing/service_fixture.h"

namespace penstock::serve {
namespace {

using testing::HasSubstr;

TEST_F(ServiceTest, IsLiveAtOnceAndReadyOnlyWithAModel) {
  EXPECT_EQ(Get("/v2/health/live").status, 200);
  HttpResponse loading = Get("/v2/health/ready");
  EXPECT_EQ(loading.status, 503);
  EXPECT_THAT(loading.body, HasSubstr("loading"));
  EXPECT_THAT(loading.headers, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_EQ(Post(kBody).status, 503);
  Publish();
  EXPECT_EQ(Get("/v2/health/ready").status, 200);
  EXPECT_EQ(Get("/v2/models/m/ready").status, 200);
  EXPECT_EQ(Get("/v2/models/m/versions/3/ready").status, 200);
  EXPECT_EQ(Post(kBody).status, 200);
}

TEST_F(ServiceTest, SaysWhyTheModelDidNotLoad) {
  inference_.Fail("example 2: output 'y' is 1, expected 2");
  HttpResponse ready = Get("/v2/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("example 2"));
  EXPECT_EQ(Get("/v2/health/live").status, 200);
}

TEST_F(ServiceTest, AnswersWhileDrainingButIsNotReady) {
  Publish();
  inference_.BeginDrain();
  EXPECT_EQ(Get("/v2/health/ready").status, 503);
  EXPECT_EQ(Get("/v2/models/m/ready").status, 503);
  EXPECT_EQ(Get("/v2/health/live").status, 200);
  EXPECT_EQ(Post(kBody).status, 200);
}

TEST_F(ServiceTest, InfersAndEchoesTheId) {
  Publish();
  HttpResponse response = Post(
      R"({"id":"abc","inputs":[{"name":"x","shape":[2,1],"datatype":"FP32","data":[[1],[2]]}]})");
  ASSERT_EQ(response.status, 200) << response.body;
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json["id"], "abc");
  EXPECT_EQ(json["model_name"], "m");
  EXPECT_EQ(json["model_version"], "3");
  EXPECT_EQ(json["outputs"][0]["data"], Json::array({2.0, 4.0}));
}

TEST_F(ServiceTest, MakesADifferentIdForEachRequestWithoutOne) {
  Publish();
  const std::string first = Json::parse(Post(kBody).body)["id"];
  const std::string second = Json::parse(Post(kBody).body)["id"];
  EXPECT_FALSE(first.empty());
  EXPECT_NE(first, second);
}

TEST_F(ServiceTest, KnowsOnlyItsModelAndVersion) {
  Publish();
  EXPECT_EQ(Post(kBody, "/v2/models/other/infer").status, 404);
  EXPECT_EQ(Post(kBody, "/v2/models/m/versions/4/infer").status, 404);
  EXPECT_EQ(Post(kBody, "/v2/models/m/versions/3/infer").status, 200);
  EXPECT_EQ(Get("/v2/models/other").status, 404);
  EXPECT_EQ(Get("/nowhere").status, 404);
}

// A thread keeps the last request's route, which must not answer for another target or method.
TEST_F(ServiceTest, TellsTargetsApartThatFollowEachOther) {
  Publish();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Post(kBody).status, 200);
    EXPECT_EQ(Post(kBody, "/v2/models/m/versions/4/infer").status, 404);
    EXPECT_EQ(Get(kInfer).status, 405);
    EXPECT_EQ(Post(kBody, "/nowhere").status, 404);
    EXPECT_EQ(Post(kBody, "/v2/models/m/versions/3/infer").status, 200);
  }
}

TEST_F(ServiceTest, NamesTheAllowedMethod) {
  HttpResponse response = Get(kInfer);
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, HasSubstr("Allow: POST\r\n"));
}

TEST_F(ServiceTest, AnswersCurlThatWasNotToldTheContentType) {
  Publish();
  EXPECT_EQ(Call({.method = "POST",
                  .target = kInfer,
                  .content_type = "application/x-www-form-urlencoded",
                  .body = kBody})
                .status,
            200);
}

TEST_F(ServiceTest, RefusesMediaAndEncodingsItDoesNotRead) {
  Publish();
  EXPECT_EQ(
      Call({.method = "POST", .target = kInfer, .content_type = "text/csv", .body = kBody}).status,
      415);
  EXPECT_EQ(
      Call({.method = "POST", .target = kInfer, .content_encoding = "br", .body = kBody}).status,
      415);
  EXPECT_EQ(Call({.method = "POST",
                  .target = kInfer,
                  .content_type = "application/octet-stream",
                  .body = kBody})
                .status,
            400);
  EXPECT_EQ(Call({.method = "POST",
                  .target = kInfer,
                  .content_type = "Application/JSON; charset=utf-8",
                  .body = kBody})
                .status,
            200);
  EXPECT_EQ(Call({.method = "POST", .target = kInfer, .body = kBody}).status, 200);
}

TEST_F(ServiceTest, RefusesATimeoutThatIsNone) {
  Publish();
  for (const char* timeout : {"x", "0", "-5", "1.5", "99999999999999999999"}) {
    EXPECT_EQ(
        Call({.method = "POST", .target = kInfer, .timeout_ms = timeout, .body = kBody}).status,
        400)
        << timeout;
  }
  EXPECT_EQ(Call({.method = "POST", .target = kInfer, .timeout_ms = "60000", .body = kBody}).status,
            200);
}

// A large body waits for a thread that reads it, and that counts.
TEST_F(ServiceTest, DoesNotReadWhatCameTooLongAgo) {
  Publish();
  const auto call = [&](std::chrono::milliseconds waited) {
    return Call({.method = "POST",
                 .target = kInfer,
                 .timeout_ms = "60000",
                 .waited = waited,
                 .body = kBody});
  };
  EXPECT_EQ(call(std::chrono::milliseconds(60'000)).status, 504);
  EXPECT_TRUE(model_->batches().empty());
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(reason="expired",version="3"} 1)"));
  EXPECT_EQ(call(std::chrono::milliseconds(1)).status, 200);
}

TEST_F(ServiceTest, BlamesTheInputForWhatTheModelThrows) {
  Publish();
  HttpResponse response =
      Post(R"({"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[666]}]})");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("poison"));
}

TEST_F(ServiceTest, CountsRequestsByOperationAndCode) {
  Publish();
  (void)Post(kBody);
  (void)Post("{");
  (void)Get("/nowhere");
  const std::string text = Get("/metrics").body;
  EXPECT_THAT(text, HasSubstr("penstock_serve_requests_total{code=\"200\",model=\"m\","
                              "operation=\"infer\",version=\"3\"} 1"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_requests_total{code=\"400\",model=\"m\","
                              "operation=\"infer\",version=\"3\"} 1"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_requests_total{code=\"404\",operation=\"none\"} 1"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_batch_rows_sum{model=\"m\",version=\"3\"} 2"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_rejected_total{model=\"m\","
                              "reason=\"queue_full\",version=\"3\"} 0"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_ready 1"));
}

TEST_F(ServiceTest, CountsAClientThatLeftBeforeItsRequestWasReadAsCancelled) {
  Publish();
  service_.CountRefused(kClientGone);
  service_.CountRefused(413);
  EXPECT_THAT(Get("/metrics").body, HasSubstr("penstock_serve_rejected_total{model=\"m\","
                                              "reason=\"cancelled\",version=\"3\"} 1"));
}

TEST_F(ServiceTest, TellsTheStateOfItsModelInTheIndex) {
  const auto index = [&](const std::string& body = "") {
    return Json::parse(
        Call({.method = "POST", .target = "/v2/repository/index", .body = body}).body);
  };
  EXPECT_EQ(index()[0]["state"], "LOADING");
  EXPECT_EQ(index(R"({"ready":true})"), Json::array());
  inference_.Fail("example 2 is wrong");
  EXPECT_EQ(index()[0]["state"], "UNAVAILABLE");
  EXPECT_THAT(index()[0]["reason"].get<std::string>(), HasSubstr("example 2"));
  Publish();
  EXPECT_EQ(index(R"({"ready":true})")[0],
            (Json{{"name", "m"}, {"version", "3"}, {"state", "READY"}, {"reason", ""}}));
  inference_.BeginDrain();
  EXPECT_EQ(index()[0]["state"], "UNLOADING");
  EXPECT_EQ(Call({.method = "POST", .target = "/v2/repository/index", .body = "[]"}).status, 400);
  EXPECT_EQ(Call({.method = "POST", .target = "/v2/repository/models/m/load"}).status, 400);
}

TEST_F(ServiceTest, CountsRowsExecutionsAndFailuresInTheStatistics) {
  EXPECT_EQ(Json::parse(Get("/v2/models/stats").body)["model_stats"], Json::array());
  Publish();
  (void)Post(kBody);
  (void)Post(R"({"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[666]}]})");
  for (const char* path : {"/v2/models/stats", "/v2/models/m/versions/3/stats"}) {
    const Json stats = Json::parse(Get(path).body)["model_stats"][0];
    EXPECT_EQ(stats["name"], "m");
    EXPECT_EQ(stats["inference_count"], 2);  // rows
    EXPECT_EQ(stats["inference_stats"]["success"]["count"], 1);
    EXPECT_EQ(stats["inference_stats"]["fail"]["count"], 1);
    EXPECT_GT(stats["inference_stats"]["compute_infer"]["ns"], 0);
    EXPECT_EQ(stats["execution_count"], 2);
    EXPECT_EQ(stats["batch_stats"][1]["batch_size"], 2);
    EXPECT_GT(stats["last_inference"], 0);
  }
  EXPECT_EQ(Get("/v2/models/other/stats").status, 404);
}

TEST_F(ServiceTest, RefusesMoreRowsThanOneRequestMayHave) {
  Publish();
  std::string data;
  for (int i = 0; i < 101; ++i) data += (i > 0 ? ",1" : "1");
  HttpResponse response =
      Post(R"({"inputs":[{"name":"x","shape":[101,1],"datatype":"FP32","data":[)" + data + "]}]}");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("101 rows; send at most 100"));
}

}  // namespace
}  // namespace penstock::serve
