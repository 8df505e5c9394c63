// Schedules and triggers of a Pipeline, on a cluster in memory; the time of day is the tests' own.
#include <gmock/gmock.h>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/scheduled_run.h"

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

}  // namespace
}  // namespace penstock::controllers
