// Schedules and triggers of a Pipeline, on a cluster in memory; the time of day is the tests' own.
#include <gmock/gmock.h>

#include "operator/api/codec.h"
#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/scheduled_run.h"
#include "operator/plan/pipeline/webhook_plan.h"

namespace penstock::controllers {
namespace {

class WallClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return now_; }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::now();
  }
  void Set(const std::string& text) { now_ = ParseTime(text).value(); }

 private:
  std::atomic<TimePoint> now_ = ParseTime("2026-11-28T05:30:00Z").value();
};

class ScheduledEngine : public EngineTest {
 protected:
  ScheduledEngine() { engine_clock_ = &wall_; }
  ~ScheduledEngine() override { StopEngine(); }

  void CreatePipeline(const std::string& name, const std::string& spec) {
    Create(kube::kPipelines, "metadata: {name: " + name + "}\nspec:\n  runPolicy: Manual\n" + spec +
                                 "  steps:\n  - {name: a, container: {image: "
                                 "\"registry.example.com/tool@sha256:" +
                                 std::string(64, '1') +
                                 "\", command: [work]}, outputs: [{name: table}]}\n");
  }
  // The operator looks at the Pipeline as it would when its time has come.
  void Poke(const std::string& name) {
    Patch(kube::kPipelines, name,
          {{"metadata", {{"annotations", {{"poked", std::to_string(++pokes_)}}}}}});
  }
  std::vector<std::string> Runs() {
    std::vector<std::string> names;
    for (const Json& run : ListAll(kube::kPipelineRuns)) names.push_back(run["metadata"]["name"]);
    return names;
  }

  WallClock wall_;
  int pokes_ = 0;
};

TEST_F(ScheduledEngine, MakesTheRunOfATimeOnceThroughARestart) {
  StartEngine();
  CreatePipeline("timed", "  schedules: [{name: hourly, cron: '@hourly'}]\n");
  Await(kube::kPipelines, "timed", "a next time", [](const Json& o) {
    return o.value("status", Json::object()).value("nextScheduleTime", "") ==
           "2026-11-28T06:00:00Z";
  });
  wall_.Set("2026-11-28T06:00:01Z");
  Poke("timed");
  const std::string name =
      plan::ScheduledRunName("timed", "hourly", ParseTime("2026-11-28T06:00:00Z").value());
  const Json run = AwaitFinished(name);
  EXPECT_EQ(run["spec"]["scheduledTime"], "2026-11-28T06:00:00Z");
  Await(kube::kPipelines, "timed", "the time after that", [](const Json& o) {
    return o["status"].value("nextScheduleTime", "") == "2026-11-28T07:00:00Z";
  });
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", name, {}));
  StopEngine();
  StartEngine();
  wall_.Set("2026-11-28T06:30:00Z");
  Poke("timed");
  wall_.Set("2026-11-28T09:10:00Z");
  Poke("timed");
  AwaitFinished(
      plan::ScheduledRunName("timed", "hourly", ParseTime("2026-11-28T09:00:00Z").value()));
  EXPECT_THAT(Runs(), testing::ElementsAre(plan::ScheduledRunName(
                          "timed", "hourly", ParseTime("2026-11-28T09:00:00Z").value())))
      << "the newest of the missed ones, and none of a deleted run";
}

