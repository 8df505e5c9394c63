// The page over a state folder: who gets in, what is shown of a run that was made here.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "operator/api/codec.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/cli/ui/cluster_mirror.h"
#include "operator/cli/ui/local_acting.h"
#include "operator/cli/ui/local_place.h"
#include "operator/cli/ui/ui_server.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/local/pod_launch.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/net/http_client.h"
#include "operator/views/run/run_record.h"
#include "operator/views/run_rows.h"

namespace penstock::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

constexpr const char* kRuns = "/api/v1/namespaces/default/runs";

class Ui : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(artifacts::RemoveTree(dir_));
    fs::create_directories(dir_ / "page" / "assets");
    std::ofstream(dir_ / "page" / "index.html") << "<!doctype html><title>Penstock</title>";
    std::ofstream(dir_ / "page" / "assets" / "app-1.js") << "plain";
    std::ofstream(dir_ / "page" / "assets" / "app-1.js.gz") << "packed";
    state_ = std::make_unique<State>(dir_ / "state");
    auto place = LocalPlace::Open(*state_, clock_);
    ASSERT_TRUE(place) << place.error().message;
    place_ = *std::move(place);
    acting_ = std::make_unique<LocalActing>(*state_, *place_);
  }
  void Start(const fs::path& page = {}) {
    UiServerOptions options;
    options.place = place_.get();
    options.acting = acting_.get();
    options.page = page.empty() ? dir_ / "page" : page;
    options.user = "me";
    options.token = "right";
    auto ui = UiServer::Start(std::move(options));
    ASSERT_TRUE(ui) << ui.error().message;
    ui_ = *std::move(ui);
  }
  net::HttpResponse Ask(const std::string& method, const std::string& target,
                        net::Headers headers = {{"Authorization", "Bearer right"}},
                        const std::string& body = {}) const {
    net::HttpRequest request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    request.body = body;
    auto client = net::HttpClient::Make("http://127.0.0.1:" + std::to_string(ui_->port()), {});
    auto reply = (*client)->Send(request, {.idle = std::chrono::seconds(20)});
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
    return reply ? *reply : net::HttpResponse{};
  }
  net::HttpResponse Get(const std::string& target,
                        net::Headers headers = {{"Authorization", "Bearer right"}}) const {
    return Ask("GET", target, std::move(headers));
  }
  // Of a GET with the right token for this Host, which no client of ours would send.
  int StatusFor(const std::string& host, const std::string& target) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(ui_->port()));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const std::string request = "GET " + target + " HTTP/1.1\r\nHost: " + host +
                                "\r\nAuthorization: Bearer right\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    char head[13] = {};
    const ssize_t got = ::recv(fd, head, 12, MSG_WAITALL);
    ::close(fd);
    return got == 12 ? std::atoi(head + 9) : 0;
  }
  // A run as the engine leaves it, that goes on or has ended.
  api::PipelineRun MakeRun(const std::string& name, bool ended) {
    api::PipelineRun run;
    run.meta.name = name;
    run.meta.namespace_ = kLocalNamespace;
    run.meta.uid = "uid-" + name;
    run.meta.created = TimePoint(std::chrono::seconds(1'790'000'000));
    run.spec.pipeline_ref = "flights";
    run.status.summary.total = 1;
    api::StepStatus step;
    step.name = "train";
    step.phase = ended ? api::StepPhase::kSucceeded : api::StepPhase::kRunning;
    step.attempts = 1;
    step.pod = name + "-pod";
    run.status.steps = {step};
    if (ended) {
      run.status.finish_time = TimePoint(std::chrono::seconds(1'790'000'060));
      for (const char* type : {"Finished", "Succeeded"})
        run.status.conditions.push_back(
            {type, api::ConditionStatus::kTrue, "Succeeded", "", 1, {}});
    }
    EXPECT_TRUE(state_->Save(kube::kPipelineRuns, api::Encode(run)));
    metadata::BatchRecorderOptions options;
    options.database = metadata::SqliteFile(dir_ / "state" / "metadata.sqlite");
    const auto recorder = metadata::BatchRecorder::Open(options, clock_);
    recorder->RecordRun(views::MakeRecord(run, nullptr));
    recorder->Flush();
    return run;
  }

  const fs::path dir_ =
      fs::path(testing::TempDir()) /
      (std::string("ui_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  SystemClock clock_;
  std::unique_ptr<State> state_;
  std::unique_ptr<LocalPlace> place_;
  std::unique_ptr<LocalActing> acting_;
  std::unique_ptr<UiServer> ui_;
};

TEST_F(Ui, TheAddressThatIsPrintedLetsItsBrowserInAndNobodyElse) {
  Start();
  EXPECT_EQ(Get(kRuns, {}).status, 401);
  EXPECT_EQ(Get(kRuns, {{"Authorization", "Bearer wrong"}}).status, 401);
  const std::string address = ui_->Address();
  const auto entered = Get(address.substr(address.find("/?")), {});
  EXPECT_EQ(entered.status, 303);
  EXPECT_EQ(entered.Header("location"), "/");
  const std::string cookie(entered.Header("set-cookie"));
  EXPECT_THAT(cookie, HasSubstr("HttpOnly"));
  EXPECT_THAT(cookie, HasSubstr("SameSite=Strict"));
  EXPECT_EQ(Get(kRuns, {{"Cookie", "other=1; " + cookie.substr(0, cookie.find(';'))}}).status, 200);
  EXPECT_EQ(Get("/?token=wrong", {}).status, 401);
}

TEST_F(Ui, AForeignNameThatLeadsHereIsTurnedAway) {
  Start();
  const std::string port = std::to_string(ui_->port());
  EXPECT_EQ(StatusFor("evil.example:" + port, kRuns), 421);
  EXPECT_EQ(StatusFor("evil.example", "/"), 421);
  EXPECT_EQ(StatusFor("127.0.0.1", kRuns), 421) << "of another port";
  EXPECT_EQ(StatusFor("localhost:" + port, kRuns), 200);
  EXPECT_EQ(StatusFor("127.0.0.1:" + port, kRuns), 200);
}

TEST_F(Ui, ThePageRunsNothingOfOthersAndItsFilesAreKept) {
  Start();
  const auto index = Get("/");
  EXPECT_EQ(index.status, 200);
  EXPECT_THAT(index.body, HasSubstr("Penstock"));
  EXPECT_EQ(index.Header("cache-control"), "no-store");
  EXPECT_THAT(
      std::string(index.Header("content-security-policy")),
      HasSubstr("default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"));
  EXPECT_EQ(Get("/runs/flights-1").body, index.body) << "a view of the page";
  EXPECT_EQ(Get("/assets/app-1.js", {}).body, "plain");
  const auto packed = Get("/assets/app-1.js", {{"Accept-Encoding", "gzip, br"}});
  EXPECT_EQ(packed.body, "packed");
  EXPECT_EQ(packed.Header("content-encoding"), "gzip");
  EXPECT_THAT(std::string(packed.Header("cache-control")), HasSubstr("immutable"));
  EXPECT_EQ(Get("/assets/app-2.js").status, 404);
  EXPECT_EQ(Get("/favicon.ico").status, 404);
  EXPECT_EQ(Get("/artifacts/v1/nothing").status, 404) << "a launcher takes no page for an artifact";
  EXPECT_EQ(Get("/runs/flights.v2").body, index.body) << "names have dots";
  EXPECT_EQ(Get("/../../etc/passwd").status, 200)
      << "no path of the machine, but a view of the page";
}

TEST_F(Ui, WithoutThePageTheApiAnswersAndSaysSo) {
  Start(dir_ / "absent");
  EXPECT_THAT(ui_->trouble(), HasSubstr("not installed"));
  EXPECT_EQ(Get("/").status, 503);
  EXPECT_EQ(Get(kRuns).status, 200);
}

TEST_F(Ui, AnEmptyStateFolderHasNoRunsAndNoError) {
  Start();
  EXPECT_EQ(Get(kRuns).body, "{\"items\":[]}\n");
  for (const char* path : {"pipelines", "models", "grid?pipeline=x"})
    EXPECT_EQ(Get(std::string("/api/v1/namespaces/default/") + path).status, 200) << path;
  const Json me = Json::parse(Get("/api/v1/me").body);
  EXPECT_EQ(me["user"], "me");
  EXPECT_EQ(me["mode"], "local");
  EXPECT_EQ(me["flags"], "--state " + state_->root().string());
  EXPECT_EQ(me["namespaces"], Json::array({"default"}));
}

TEST_F(Ui, AStreamOverAnEmptyStateFolderWaitsForARunAndDoesNotSpin) {
  gateway::EventHub hub(place_->history(), {.look = Milliseconds(5)});
  const auto seat = hub.Sit();
  const auto begin = hub.Wait(std::nullopt, Milliseconds(10'000), {});
  ASSERT_EQ(begin.at.value_or(-1), 0);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(hub.Wait(begin.at, Milliseconds(50), {}).changes.empty());
  EXPECT_GE(std::chrono::steady_clock::now() - before, Milliseconds(50));
  MakeRun("flights-1", true);
  const auto batch = hub.Wait(begin.at, Milliseconds(10'000), {});
  ASSERT_EQ(batch.changes.size(), 1U);
  EXPECT_EQ(batch.changes[0].run.name, "flights-1");
}

TEST_F(Ui, ShowsARunItsStepsAndItsLog) {
  MakeRun("flights-1", true);
  const auto log = local::PathsOf(state_->root(), kLocalNamespace, "flights-1-pod").log;
  ASSERT_TRUE(WriteFileAtomically(log, "one\ntwo\n"));
  Start();
  const Json rows = Json::parse(Get(kRuns).body);
  ASSERT_EQ(rows["items"].size(), 1U);
  EXPECT_EQ(rows["items"][0]["phase"], "Succeeded");
  EXPECT_EQ(rows["items"][0]["archived"], false);
  const std::string run = std::string(kRuns) + "/flights-1";
  EXPECT_EQ(Json::parse(Get(run).body)["steps"][0]["name"], "train");
  EXPECT_EQ(Get(run + "/steps/train/log?offset=4").body, "two\n");
  EXPECT_EQ(Get(run + "/steps/train/log").Header("x-log-complete"), "true");
}

TEST_F(Ui, ARunWhoseFilesWerePrunedIsStillTold) {
  MakeRun("flights-1", true);
  state_->Remove(kube::kPipelineRuns, "flights-1");
  Start();
  EXPECT_EQ(Json::parse(Get(kRuns).body)["items"][0]["archived"], true);
  const auto run = Get(std::string(kRuns) + "/flights-1");
  EXPECT_EQ(run.status, 200) << run.body;
  EXPECT_EQ(Json::parse(run.body)["archived"], true);
}

TEST_F(Ui, ARunOfAProcessThatWasKilledIsNotShownAsRunning) {
  MakeRun("flights-1", false);
  Start();
  const Json rows = Json::parse(Get(kRuns).body);
  EXPECT_EQ(rows["items"][0]["phase"], "Failed");
  EXPECT_EQ(rows["items"][0]["reason"], "Interrupted");
  EXPECT_EQ(Json::parse(Get(std::string(kRuns) + "/flights-1").body)["phase"], "Failed");
}

TEST_F(Ui, WhatCannotBeDoneFromHereNamesTheCommandThatDoesIt) {
  MakeRun("flights-1", true);
  Start();
  const net::Headers write{{"Authorization", "Bearer right"}, {"X-Penstock-Request", "1"}};
  const auto rerun = Ask("POST", std::string(kRuns) + "/flights-1/rerun", write, "{}");
  EXPECT_EQ(rerun.status, 501);
  EXPECT_THAT(rerun.body, HasSubstr("penstock rerun flights-1"));
  EXPECT_EQ(Ask("POST", std::string(kRuns) + "/flights-1/cancel", write, "{}").status, 409);
  EXPECT_EQ(Ask("POST", std::string(kRuns) + "/absent/cancel", write, "{}").status, 404);
}

TEST_F(Ui, ShowsAClustersRunsWithTheKubeconfigsIdentityAsTheyChange) {
  local::MemoryCluster cluster(clock_);
  api::PipelineRun run;
  run.meta.name = "flights-1";
  run.meta.namespace_ = "team";
  run.spec.pipeline_ref = "flights";
  ASSERT_TRUE(cluster.Create(kube::kPipelineRuns, "team", api::Encode(run)));
  const auto mirror = ClusterMirror::Open(cluster, "team", clock_, {});
  ASSERT_TRUE(mirror) << mirror.error().message;
  const views::Place& place = (*mirror)->place();
  metadata::RunFilter filter;
  filter.namespace_ = "team";
  const auto rows = [&] { return views::RunRows(place, filter, 50, "").value()["items"]; };
  ASSERT_EQ(rows().size(), 1U);
  EXPECT_EQ(rows()[0]["phase"], "Pending");
  EXPECT_EQ(rows()[0]["archived"], false);
  const long long seen = *place.history().NewestChange();
  ASSERT_TRUE(cluster.MergePatch(kube::kPipelineRuns, "team", "flights-1",
                                 {{"spec", {{"suspend", true}}}}));
  gateway::EventHub hub(place.history(), {.look = Milliseconds(5)});
  const auto seat = hub.Sit();
  for (int tries = 0; tries < 2'000 && *place.history().NewestChange() == seen; ++tries)
    static_cast<void>(hub.Wait(seen, Milliseconds(10), {}));
  EXPECT_EQ(rows()[0]["phase"], "Suspended");
}

TEST_F(Ui, ACallThatTheApiServerForbidsIsSaidAtOnce) {
  local::MemoryCluster cluster(clock_);
  cluster.SetInterceptor([](const local::Request&) -> std::optional<Error> {
    Error e = Invalid("pipelineruns is forbidden");
    e.kind = ErrorKind::kForbidden;
    return e;
  });
  const auto mirror = ClusterMirror::Open(cluster, "team", clock_, {});
  ASSERT_FALSE(mirror);
  EXPECT_EQ(mirror.error().kind, ErrorKind::kForbidden);
}

TEST_F(Ui, NamesThatLeaveTheFolderAreNotThere) {
  Start();
  for (const char* name : {"..%2f..%2fpipelines%2fx", "%2e%2e", "x%00y"})
    EXPECT_EQ(Get(std::string(kRuns) + "/" + name).status, 404) << name;
  EXPECT_EQ(Get("/api/v1/namespaces/other/runs/x").status, 404);
}

}  // namespace
}  // namespace penstock::cli
