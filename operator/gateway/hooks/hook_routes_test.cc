// Deliveries over a cluster in memory: who is taken for whom, and what is made of them.
#include "operator/gateway/hooks/hook_routes.h"

#include <gmock/gmock.h>

#include <atomic>

#include "operator/api/codec.h"
#include "operator/api/manifest.h"
#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/kube/forwarding_client.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/plan/pipeline/webhook_plan.h"
#include "operator/plan/step/run_outcome.h"

namespace penstock::gateway {
namespace {

using ::testing::HasSubstr;

class HookExchange : public Exchange {
 public:
  HookExchange(std::string method, std::string path, std::string body,
               std::map<std::string, std::string> headers)
      : method_(std::move(method)),
        path_(std::move(path)),
        body_(std::move(body)),
        headers_(std::move(headers)) {}
  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& query() const override { return query_; }
  std::string Header(const std::string& name) const override {
    const auto it = headers_.find(name);
    return it == headers_.end() ? "" : it->second;
  }
  std::optional<std::uint64_t> ContentLength() const override { return std::nullopt; }
  bool ExpectsContinue() const override { return false; }
  std::stop_token stop() const override { return {}; }
  void CallerIsKnown() override { known = true; }
  Result<std::string_view> ReadBody() override {
    const std::string_view piece = std::string_view(body_).substr(read_, 64 * 1024);
    read_ += piece.size();
    return piece;
  }
  void Respond(int s, const std::string&, const std::string& b, const Headers& h) override {
    status = s;
    answer = ParseJson(b, "answer").value();
    headers = h;
  }
  void RespondFile(int, const std::filesystem::path&, std::uint64_t, std::uint64_t,
                   const Headers&) override {
    FAIL();
  }
  void RespondStream(int, std::uint64_t, const Headers&,
                     const std::function<Result<void>(const Take&)>&) override {
    FAIL();
  }
  bool BeginStream(int, const std::string&, const Headers&) override { return false; }
  bool SendPiece(std::string_view) override { return false; }
  int status = 0;
  Json answer;
  Headers headers;
  bool known = false;
  [[nodiscard]] std::size_t bytes_read() const { return read_; }

 private:
  std::string method_, path_, query_, body_;
  std::map<std::string, std::string> headers_;
  std::size_t read_ = 0;
};

// An API server that may refuse Secrets, be away, and that counts what it is asked for.
class HookedServer : public kube::ForwardingClient {
 public:
  explicit HookedServer(kube::Client& below) : ForwardingClient(below) {}
  bool hides_secrets = false, is_away = false;
  std::atomic<int> asked = 0;

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType& type) override {
    ++asked;
    if (is_away) return Transient("the API server is away");
    if (!hides_secrets || type != kube::kSecrets) return {};
    Error e;
    e.kind = ErrorKind::kForbidden;
    e.message = "secrets is forbidden";
    return e;
  }
};

class HookClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return now; }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override { return steady; }
  TimePoint now = ParseTime("2026-11-30T12:00:00.25Z").value();
  std::chrono::steady_clock::time_point steady{std::chrono::hours(1)};
};

const std::string kHookKey = "0123456789abcdef0123456789abcdef";

class Hooks : public testing::Test {
 protected:
  Hooks() {
    AddHooks(router_, {&client_, &clock_, &keys_, &bodies_,
                       [this](const std::string& line) { audit_ += line + "\n"; }});
    MakePipeline(
        "  runPolicy: Manual\n"
        "  parameters: [{name: rev}, {name: ref, default: main}, {name: size, type: integer, "
        "default: 1}]\n"
        "  triggers:\n"
        "  - {webhook: {name: push, secretRef: {name: hook}, parameters: {rev: $(body.after)}}}\n"
        "  - webhook:\n"
        "      name: full\n"
        "      secretRef: {name: hook, key: other}\n"
        "      parameters: {rev: 'x $(body.commits[0].id)', ref: $(body.ref), size: $(body.size)}\n"
        "  - {webhook: {name: bare, secretRef: {name: hook}, parameters: {}}}\n");
    MakeSecret({{"secret", EncodeBase64(kHookKey)}, {"other", EncodeBase64(kHookKey + "2")}});
  }

