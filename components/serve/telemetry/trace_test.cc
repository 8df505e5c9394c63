#include "components/serve/telemetry/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <future>

#include "components/serve/telemetry/otlp_client.h"
#include "components/serve/telemetry/tracer.h"
#include "operator/base/json.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::serve {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Traceparent, ReadsTheHeader) {
  const auto context = ParseTraceparent(kParent);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id[0], 0x4b);
  EXPECT_EQ(context->span_id[7], 0xb7);
  EXPECT_TRUE(context->sampled);
  EXPECT_FALSE(
      ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")->sampled);
  EXPECT_TRUE(ParseTraceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
}

TEST(Traceparent, IsNothingForWhatIsNone) {
  for (const char* header : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                             "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                             "00-4BF92F3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                             "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                             "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                             "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                             "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more"}) {
    EXPECT_FALSE(ParseTraceparent(header)) << header;
  }
}

TracedRequest Request() {
  TracedRequest request;
  request.name = "infer";
  request.protocol = "http";
  request.model = "m";
  request.version = "3";
  request.end = TimePoint(std::chrono::seconds(1'700'000'000));
  request.total = milliseconds(10);
  request.input = milliseconds(1);
  request.queue = milliseconds(2);
  request.compute = milliseconds(3);
  request.rows = 2;
  return request;
}

TEST(Trace, EncodesARequestWithItsQueueAndItsComputation) {
  const Json json =
      Json::parse(EncodeSpans("flights", "1.0", SpansOf(*ParseTraceparent(kParent), Request())));
  const Json& spans = json["resourceSpans"][0]["scopeSpans"][0]["spans"];
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_EQ(spans[0]["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(spans[0]["parentSpanId"], "00f067aa0ba902b7");
  EXPECT_EQ(spans[0]["kind"], 2);
  EXPECT_EQ(spans[0]["startTimeUnixNano"], "1699999999990000000");
  EXPECT_EQ(spans[0]["endTimeUnixNano"], "1700000000000000000");
  EXPECT_EQ(spans[1]["name"], "queue");
  EXPECT_EQ(spans[1]["parentSpanId"], spans[0]["spanId"]);
  EXPECT_EQ(spans[1]["startTimeUnixNano"], "1699999999991000000");
  EXPECT_EQ(spans[2]["name"], "compute");
  EXPECT_EQ(spans[2]["endTimeUnixNano"], "1699999999996000000");
}

TEST(Trace, MarksAServersFailureAndHasNoPartsOfWhatWasNotComputed) {
  TracedRequest request = Request();
  request.rows = 0;
  request.status = 503;
  const auto spans = SpansOf(NewTrace(true), request);
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_TRUE(spans[0].failed);
  EXPECT_FALSE(
      Json::parse(EncodeSpans("s", "1", spans))["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
          .contains("parentSpanId"));
}

TEST(Tracer, FollowsTheCallersDecision) {
  const Tracer tracer({.ratio = 1}, [](const std::string&) { return Result<void>(); });
  EXPECT_TRUE(tracer.Begin(kParent));
  EXPECT_FALSE(tracer.Begin("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
  EXPECT_TRUE(tracer.Begin(""));
  const Tracer never({.ratio = 0}, [](const std::string&) { return Result<void>(); });
  EXPECT_TRUE(never.Begin(kParent));
  EXPECT_FALSE(never.Begin("nonsense"));
}

TEST(Tracer, DropsAndCountsWhatTheCollectorIsTooSlowFor) {
  std::promise<void> entered;
  std::promise<void> released;
  bool first = true;
  Tracer tracer({.ratio = 1, .queue_limit = 6, .batch = 3, .interval = milliseconds(1)},
                [&](const std::string&) {
                  if (std::exchange(first, false)) {
                    entered.set_value();
                    released.get_future().wait();
                  }
                  return Result<void>();
                });
  tracer.End(NewTrace(true), Request());
  entered.get_future().wait();
  for (int i = 0; i < 4; ++i) tracer.End(NewTrace(true), Request());  // none of them blocks
  EXPECT_EQ(tracer.dropped(), 6U);
  released.set_value();
}

TEST(Tracer, SendsWhatWaitsWhenItEndsAndCountsFailures) {
  std::vector<std::string> bodies;
  {
    Tracer tracer({.service = "flights", .ratio = 1, .interval = std::chrono::hours(1)},
                  [&](const std::string& body) {
                    bodies.push_back(body);
                    return Result<void>(Transient("no"));
                  });
    tracer.End(NewTrace(true), Request());
  }
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_THAT(bodies[0], HasSubstr("\"flights\""));
}

// Answers one body as a collector does; the request as it came.
std::string PathSent(const std::string& path) {
  net::FakeServer* self = nullptr;
  net::FakeServer collector([&](net::FakeConnection& c) {
    self->Record(c.ReadRequest());
    c.Answer(200, "{}");
  });
  self = &collector;
  const auto send = MakeOtlpSend(collector.url() + path, seconds(20));
  EXPECT_TRUE(send && (*send)("{}"));
  return collector.requests().at(0).substr(0, collector.requests().at(0).find(' ', 5));
}

TEST(OtlpClient, SendsToTheStandardPathOrItsOwn) {
  EXPECT_EQ(PathSent(""), "POST /v1/traces");
  EXPECT_EQ(PathSent("/"), "POST /v1/traces");
  EXPECT_EQ(PathSent("/x"), "POST /x");
}

TEST(OtlpClient, RefusesWhatIsNoUrl) {
  for (const char* url : {"", "collector:4318", "http://", "http://a/ b", "grpc://a"})
    EXPECT_FALSE(MakeOtlpSend(url, seconds(1))) << url;
}

TEST(OtlpClient, SaysThatNobodyListens) {
  const auto sent = MakeOtlpSend("http://127.0.0.1:1", seconds(2)).value()("{}");
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().message, HasSubstr("connecting to 127.0.0.1:1: Connection refused"));
}

TEST(OtlpClient, SendsUnderTlsToACollectorWhoseAuthorityItTrusts) {
  const net::FakeIdentity ours = net::MakeFakeIdentity();
  const net::FakeIdentity strangers = net::MakeFakeIdentity();
  const std::string file = testing::TempDir() + "otlp-ca.pem";
  std::ofstream(file) << ours.certificate_pem;
  ::setenv("SSL_CERT_FILE", file.c_str(), 1);
  std::string received;
  const auto answer = [&](net::FakeConnection& c) {
    received = c.ReadRequest();
    c.Answer(200, "{}");
  };
  {
    net::FakeServer collector(answer, &ours);
    const auto sent = MakeOtlpSend(collector.url(), seconds(20)).value()("{\"spans\":1}");
    EXPECT_TRUE(sent) << sent.error().message;
    EXPECT_THAT(received, HasSubstr("{\"spans\":1}"));
    net::FakeServer stranger(answer, &strangers);
    const auto refused = MakeOtlpSend(stranger.url(), seconds(20)).value()("{}");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kUntrusted);
  }
  ::unsetenv("SSL_CERT_FILE");
}

}  // namespace
}  // namespace penstock::serve
