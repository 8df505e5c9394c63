#include "operator/kube/status_error.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"
#include "operator/kube/request_path.h"
#include "operator/kube/resources.h"
#include "operator/kube/watch_decoder.h"

namespace penstock::kube {
namespace {

TEST(StatusError, FoldsEveryAnswerIntoOneKind) {
  const struct {
    int status;
    const char* body;
    ErrorKind kind;
  } cases[] = {
      {400, "{}", ErrorKind::kInvalid},
      {401, "{}", ErrorKind::kForbidden},
      {403, R"({"reason":"Forbidden","message":"no"})", ErrorKind::kForbidden},
      {403, R"({"reason":"Forbidden","message":"pods \"x\" is forbidden: exceeded quota: q"})",
       ErrorKind::kQuota},
      {404, "{}", ErrorKind::kNotFound},
      {405, "", ErrorKind::kInvalid},
      {408, "", ErrorKind::kTransient},
      {409, R"({"reason":"AlreadyExists"})", ErrorKind::kAlreadyExists},
      {409, R"({"reason":"Conflict"})", ErrorKind::kConflict},
      {409, R"({"reason":"Conflict","details":{"kind":"resourcequotas"}})", ErrorKind::kTransient},
      {410, R"({"reason":"Expired"})", ErrorKind::kExpired},
      {413, "", ErrorKind::kInvalid},
      {415, "", ErrorKind::kInvalid},
      {422, R"({"reason":"Invalid"})", ErrorKind::kInvalid},
      {429, "", ErrorKind::kOverloaded},
      {500, "", ErrorKind::kTransient},
      {502, "<html>bad gateway</html>", ErrorKind::kTransient},
      {503, "", ErrorKind::kTransient},
      {504, R"({"reason":"Timeout"})", ErrorKind::kTransient},
      {302, "", ErrorKind::kInternal},
      {0, "", ErrorKind::kInternal},
  };
  for (const auto& c : cases) {
    const Error e = ErrorFromAnswer("get pods", c.status, c.body, "");
    EXPECT_EQ(e.kind, c.kind) << c.status << " " << c.body;
    EXPECT_EQ(e.message.rfind("get pods: ", 0), 0U);
    const std::string shown = " (HTTP " + std::to_string(c.status) + ")";
    EXPECT_TRUE(e.message.ends_with(shown)) << e.message;
  }
}

TEST(StatusError, TellsAWebhookThatIsDownFromAServerThatFails) {
  const auto kind = [](int status, const std::string& message) {
    return ErrorFromAnswer("create pods", status, Json{{"message", message}}.dump(), "").kind;
  };
  EXPECT_EQ(kind(500,
                 "Internal error occurred: failed calling webhook \"w.example.com\": failed to "
                 "call webhook: Post \"https://w.x.svc:443/\": service \"w\" not found"),
            ErrorKind::kWebhook);
  EXPECT_EQ(kind(500, "Internal error occurred: etcd is away"), ErrorKind::kTransient);
  // A webhook that refuses chooses its own status.
  for (const int status : {400, 403, 500})
    EXPECT_EQ(kind(status, "admission webhook \"w.example.com\" denied the request: no"),
              ErrorKind::kForbidden);
  EXPECT_TRUE(PassesByItself(ErrorKind::kWebhook));
  EXPECT_STREQ(Name(ErrorKind::kWebhook), "Webhook");
}

TEST(StatusError, TellsAQuotaByTheWordsOfTheApiServer) {
  const auto kind = [](const std::string& why) {
    const Json status{{"reason", "Forbidden"},
                      {"message", "pods \"first-train-1\" is forbidden: " + why},
                      {"details", {{"name", "first-train-1"}, {"kind", "pods"}}},
                      {"code", 403}};
    return ErrorFromAnswer("create pods", 403, status.dump(), "").kind;
  };
  EXPECT_EQ(kind("exceeded quota: compute, requested: cpu=2, used: cpu=7, limited: cpu=8"),
            ErrorKind::kQuota);
  EXPECT_EQ(
      kind("failed quota: compute: must specify limits.cpu for: step; limits.memory for: step"),
      ErrorKind::kQuota);
  EXPECT_EQ(kind("insufficient quota to match these scopes: [{PriorityClass In [low]}]"),
            ErrorKind::kQuota);
  EXPECT_EQ(kind("violates PodSecurity \"restricted:latest\": runAsNonRoot != true"),
            ErrorKind::kForbidden);
  EXPECT_EQ(kind("User \"quota-reader\" cannot create resource \"pods\""), ErrorKind::kForbidden);
}