TEST_F(ScheduledEngine, RunsWhenAnotherPipelineHasPublishedSomethingNew) {
  StartEngine();
  CreatePipeline("raw", "  outputs: {table: $(steps.a.outputs.table)}\n");
  CreatePipeline("after", "  triggers: [{pipeline: raw, output: table}]\n");
  Await(kube::kPipelines, "after", "its trigger",
        [](const Json& o) { return o.value("status", Json::object()).contains("triggers"); });
  EXPECT_TRUE(Runs().empty());
  const Json published = {{"name", "table"},
                          {"type", "file"},
                          {"digest", "sha256:" + std::string(64, 'a')},
                          {"run", "elsewhere"}};
  ASSERT_TRUE(cluster_.MergePatch(kube::kPipelines, "team", "raw",
                                  {{"status", {{"outputs", Json::array({published})}}}},
                                  {.subresource = "status"}));
  ASSERT_TRUE(AwaitThat("a run", [&] { return Runs().size() == 1; }));
  const Json run = AwaitFinished(Runs().at(0));
  EXPECT_EQ(run["spec"]["pipelineRef"]["name"], "after");
  EXPECT_EQ(run["metadata"]["labels"]["penstock.dev/cause"], "Trigger");
}

// What the gateway makes of a delivery.
Json DeliveryOf(const Json& pipeline, const std::string& id, const std::string& rev,
                TimePoint now) {
  return plan::WebhookRun(api::DecodePipeline(pipeline).value, "push",
                          plan::DeliveryHash("hooked", "push", id), {{"rev", rev}}, now);
}

TEST_F(ScheduledEngine, LetsTheRunsOfDeliveriesBeginInTurnThroughARestart) {
  StartEngine();
  CreatePipeline("hooked",
                 "  parameters: [{name: rev}]\n"
                 "  historyLimits: {succeeded: 0}\n"
                 "  triggers: [{webhook: {name: push, secretRef: {name: hook}, parameters: {rev: "
                 "$(body.after)}}}]\n");
  const Json pipeline = Get(kube::kPipelines, "hooked");
  const auto deliver = [&](const std::string& id, const std::string& rev) {
    const Json run = DeliveryOf(pipeline, id, rev, wall_.Now());
    EXPECT_TRUE(cluster_.Create(kube::kPipelineRuns, "team", run, {}));
    return run["metadata"]["name"].get<std::string>();
  };
  const auto is_gone = [&](const std::string& name) {
    return !cluster_.Get(kube::kPipelineRuns, "team", name);
  };
  const std::string first = deliver("1", "one");
  ASSERT_TRUE(
      AwaitThat("the end of the first, which no limit keeps", [&] { return is_gone(first); }));
  EXPECT_EQ(Get(kube::kPipelines, "hooked")["status"]["triggers"],
            Json::array({{{"webhook", "push"},
                          {"deliveries", {plan::DeliveryHash("hooked", "push", "1")}}}}));
  Patch(kube::kPipelines, "hooked", {{"spec", {{"suspend", true}}}});
  const std::string second = deliver("2", "two");
  const Json waiting = Await(kube::kPipelineRuns, second, "that it waits",
                             [](const Json& o) { return ConditionOf(o, "Reconciling") == "True"; });
  EXPECT_EQ(waiting["spec"]["suspend"], true);
  EXPECT_EQ(waiting["status"].value("revision", ""), "") << "it is pinned when its turn comes";
  wall_.Set("2026-11-28T05:31:00Z");
  const std::string third = deliver("3", "three");
  ASSERT_TRUE(AwaitThat("that the newest takes its place", [&] { return is_gone(second); }));
  StopEngine();
  EXPECT_NE(log_.find("event MissedTrigger hooked: the delivery of the webhook push that was to be "
                      "the run " +
                      second + " is left out: a later delivery takes its place"),
            std::string::npos)
      << log_;
  StartEngine();
  Patch(kube::kPipelines, "hooked", {{"spec", {{"suspend", false}, {"historyLimits", nullptr}}}});
  const Json run = AwaitFinished(third);
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  EXPECT_EQ(run["spec"]["suspend"], false);
  EXPECT_EQ(run["spec"]["parameters"]["rev"], "three");
  EXPECT_FALSE(run["metadata"]["annotations"].contains("penstock.dev/waits-since"));
  EXPECT_EQ(Get(kube::kPipelines, "hooked")["status"]["triggers"][0]["deliveries"].size(), 3U);
}

}  // namespace
}  // namespace penstock::controllers
