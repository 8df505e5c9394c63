// A Pipeline with schedules that is visited at times of the test's choice.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "operator/plan/pipeline/pipeline_plan.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {

inline TimePoint At(const std::string& text) { return ParseTime(text).value(); }

class ScheduledPipeline : public ::testing::Test {
 protected:
  ScheduledPipeline() {
    o_.pipeline.meta.name = "flights";
    o_.pipeline.meta.namespace_ = "team";
    o_.pipeline.meta.uid = "p-uid";
    o_.pipeline.meta.generation = 1;
    SetSpec("schedules: [{name: hourly, cron: '@hourly'}]\n");
  }

  void SetSpec(const std::string& yaml) {
    o_.pipeline.spec = Spec("runPolicy: Manual\n" + yaml +
                            "steps:\n- {name: s, container: {image: i, command: [a]}}\n");
  }
  api::PipelineSpec& spec() { return o_.pipeline.spec; }

  // Plans at a time and does what the plan says. The times of the runs that were made.
  std::vector<std::string> Visit(const std::string& at) { return VisitAt(At(at)); }
  std::vector<std::string> VisitAt(TimePoint at, bool write_status = true) {
    plan_ = PlanPipeline(o_, at);
    std::vector<std::string> made;
    for (const auto& action : plan_.actions) {
      if (const auto* create = std::get_if<CreateRun>(&action)) {
        if (!o_.refusals.empty()) continue;
        auto run = api::DecodePipelineRun(create->run);
        EXPECT_TRUE(run.errors.empty()) << api::Describe(run.errors);
        const bool there = std::any_of(o_.runs.begin(), o_.runs.end(),
                                       [&](const auto& r) { return r.meta.name == create->name; });
        if (there) continue;  // AlreadyExists
        run.value.meta.created = WholeSeconds(at);
        o_.runs.push_back(run.value);
        made.push_back(run.value.spec.scheduled_time
                           ? FormatTime(*run.value.spec.scheduled_time).substr(11, 5)
                           : create->name);
      } else if (const auto* gone = std::get_if<DeleteRun>(&action)) {
        std::erase_if(o_.runs, [&](const auto& r) { return r.meta.name == gone->name; });
      } else if (const auto* cancel = std::get_if<CancelRun>(&action)) {
        cancelled_.push_back(cancel->name);
      }
    }
    if (write_status) o_.pipeline.status = plan_.status;
    return made;
  }

  static void End(api::PipelineRun& run, TimePoint at) {
    for (const char* type : {"Finished", "Succeeded"})
      api::SetCondition(run.status.conditions,
                        {type, api::ConditionStatus::kTrue, "Succeeded", "", 1, {}}, at);
    run.status.finish_time = at;
  }
  void EndAll(const std::string& at) {
    for (auto& run : o_.runs) End(run, At(at));
  }
  std::string Events() const {
    std::string all;
    for (const auto& e : plan_.events) all += e.type + " " + e.reason + ": " + e.message + "\n";
    return all;
  }
  const api::ScheduleStatus& Status() const { return o_.pipeline.status.schedules.at(0); }

  PipelineObserved o_;
  PipelinePlan plan_;
  std::vector<std::string> cancelled_;
};

}  // namespace penstock::plan