TEST(StatusError, TakesRetryAfterFromTheHeaderOrTheStatus) {
  EXPECT_EQ(ErrorFromAnswer("x", 429, "", "7").retry_after, std::chrono::seconds(7));
  EXPECT_EQ(ErrorFromAnswer("x", 429, R"({"details":{"retryAfterSeconds":3}})", "").retry_after,
            std::chrono::seconds(3));
  EXPECT_FALSE(ErrorFromAnswer("x", 429, "", "Wed, 21 Oct 2015 07:28:00 GMT").retry_after);
  EXPECT_FALSE(ErrorFromAnswer("x", 429, "", "-1").retry_after);
}

TEST(StatusError, SurvivesAStatusWhoseFieldsHaveWrongTypes) {
  const Error e =
      ErrorFromStatus("watch", Json::parse(R"({"code":"410","message":7,"details":[]})"));
  EXPECT_EQ(e.kind, ErrorKind::kInternal);
}

TEST(RequestPath, PutsGroupsNamespacesAndSubresourcesWhereTheyBelong) {
  EXPECT_EQ(*ResourcePath(kPods, "a", "p", "status"), "/api/v1/namespaces/a/pods/p/status");
  EXPECT_EQ(*ResourcePath(kPods, "", "", ""), "/api/v1/pods");
  EXPECT_EQ(*ResourcePath(kNamespaces, "", "n", ""), "/api/v1/namespaces/n");
  EXPECT_EQ(*ResourcePath(kPipelines, "a", "", ""),
            "/apis/penstock.dev/v1alpha1/namespaces/a/pipelines");
}

TEST(RequestPath, EncodesSelectors) {
  ListOptions options;
  options.label_selector = "a in (b,c)";
  options.limit = 5;
  EXPECT_EQ(ListQuery(options), "?labelSelector=a%20in%20%28b%2Cc%29&limit=5");
}

TEST(WatchDecoder, RefusesAnEventWithoutTypeOrObject) {
  for (const char* line : {"{}\n", "[]\n",
                           R"({"type":"ADDED"})"
                           "\n",
                           R"({"type":"ADDED","object":[]})"
                           "\n",
                           R"({"type":"EXPLODED","object":{}})"
                           "\n"}) {
    WatchDecoder decoder("watch");
    const auto fed = decoder.Feed(line, [](WatchEvent&) { return true; });
    ASSERT_FALSE(fed) << line;
    EXPECT_EQ(fed.error().kind, ErrorKind::kInternal);
  }
}

TEST(WatchDecoder, GivesTheSameEventsHoweverTheBytesAreCut) {
  const std::string text = R"({"type":"ADDED","object":{"n":1}})"
                           "\n"
                           R"({"type":"DELETED","object":{"n":2}})"
                           "\r\n\n"
                           R"({"type":"BOOKMARK","object":{"n":3}})"
                           "\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    WatchDecoder decoder("watch");
    int sum = 0;
    for (std::size_t at = 0; at < text.size(); at += size) {
      const auto fed = decoder.Feed(std::string_view(text).substr(at, size), [&](WatchEvent& e) {
        sum = sum * 10 + (*e.object)["n"].get<int>();
        return true;
      });
      ASSERT_TRUE(fed) << fed.error().message;
    }
    EXPECT_EQ(sum, 123) << size;
    EXPECT_TRUE(decoder.Finish());
  }
}

}  // namespace
}  // namespace penstock::kube
