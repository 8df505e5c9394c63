// What the API client's and the gateway's tests do not ask of the client.
#include "operator/net/http_client.h"

#include <gmock/gmock.h>

#include "operator/net/testing/fake_server.h"

namespace penstock::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

const Limits kLimits{.idle = std::chrono::seconds(20)};

Result<HttpResponse> Send(const FakeServer& server, const HttpRequest& request,
                          const HttpClientOptions& options = {}) {
  return HttpClient::Make(server.url() + "/base/", options).value()->Send(request, kLimits);
}

// A PUT whose body comes from a callback; counts how often it was asked.
HttpRequest Upload(const std::string& body, int& asked) {
  HttpRequest request;
  request.method = "PUT";
  request.target = "/x";
  request.content_length = body.size();
  request.source = [body, &asked]() -> Result<std::string_view> {
    return asked++ == 0 ? std::string_view(body) : std::string_view();
  };
  return request;
}

TEST(HttpClient, SendsALargeBodyOnlyWhenTheServerWantsIt) {
  std::string received;
  FakeServer server([&](FakeConnection& c) {
    c.Send("HTTP/1.1 100 Continue\r\n\r\n");
    received = c.ReadRequest();
    c.Answer(201, "made");
  });
  int asked = 0;
  const auto answer = Send(server, Upload(std::string(100'000, 'x'), asked));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "made");
  EXPECT_THAT(received, HasSubstr("PUT /base/x HTTP/1.1\r\n"));
  EXPECT_THAT(received, HasSubstr("Expect: 100-continue\r\n"));
  EXPECT_THAT(received, EndsWith(std::string(100'000, 'x')));
}

TEST(HttpClient, ARefusalBeforeTheBodyIsTheAnswer) {
  FakeServer server([](FakeConnection& c) {
    c.Answer(413, "too large");
    c.WaitClosed();
  });
  int asked = 0;
  const auto answer = Send(server, Upload(std::string(100'000, 'x'), asked));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->body, "too large");
  EXPECT_EQ(asked, 0);
}

TEST(HttpClient, AConnectionThatOwesABodyIsNotUsedAgain) {
  FakeServer server([](FakeConnection& c) {
    c.Answer(409, "no");  // without "Connection: close"
    c.WaitClosed();
  });
  const auto client = HttpClient::Make(server.url(), {}).value();
  int asked = 0;
  for (int i = 0; i < 2; ++i) {
    const auto answer = client->Send(Upload(std::string(100'000, 'x'), asked), kLimits);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 409);
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, WhatComesBeforeAnAnswerIsNotTheAnswer) {
  FakeServer server([](FakeConnection& c) {
    c.Send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    c.ReadRequest();
    c.Send("HTTP/1.1 102 Processing\r\n\r\n");
    c.Answer(201, "made");
  });
  int asked = 0;
  const auto answer = Send(server, Upload(std::string(100'000, 'x'), asked));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "made");
}

TEST(HttpClient, NeverSendsAHeadThatHoldsASecondRequest) {
  FakeServer server([](FakeConnection& c) { c.WaitClosed(); });
  HttpRequest target;
  target.target = "/x HTTP/1.1\r\n\r\nDELETE /y";
  HttpRequest header;
  header.headers = {{"Authorization", "Bearer x\r\nX-Other: y"}};
  for (const auto& request : {target, header}) {
    const auto answer = Send(server, request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::kInvalid);
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpClient, ABodyAboveItsLimitIsTooLarge) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, "12345");
  });
  HttpRequest request;
  request.max_body = 4;
  const auto answer = Send(server, request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kTooLarge);
}

TEST(HttpClient, ASinksErrorIsTheCalls) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, "12345");
  });
  HttpRequest request;
  request.on_body = [](std::string_view) -> Result<bool> { return NotFound("no place"); };
  const auto answer = Send(server, request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "no place");
}

TEST(HttpClient, ConnectsToNoAddressThatItMayNot) {
  FakeServer server([](FakeConnection& c) { c.WaitClosed(); });
  HttpClientOptions options;
  std::vector<std::string> asked;
  options.may_connect = [&](const std::string& host, const std::string& address) -> Result<void> {
    asked.push_back(host + " " + address);
    return NotFound("not this one");
  };
  const auto answer = Send(server, {}, options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "not this one");
  EXPECT_THAT(asked, testing::ElementsAre("127.0.0.1 127.0.0.1"));
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpClient, AProxyDoesNotLeadAroundTheAddressPolicy) {
  HttpClientOptions options;
  options.proxy = ParseProxy("http://127.0.0.1:3128").value();
  options.may_connect = [](const std::string&, const std::string&) -> Result<void> { return {}; };
  const auto made = HttpClient::Make("http://127.0.0.1:1", options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(made.error().message.find("127.0.0.1:3128"), std::string::npos);
}

}  // namespace
}  // namespace penstock::net
