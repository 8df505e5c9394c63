#include "components/serve/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "components/serve/fake_model.h"
#include "operator/base/json.h"

namespace penstock::serve {
namespace {

using testing::HasSubstr;

constexpr const char* kInfer = "/v2/models/m/infer";
constexpr const char* kBody =
    R"({"inputs":[{"name":"x","shape":[2,1],"datatype":"FP32","data":[1,2]}]})";

class ServiceTest : public testing::Test {
 protected:
  void Publish() { service_.Publish({"m", "3"}, model_); }

  HttpResponse Call(HttpRequest request) {
    std::promise<HttpResponse> promise;
    service_.Handle(std::move(request),
                    [&](HttpResponse response) { promise.set_value(std::move(response)); });
    return promise.get_future().get();
  }
  HttpResponse Get(const std::string& target) {
    return Call({.method = "GET", .target = target, .body = ""});
  }
  HttpResponse Post(const std::string& body, const std::string& target = kInfer) {
    return Call(
        {.method = "POST", .target = target, .content_type = "application/json", .body = body});
  }

  SystemClock clock_;
  Metrics metrics_;
  std::shared_ptr<DoublingModel> model_ = std::make_shared<DoublingModel>();
  Service service_{Service::Options{"1.0", 1, 1, {}, nullptr}, &clock_, &metrics_};
};

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
  service_.Fail("example 2: output 'y' is 1, expected 2");
  HttpResponse ready = Get("/v2/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("example 2"));
  EXPECT_EQ(Get("/v2/health/live").status, 200);
}

TEST_F(ServiceTest, AnswersWhileDrainingButIsNotReady) {
  Publish();
  service_.BeginDrain();
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

TEST_F(ServiceTest, NamesTheAllowedMethod) {
  HttpResponse response = Get(kInfer);
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, HasSubstr("Allow: POST\r\n"));
}

TEST_F(ServiceTest, RefusesMediaAndEncodingsItDoesNotRead) {
  Publish();
  EXPECT_EQ(
      Call({.method = "POST", .target = kInfer, .content_type = "text/csv", .body = kBody}).status,
      415);
  EXPECT_EQ(
      Call({.method = "POST", .target = kInfer, .content_encoding = "gzip", .body = kBody}).status,
      415);
  EXPECT_EQ(
      Call({.method = "POST", .target = kInfer, .binary_tensors = true, .body = kBody}).status,
      415);
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

TEST_F(ServiceTest, AnswersAModelsFailureWith500AndItsReason) {
  Publish();
  HttpResponse response =
      Post(R"({"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[666]}]})");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, HasSubstr("poison"));
}

TEST_F(ServiceTest, CountsRequestsByOperationAndCode) {
  Publish();
  (void)Post(kBody);
  (void)Post("{");
  (void)Get("/nowhere");
  const std::string text = Get("/metrics").body;
  EXPECT_THAT(text, HasSubstr("penstock_serve_requests_total{code=\"200\",operation=\"infer\"} 1"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_requests_total{code=\"400\",operation=\"infer\"} 1"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_requests_total{code=\"404\",operation=\"none\"} 1"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_batch_rows_sum 2"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_rejected_total{reason=\"queue_full\"} 0"));
  EXPECT_THAT(text, HasSubstr("penstock_serve_ready 1"));
}

}  // namespace
}  // namespace penstock::serve
