#include <gmock/gmock.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

#include "components/http/run.h"
#include "components/http/webhook.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::http {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Http : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-http-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directories(folder_ / "results");
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<void> Run(Json parameters, std::stop_token stop = {}) {
    sdk::Step step(std::move(parameters), inputs_, {{"body", (folder_ / "body").string()}},
                   (folder_ / "results").string());
    const auto at_once = [](std::chrono::milliseconds, const std::stop_token& asked) {
      return !asked.stop_requested();
    };
    return RunHttp(step, environment_, std::move(stop), pauses_ ? PauseFor(Pause) : at_once);
  }
  std::string ErrorOf(Json parameters) {
    const auto done = Run(std::move(parameters));
    return done ? "it is done" : done.error().message;
  }
  std::string ReadText(const std::string& name) {
    const auto text = ReadFile(folder_ / name);
    return text ? *text : text.error().message;
  }

  fs::path folder_;
  std::map<std::string, sdk::StepInput> inputs_;
  std::map<std::string, std::string> environment_;
  bool pauses_ = false;
};

using Answers = std::vector<std::pair<int, std::string>>;

// Answers each request with the next of these, the last one for ever.
class Server {
 public:
  explicit Server(Answers answers, std::string headers = "", const net::FakeIdentity* tls = nullptr)
      : answers_(std::move(answers)),
        headers_(std::move(headers)),
        server_([this](net::FakeConnection& c) { Serve(c); }, tls) {}
  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::vector<std::string> requests() const { return server_.requests(); }

 private:
  void Serve(net::FakeConnection& c) {
    for (std::string request; !(request = c.ReadRequest()).empty();) {
      server_.Record(request);
      const auto& one = answers_[std::min(next_.fetch_add(1), answers_.size() - 1)];
      c.Answer(one.first, one.second, headers_);
    }
  }
  const Answers answers_;
  const std::string headers_;
  std::atomic<std::size_t> next_{0};
  net::FakeServer server_;
};