  void MakePipeline(const std::string& spec) {
    const auto documents = api::ParseManifests(
        "apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\n"
        "metadata: {name: flights, namespace: team}\nspec:\n" +
            spec + "  steps:\n  - {name: a, container: {image: x, command: [a]}}\n",
        "p.yaml");
    ASSERT_TRUE(documents) << documents.error().message;
    const Json& object = documents->at(0).object;
    const auto decoded = api::DecodePipeline(object);
    ASSERT_TRUE(decoded.errors.empty()) << api::Describe(decoded.errors);
    ASSERT_TRUE(cluster_.Create(kube::kPipelines, "team", object, {}));
  }
  void MakeSecret(const Json& data) {
    ASSERT_TRUE(cluster_.Create(kube::kSecrets, "team",
                                {{"apiVersion", "v1"},
                                 {"kind", "Secret"},
                                 {"metadata", {{"name", "hook"}, {"namespace", "team"}}},
                                 {"data", data}},
                                {}));
  }

  static std::string SignatureOf(const std::string& key, const std::string& body) {
    std::string hex;
    for (const unsigned char c : HmacSha256(key, body)) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", c);
      hex += two;
    }
    return "sha256=" + hex;
  }
  HookExchange Send(const std::string& path, const std::string& body,
                    std::map<std::string, std::string> headers) {
    HookExchange x("POST", path, body, std::move(headers));
    router_.Dispatch(x);
    return x;
  }
  HookExchange Deliver(const std::string& id, const std::string& body,
                       const std::string& trigger = "push", const std::string& key = kHookKey) {
    return Send("/hooks/team/flights/" + trigger, body,
                {{"X-Hub-Signature-256", SignatureOf(key, body)}, {"X-GitHub-Delivery", id}});
  }
  // Of so many deliveries to addresses that are none, those that were told to try again.
  int RefusedStrangers(int count) {
    int refused = 0;
    for (int i = 0; i < count; ++i) {
      const std::string path = "/hooks/team/p" + std::to_string(strangers_++) + "/x";
      refused += Send(path, "", {{"X-Hub-Signature-256", "x"}}).status == 429 ? 1 : 0;
    }
    return refused;
  }
  std::vector<Json> Runs() {
    auto runs = cluster_.List(kube::kPipelineRuns, "team", {});
    EXPECT_TRUE(runs);
    return runs->items;
  }
  void ExpectUnknown(const HookExchange& x, const std::string& what) {
    EXPECT_EQ(x.status, 401) << what;
    EXPECT_EQ(
        x.answer,
        Json({{"error", "there is no such webhook, or the delivery is not signed with its key"}}))
        << what;
    EXPECT_FALSE(x.known) << what;
  }

  HookClock clock_;
  local::MemoryCluster cluster_{clock_};
  HookedServer client_{cluster_};
  std::vector<std::string> told_;
  HookKeys keys_{client_, clock_, [this](const Json& pipeline, const std::string& what) {
                   told_.push_back(pipeline["metadata"]["name"].get<std::string>() + ": " + what);
                 }};
  BodyBudget bodies_{64 << 20};
  std::string audit_;
  int strangers_ = 0;
  Router router_;
};

