#include "operator/rollouts/gate_measure.h"

#include <gmock/gmock.h>

#include "operator/net/testing/fake_server.h"

namespace penstock::rollouts {
namespace {

using ::testing::HasSubstr;

api::GateSpec Query(const std::string& url, const std::string& min, const std::string& max) {
  api::GateSpec gate;
  gate.name = "clicks";
  gate.prometheus = api::PrometheusGate{url, "rate(clicks{v=\"8\"}[1m])", min, max};
  return gate;
}

GateMeasure Answered(int status, const std::string& body, const std::string& min,
                     const std::string& max, std::string* line = nullptr) {
  net::FakeServer server([&](net::FakeConnection& c) {
    const std::string request = c.ReadRequest();
    if (line != nullptr) *line = request.substr(0, request.find("\r\n"));
    c.Answer(status, body);
  });
  return MeasureGate(Query(server.url() + "/", min, max), {});
}

std::string Vector(const std::string& value) {
  return R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,")" +
         value + R"("]}]}})";
}

TEST(MeasureGate, AsksPrometheusForOneValueAndHoldsItAgainstBothBounds) {
  std::string line;
  GateMeasure m = Answered(200, Vector("0.5"), "0.1", "0.5", &line);
  EXPECT_TRUE(m.good) << m.error;
  EXPECT_EQ(m.value, 0.5);
  EXPECT_EQ(line, "GET /api/v1/query?query=rate%28clicks%7Bv%3D%228%22%7D%5B1m%5D%29 HTTP/1.1");
  EXPECT_FALSE(Answered(200, Vector("0.51"), "0.1", "0.5").good);
  EXPECT_FALSE(Answered(200, Vector("0.05"), "0.1", "").good);
  EXPECT_TRUE(Answered(200,
                       R"({"status":"success","data":{"resultType":"scalar","result":[1,"2"]}})",
                       "2", "")
                  .good);
}

TEST(MeasureGate, MeasuresNothingWithoutOneNumber) {
  const std::string none = R"({"status":"success","data":{"resultType":"vector","result":[]}})";
  EXPECT_THAT(Answered(200, none, "1", "").error, HasSubstr("gives 0 values"));
  EXPECT_THAT(Answered(200, Vector("NaN"), "1", "").error, HasSubstr("no number"));
  EXPECT_THAT(Answered(200, "<html>", "1", "").error, HasSubstr("not one of Prometheus"));
  EXPECT_THAT(Answered(400, R"({"status":"error","error":"parse error"})", "1", "").error,
              HasSubstr("parse error"));
  EXPECT_THAT(Answered(503, "", "1", "").error, HasSubstr("answered 503"));
}

TEST(MeasureGate, HoldsAnHttpAnswerAgainstStatusAndText) {
  net::FakeServer server([](net::FakeConnection& c) {
    (void)c.ReadRequest();
    c.Answer(204, "all is fine");
  });
  api::GateSpec gate;
  gate.http = api::HttpGate{server.url() + "/smoke?secret=1", 204, ""};
  EXPECT_TRUE(MeasureGate(gate, {}).good);
  gate.http->status = 200;
  const GateMeasure m = MeasureGate(gate, {});
  EXPECT_FALSE(m.good);
  EXPECT_EQ(m.error, "");
  EXPECT_EQ(m.value, 204);
}

TEST(MeasureGate, AsksNoAddressThatMayNotBeAskedAndTellsNoQuery) {
  api::GateSpec gate;
  gate.http = api::HttpGate{"http://127.0.0.1:1/x?secret=1", 200, ""};
  GateMeasureOptions options;
  options.may_ask = [](const std::string&, const std::string&) -> Result<void> {
    return Error{ErrorKind::kForbidden, "this address may not be asked"};
  };
  const GateMeasure m = MeasureGate(gate, options);
  EXPECT_THAT(m.error, HasSubstr("may not be asked"));
  EXPECT_THAT(m.error, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace penstock::rollouts