TEST_F(Http, GivesStatusBodyAndWhatItIsAskedForOfTheAnswer) {
  Server server(Answers{{201, R"({"job": {"id": 7, "tags": ["a"]}})"}}, "X-Kind: new\r\n");
  const auto done =
      Run({{"url", server.url() + "/jobs?x=1"},
           {"method", "POST"},
           {"headers", {{"Content-Type", "application/json"}}},
           {"body", R"({"n": 1})"},
           {"successCondition", "status == 201 && body.job.id == 7"},
           {"results",
            {{"id", "body.job.id"}, {"tags", "body.job.tags"}, {"kind", "headers['x-kind']"}}}});
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_THAT(server.requests()[0], StartsWith("POST /jobs?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests()[0], HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(server.requests()[0], ::testing::EndsWith("\r\n\r\n{\"n\": 1}"));
  EXPECT_EQ(ReadText("results/status"), "201");
  EXPECT_EQ(ReadText("results/body"), R"({"job": {"id": 7, "tags": ["a"]}})");
  EXPECT_EQ(ReadText("body"), R"({"job": {"id": 7, "tags": ["a"]}})");
  EXPECT_EQ(Json::parse(ReadText("results/values")),
            Json::parse(R"({"id": 7, "tags": ["a"], "kind": "new"})"));
}

std::string HeaderOf(const std::string& request, const std::string& name) {
  const auto at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 4;
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

// By Python's hmac and base64.
TEST(WebhookSignature, IsThatOfStandardWebhooks) {
  EXPECT_EQ(WebhookSignature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                             "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_EQ(WebhookSignature("plain key", "a", 1, "{}"),
            "v1,rfeXdI8PLlQDBoFAa56Wb/PTybV2LY36PyezbL3nsx8=");
  EXPECT_FALSE(WebhookSignature("whsec_?", "a", 1, "{}"));
  EXPECT_FALSE(WebhookSignature("whsec_", "a", 1, "{}")) << "signed by a key that all know";
}

TEST_F(Http, SignsWhatItSendsAsStandardWebhooksDo) {
  environment_ = {{"KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"},
                  {"PENSTOCK_MESSAGE", "uid-1/tell"}};
  Server server(Answers{{204, ""}});
  const Json parameters{{"url", server.url() + "/hook"},
                        {"method", "POST"},
                        {"body", R"({"n": 1})"},
                        {"signingKey", "${KEY}"}};
  ASSERT_TRUE(Run(parameters));
  ASSERT_TRUE(Run(parameters));  // another attempt
  Json other = parameters;
  other["body"] = "{}";
  ASSERT_TRUE(Run(other));
  const std::string request = server.requests().at(0);
  const std::string id = HeaderOf(request, "webhook-id"),
                    time = HeaderOf(request, "webhook-timestamp");
  EXPECT_THAT(id, StartsWith("msg_"));
  EXPECT_NEAR(std::stod(time), static_cast<double>(std::time(nullptr)), 60);
  EXPECT_EQ(HeaderOf(request, "webhook-signature"),
            WebhookSignature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", id, std::stol(time),
                             R"({"n": 1})"));
  EXPECT_EQ(HeaderOf(server.requests().at(1), "webhook-id"), id) << "it is the same message";
  EXPECT_NE(HeaderOf(server.requests().at(2), "webhook-id"), id);
}

TEST_F(Http, RefusesAKeyThatSignsNothing) {
  const auto with = [&](const std::string& key, const Json& headers = Json::object()) {
    return ErrorOf({{"url", "http://127.0.0.1:1/"}, {"signingKey", key}, {"headers", headers}});
  };
  EXPECT_THAT(with("${NONE}"), HasSubstr("signingKey: the step's env has no variable 'NONE'"));
  EXPECT_THAT(with("whsec_?"), HasSubstr("signingKey: what follows whsec_ is no base64"));
  EXPECT_THAT(with("k", {{"Webhook-ID", "mine"}}),
              HasSubstr("headers.Webhook-ID: signingKey says it"));
}

TEST_F(Http, TakesNoSignatureToAnotherServer) {
  Server other(Answers{{200, "here"}});
  Server first(Answers{{302, ""}}, "Location: " + other.url() + "/\r\n");
  EXPECT_THAT(ErrorOf({{"url", first.url()}, {"signingKey", "k"}}),
              HasSubstr("is led to another server"));
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(Http, AHeaderTakesItsSecretFromTheEnvironmentAndNoErrorShowsIt) {
  environment_ = {{"TOKEN", "s3cret\n"}};
  Server server(Answers{{403, "no"}});
  const std::string said =
      ErrorOf({{"url", server.url() + "/x?key=hidden"},
               {"headers", {{"Authorization", "Bearer ${TOKEN}"}, {"X-Plain", "$${TOKEN}"}}}});
  EXPECT_THAT(server.requests()[0], HasSubstr("Authorization: Bearer s3cret\r\n"));
  EXPECT_THAT(server.requests()[0], HasSubstr("X-Plain: ${TOKEN}\r\n"));
  EXPECT_THAT(said, HasSubstr("the server answered 403: no"));
  EXPECT_THAT(said, Not(HasSubstr("s3cret")));
  EXPECT_THAT(said, Not(HasSubstr("hidden")));
  EXPECT_THAT(ErrorOf({{"url", server.url()}, {"headers", {{"A", "${GONE}"}}}}),
              HasSubstr("headers.A: the step's env has no variable 'GONE'"));
}

TEST_F(Http, ASecretThatTheServerSendsBackIsInNoMessage) {
  environment_ = {{"TOKEN", "s3cret\n"}, {"EMPTY", ""}};
  Server server(Answers{{403, "you sent Bearer s3cret, s3cret"}});
  const std::string said =
      ErrorOf({{"url", server.url()},
               {"headers", {{"Authorization", "Bearer ${TOKEN}"}, {"X-Empty", "${EMPTY}"}}}});
  EXPECT_THAT(said, HasSubstr("the server answered 403: you sent Bearer ***, ***"));
}

TEST_F(Http, AStatusThatIsExpectedIsNoFailure) {
  Server server(Answers{{404, "none"}});
  EXPECT_THAT(ErrorOf({{"url", server.url()}}), HasSubstr("the server answered 404: none"));
  EXPECT_EQ(ErrorOf({{"url", server.url()}, {"expected", {"200-299", "404"}}}), "it is done");
  EXPECT_EQ(ReadText("body"), "none") << "its body is kept as any other";
}

TEST_F(Http, AConditionThatIsFalseFailsTheStepWithTheAnswer) {
  Server server(Answers{{200, R"({"state": "bad"})"}});
  EXPECT_THAT(
      ErrorOf({{"url", server.url()}, {"successCondition", "body.state == 'good'"}}),
      HasSubstr("successCondition (body.state == 'good') is false: the server answered 200"));
  EXPECT_THAT(ErrorOf({{"url", server.url()}, {"failureCondition", "body.state == 'bad'"}}),
              HasSubstr("failureCondition (body.state == 'bad') is true"));
  EXPECT_THAT(ErrorOf({{"url", server.url()}, {"successCondition", "body.other == 1"}}),
              HasSubstr("successCondition (body.other == 1): "));
}

TEST_F(Http, IsAskedAgainUntilTheConditionHoldsWhateverTheServerDoesMeanwhile) {
  Server server(Answers{{200, R"({"state": "running"})"},
                        {503, "busy"},
                        {200, R"({})"},
                        {200, R"({"state": "done"})"}});
  const auto done = Run({{"url", server.url()},
                         {"until", "body.state == 'done'"},
                         {"interval", "1s"},
                         {"timeout", "1m"}});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(server.requests().size(), 4U);
  EXPECT_EQ(ReadText("results/body"), R"({"state": "done"})");
}

TEST_F(Http, PollingEndsAtItsTimeOutAtAFailureAndAtAStatusThatStays) {
  Server server(Answers{{200, R"({"state": "running"})"}});
  EXPECT_THAT(ErrorOf({{"url", server.url()},
                       {"until", "body.state == 'done'"},
                       {"interval", "1s"},
                       {"timeout", "20ms"}}),
              HasSubstr("until (body.state == 'done') did not become true within 20ms; the server "
                        "answered 200: {\"state\": \"running\"}"));
  EXPECT_THAT(ErrorOf({{"url", server.url()},
                       {"until", "body.state == 'done'"},
                       {"failureCondition", "body.state == 'running'"},
                       {"interval", "1s"}}),
              HasSubstr("failureCondition"));
  Server gone(Answers{{404, ""}});
  EXPECT_THAT(ErrorOf({{"url", gone.url()}, {"until", "body == ''"}, {"interval", "1s"}}),
              HasSubstr("the server answered 404"));
  EXPECT_EQ(gone.requests().size(), 1U);
}

TEST_F(Http, AFailureConditionOverAFieldThatIsNotThereYetIsNotTrue) {
  Server server(
      Answers{{200, R"({"state": "queued"})"}, {200, R"({"state": "done", "error": ""})"}});
  EXPECT_EQ(ErrorOf({{"url", server.url()},
                     {"until", "body.state == 'done'"},
                     {"failureCondition", "body.error != ''"},
                     {"interval", "1s"}}),
            "it is done");
  EXPECT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(ErrorOf({{"url", server.url()}, {"failureCondition", "body.gone == 1"}}), "it is done");
}

TEST_F(Http, ABodyThatIsNestedForEverIsText) {
  Server server(Answers{{200, std::string(500'000, '[')},
                        {200, std::string(300, '[') + std::string(300, ']')}});
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(ErrorOf({{"url", server.url()}, {"successCondition", "body.startsWith('[[')"}}),
              "it is done");
}

TEST_F(Http, AStopEndsTheWaitAtOnce) {
  pauses_ = true;
  Server server(Answers{{200, "{}"}});
  std::stop_source stop;
  std::jthread presser([&] {
    while (server.requests().empty()) std::this_thread::yield();
    stop.request_stop();
  });
  const auto done =
      Run({{"url", server.url()}, {"until", "false"}, {"interval", "1h"}, {"timeout", "2h"}},
          stop.get_token());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kCancelled);
}

TEST_F(Http, AQuestionThatIsNotAnsweredDoesNotOutliveTheTimeOut) {
  net::FakeServer server([](net::FakeConnection& c) {
    while (!c.ReadRequest().empty()) continue;  // and no answer
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(ErrorOf({{"url", server.url()},
                       {"until", "true"},
                       {"timeout", "100ms"},
                       {"requestTimeout", "1h"}}),
              HasSubstr("did not become true within 100ms"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(1));
}

TEST_F(Http, WhatStaysTheSameIsSaidOnce) {
  Server server(Answers{{200, "{}"}, {200, "{}"}, {200, "{}"}, {200, R"({"s": 1})"}});
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(ErrorOf({{"url", server.url()}, {"until", "has(body.s)"}}), "it is done");
  const std::string said = ::testing::internal::GetCapturedStdout();
  const auto times = [&](const std::string& words) {
    int count = 0;
    for (std::size_t at = 0; (at = said.find(words, at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(times("GET "), 2) << said;
  EXPECT_EQ(times("not yet: "), 1) << said;
}

TEST_F(Http, ARedirectIsFollowedOnItsServerAndCarriesNoHeaderToAnotherOne) {
  Server other(Answers{{200, "other"}});
  net::FakeServer server([&](net::FakeConnection& c) {
    for (std::string request; !(request = c.ReadRequest()).empty();)
      if (request.starts_with("GET /here "))
        c.Answer(302, "", "Location: /there\r\n");
      else if (request.starts_with("GET /there "))
        c.Answer(200, "there");
      else
        c.Answer(302, "", "Location: " + other.url() + "/\r\n");
  });
  ASSERT_EQ(ErrorOf({{"url", server.url() + "/here"}, {"headers", {{"A", "b"}}}}), "it is done");
  EXPECT_EQ(ReadText("body"), "there");
  EXPECT_THAT(ErrorOf({{"url", server.url() + "/away"}, {"headers", {{"Authorization", "x"}}}}),
              HasSubstr("is led to another server"));
  EXPECT_TRUE(other.requests().empty());
  ASSERT_EQ(ErrorOf({{"url", server.url() + "/away"}}), "it is done");
  EXPECT_EQ(ReadText("body"), "other");
  EXPECT_THAT(ErrorOf({{"url", server.url() + "/away"}, {"method", "POST"}}),
              HasSubstr("the server answered 302"))
      << "what acts is not sent twice";
}

TEST_F(Http, AnAnswerOverTheBoundIsRefused) {
  Server server(Answers{{200, std::string(5000, 'x')}});
  EXPECT_THAT(ErrorOf({{"url", server.url()}, {"maxBytes", 4999}}),
              HasSubstr("its answer has over 4999 bytes; allow more by maxBytes"));
  EXPECT_EQ(ErrorOf({{"url", server.url()}, {"maxBytes", 5000}}), "it is done");
}

TEST_F(Http, AnExpectedAnswerThatIsCutIsNotTakenForAWholeOne) {
  Server server(Answers{{404, std::string((1 << 20) + 1, 'x')}, {404, std::string(1 << 20, 'x')}});
  EXPECT_THAT(ErrorOf({{"url", server.url()}, {"expected", {"404"}}}),
              HasSubstr("the server answered 404 with over 1 MiB"));
  EXPECT_EQ(ErrorOf({{"url", server.url()}, {"expected", {"404"}}}), "it is done");
}

TEST_F(Http, AServerWhoseCertificateNobodySignedIsNotAsked) {
  const auto identity = net::MakeFakeIdentity();
  Server server(Answers{{200, "x"}}, "", &identity);
  EXPECT_THAT(ErrorOf({{"url", server.url()}}), HasSubstr("certificate"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Http, ABodyComesFromAnInputOrAParameterAndNotFromBoth) {
  Server server(Answers{{200, ""}});
  std::ofstream(folder_ / "sent") << "from a file";
  inputs_["body"] = {(folder_ / "sent").string(), "", "file"};
  ASSERT_EQ(ErrorOf({{"url", server.url()}, {"method", "PUT"}}), "it is done");
  EXPECT_THAT(server.requests()[0], ::testing::EndsWith("\r\n\r\nfrom a file"));
  EXPECT_THAT(ErrorOf({{"url", server.url()}, {"method", "PUT"}, {"body", "x"}}),
              HasSubstr("body: is given as a parameter and as an input"));
}

TEST_F(Http, WhatIsNoTextIsAnOutputAndAnEmptyResult) {
  Server server(Answers{{200, std::string("a\0b\xff", 4)}});
  ASSERT_EQ(ErrorOf({{"url", server.url()}}), "it is done");
  EXPECT_EQ(ReadText("results/body"), "");
  EXPECT_EQ(ReadText("body"), std::string("a\0b\xff", 4));
}

TEST_F(Http, WhatCannotBeAskedIsRefusedBeforeAnythingIsSent) {
  Server server(Answers{{200, ""}});
  const std::string url = server.url();
  EXPECT_THAT(ErrorOf({{"url", "ftp://h/x"}}), HasSubstr("ftp"));
  EXPECT_THAT(ErrorOf({{"url", url}, {"expected", {"2xx"}}}),
              HasSubstr("expected: '2xx' is no status"));
  EXPECT_THAT(ErrorOf({{"url", url}, {"expected", {"300-200"}}}), HasSubstr("is no status"));
  EXPECT_THAT(ErrorOf({{"url", url}, {"until", "body."}}), HasSubstr("until: character"));
  EXPECT_THAT(ErrorOf({{"url", url}, {"results", {{"a", "nothing"}}}}), HasSubstr("results.a: "));
  EXPECT_THAT(ErrorOf({{"url", url}, {"interval", "soon"}}), HasSubstr("interval: "));
  for (const char* interval : {"999ms", "25h"})
    EXPECT_THAT(ErrorOf({{"url", url}, {"interval", interval}}),
                HasSubstr("interval: lies between 1s and 24h"));
  EXPECT_THAT(ErrorOf({{"url", url}, {"headers", {{"A:", "x"}}}}),
              HasSubstr("is no header's name"));
  EXPECT_THAT(ErrorOf({{"url", url}, {"headers", {{"A", "x\ny"}}}}), HasSubstr("control"));
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace penstock::http