TEST_F(Hooks, MakeARunThatWaitsForItsTurnWithItsParameters) {
  const HookExchange x = Deliver("id-1", R"({"after": "4be1c0"})");
  EXPECT_EQ(x.status, 202) << x.answer;
  EXPECT_TRUE(x.known);
  EXPECT_EQ(x.answer["duplicate"], false);
  ASSERT_EQ(Runs().size(), 1U);
  const Json run = Runs()[0];
  EXPECT_EQ(run["metadata"]["name"], x.answer["run"]);
  EXPECT_EQ(x.answer["run"], "flights-hook-" + plan::DeliveryHash("flights", "push", "id-1"));
  EXPECT_EQ(run["metadata"]["labels"]["penstock.dev/cause"], "Trigger");
  EXPECT_EQ(run["metadata"]["labels"]["penstock.dev/webhook"], "push");
  EXPECT_EQ(run["metadata"]["annotations"]["penstock.dev/triggered-by"], "webhook push");
  EXPECT_EQ(run["metadata"]["annotations"]["penstock.dev/waits-since"],
            "2026-11-30T12:00:00.250000Z");
  EXPECT_EQ(run["metadata"]["ownerReferences"][0]["name"], "flights");
  EXPECT_EQ(run["spec"], Json({{"pipelineRef", {{"name", "flights"}}},
                               {"suspend", true},
                               {"parameters", {{"rev", "4be1c0"}}}}));
  const auto decoded = api::DecodePipelineRun(run);
  EXPECT_TRUE(decoded.errors.empty()) << api::Describe(decoded.errors);
  EXPECT_TRUE(plan::WaitsForTurn(decoded.value));
  EXPECT_THAT(audit_, HasSubstr(R"("delivery":"id-1")"));
  EXPECT_THAT(audit_, testing::Not(HasSubstr(kHookKey)));
}

TEST_F(Hooks, PutWhatTheBodySaysIntoParametersWithItsTypes) {
  const HookExchange x =
      Deliver("id-1", R"x({"ref": "$(steps.a.results.x)", "size": 7, "commits": [{"id": "c0"}]})x",
              "full", kHookKey + "2");
  ASSERT_EQ(x.status, 202) << x.answer;
  EXPECT_EQ(Runs()[0]["spec"]["parameters"],
            Json({{"rev", "x c0"}, {"ref", "$(steps.a.results.x)"}, {"size", 7}}));
}

TEST_F(Hooks, NameAllThatABodyLacks) {
  const HookExchange x =
      Deliver("id-1", R"({"size": "large", "commits": []})", "full", kHookKey + "2");
  EXPECT_EQ(x.status, 422);
  EXPECT_THAT(x.answer["error"].get<std::string>(),
              testing::AllOf(HasSubstr("rev: "), HasSubstr("ref: "), HasSubstr("size: ")));
  EXPECT_EQ(x.answer["parameters"].size(), 3U);
  EXPECT_TRUE(Runs().empty());
  EXPECT_EQ(Deliver("id-2", R"({"after": null})").status, 422) << "null is not given";
  EXPECT_THAT(Deliver("id-3", "payload=%7B%7D").answer["error"].get<std::string>(),
              HasSubstr("application/json"));
  EXPECT_EQ(Deliver("id-4", "not json", "bare").status, 422) << "rev has no default";
}

TEST_F(Hooks, AreAnsweredAlikeWhateverDoesNotHold) {
  const std::string body = R"({"after": "1"})";
  ExpectUnknown(Deliver("i", body, "push", kHookKey + "x"), "another key");
  ExpectUnknown(Deliver("i", body, "none"), "another trigger");
  const std::map<std::string, std::string> good{
      {"X-Hub-Signature-256", SignatureOf(kHookKey, body)}, {"X-GitHub-Delivery", "i"}};
  ExpectUnknown(Send("/hooks/team/other/push", body, good), "another Pipeline");
  ExpectUnknown(Send("/hooks/elsewhere/flights/push", body, good), "another namespace");
  ExpectUnknown(Send("/hooks/te%20am/flights/push", body, good), "no name");
  ExpectUnknown(Send("/hooks/team/flights/push", body + " ", good), "another body");
  ExpectUnknown(Send("/hooks/team/flights/push", body, {}), "no signature");
  ASSERT_TRUE(cluster_.Delete(kube::kSecrets, "team", "hook", {}));
  clock_.steady += HookKeys::kLifetime;
  ExpectUnknown(Deliver("i", body), "no Secret");
  EXPECT_TRUE(Runs().empty());
}

TEST_F(Hooks, TellTheNamespaceWhyAKeyCannotBeRead) {
  client_.hides_secrets = true;
  ExpectUnknown(Deliver("i", "{}"), "no right");
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_THAT(told_[0], HasSubstr("flights: no delivery of the webhook push can be verified: the "
                                  "Secret hook: the operator may not get it"));
  ExpectUnknown(Deliver("i", "{}"), "remembered");
  EXPECT_EQ(told_.size(), 1U);
  client_.hides_secrets = false;
  clock_.steady += HookKeys::kLifetime;
  EXPECT_EQ(Deliver("i", R"({"after": "1"})").status, 202) << "ten seconds later";
}

TEST_F(Hooks, TellOfAKeyThatIsNotThereOrTooShort) {
  ASSERT_TRUE(cluster_.Delete(kube::kSecrets, "team", "hook", {}));
  MakeSecret({{"secret", EncodeBase64("short")}});
  ExpectUnknown(Deliver("i", "{}", "push", "short"), "too short");
  ExpectUnknown(Deliver("i", "{}", "full"), "not there");
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_THAT(told_[0], HasSubstr("its key 'secret' is not taken: it has 5 bytes"));
  EXPECT_THAT(told_[1], HasSubstr("it has no key 'other'"));
}

TEST_F(Hooks, MakeNoSecondRunOfADeliveryThatComesAgain) {
  const std::string body = R"({"after": "1"})";
  const HookExchange first = Deliver("id-1", body);
  const HookExchange again = Deliver("id-1", body);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.answer["duplicate"], true);
  EXPECT_EQ(again.answer["run"], first.answer["run"]);
  EXPECT_EQ(Runs().size(), 1U);
  EXPECT_EQ(Deliver("id-2", body).answer["duplicate"], false);
  EXPECT_EQ(Runs().size(), 2U);
}

TEST_F(Hooks, RememberADeliveryWhoseRunIsDeleted) {
  const std::string body = R"({"after": "1"})";
  const std::string run = Deliver("id-1", body).answer["run"];
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", run, {}));
  const Json trigger{{"webhook", "push"},
                     {"deliveries", {plan::DeliveryHash("flights", "push", "id-1")}}};
  ASSERT_TRUE(cluster_.MergePatch(kube::kPipelines, "team", "flights",
                                  {{"status", {{"triggers", Json::array({trigger})}}}},
                                  {.subresource = "status"}));
  const HookExchange again = Deliver("id-1", body);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.answer["duplicate"], true);
  EXPECT_TRUE(Runs().empty());
}

TEST_F(Hooks, RefuseABodyOverOneMebibyteBeforeAnybodyIsAsked) {
  const HookExchange x = Deliver("id", std::string(kMostHookBytes + 1, ' '));
  EXPECT_EQ(x.status, 413);
  EXPECT_THAT(x.answer["error"].get<std::string>(), HasSubstr("over 1048576 bytes"));
  EXPECT_EQ(client_.asked, 0);
}

TEST_F(Hooks, RefuseAParsedBodyOverTheMemorysShare) {
  const HookExchange x = Deliver("id", R"({"after": "1"})" + std::string(bodies_.share() + 1, ' '));
  EXPECT_EQ(x.status, 413) << x.answer;
}

TEST_F(Hooks, AnswerAPingWithoutARun) {
  const std::string body = R"({"zen": "Keep it logically awesome."})";
  const HookExchange x = Send("/hooks/team/flights/push", body,
                              {{"X-Hub-Signature-256", SignatureOf(kHookKey, body)},
                               {"X-GitHub-Delivery", "p"},
                               {"X-GitHub-Event", "ping"}});
  EXPECT_EQ(x.status, 200);
  EXPECT_TRUE(Runs().empty());
}

TEST_F(Hooks, SayToAKnownCallerThatItsIdOrTimeIsWrong) {
  const HookExchange x = Deliver("", R"({"after": "1"})");
  EXPECT_EQ(x.status, 401);
  EXPECT_THAT(x.answer["error"].get<std::string>(), HasSubstr("X-GitHub-Delivery is missing"));
  EXPECT_TRUE(Runs().empty());
}

TEST_F(Hooks, AskToTryAgainWhereTheApiServerIsAway) {
  client_.is_away = true;
  const HookExchange x = Deliver("id", R"({"after": "1"})");
  EXPECT_EQ(x.status, 503);
  EXPECT_EQ(x.headers, (Headers{{"Retry-After", "5"}}));
  client_.is_away = false;
  EXPECT_EQ(Deliver("id", R"({"after": "1"})").status, 202) << "that it was away is not remembered";
}

TEST_F(Hooks, LetStrangersAskTheApiServerOnlySoOften) {
  EXPECT_EQ(Deliver("id", R"({"after": "1"})").status, 202);
  const int before = client_.asked;
  EXPECT_EQ(RefusedStrangers(200), 161) << "one question was the known trigger's";
  EXPECT_EQ(client_.asked - before, 39);
  EXPECT_EQ(Deliver("id-2", R"({"after": "1"})").status, 202) << "a known trigger goes on";
  clock_.steady += std::chrono::seconds(1);
  EXPECT_EQ(RefusedStrangers(30), 10);
}

TEST_F(Hooks, GoOnForAKnownTriggerHoweverManyStrangersCome) {
  ASSERT_EQ(Deliver("id", R"({"after": "1"})").status, 202);
  for (int i = 0; i < 20; ++i) {
    clock_.steady += HookKeys::kLifetime + std::chrono::seconds(1);  // its key is asked for again
    EXPECT_GT(RefusedStrangers(60), 0);
    EXPECT_EQ(Deliver("id-" + std::to_string(i), R"({"after": "1"})").status, 202) << i;
  }
  EXPECT_EQ(Deliver("x", R"({"after": "1"})", "full", kHookKey + "2").status, 429)
      << "one that was never known has no place of its own";
}

TEST_F(Hooks, AskForAKnownTriggerOnlySoOftenToo) {
  ASSERT_EQ(Deliver("id", R"({"after": "1"})").status, 202);
  clock_.steady += HookKeys::kLifetime;
  client_.is_away = true;  // what is not answered is not remembered
  int away = 0, refused = 0;
  for (int i = 0; i < 60; ++i) {
    const int status = Deliver("id", "{}").status;
    away += status == 503 ? 1 : 0;
    refused += status == 429 ? 1 : 0;
  }
  EXPECT_EQ(away, 40);
  EXPECT_EQ(refused, 20);
}

TEST_F(Hooks, ReadNoBodyOfWhatCanBeNoDelivery) {
  const std::string body = R"({"after": "1"})";
  const std::map<std::string, std::string> good{
      {"X-Hub-Signature-256", SignatureOf(kHookKey, body)}, {"X-GitHub-Delivery", "i"}};
  for (const auto& [path, headers] :
       std::vector<std::pair<std::string, std::map<std::string, std::string>>>{
           {"/hooks/team/flights/push", {{"X-GitHub-Delivery", "i"}}},
           {"/hooks/te_am/flights/push", good},
           {"/hooks/team/flights/" + std::string(300, 'a'), good}}) {
    const HookExchange x = Send(path, body, headers);
    ExpectUnknown(x, path);
    EXPECT_EQ(x.bytes_read(), 0U) << path;
  }
  EXPECT_EQ(client_.asked, 0);
}

TEST_F(Hooks, TakePostsOnly) {
  HookExchange x("GET", "/hooks/team/flights/push", "", {});
  router_.Dispatch(x);
  EXPECT_EQ(x.status, 405);
}

}  // namespace
}  // namespace penstock::gateway
