// A Pipeline to whose webhooks deliveries come.
#include <gmock/gmock.h>

#include "operator/plan/pipeline/pipeline_plan.h"
#include "operator/plan/pipeline/webhook_plan.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HookedPipeline : public ::testing::Test {
 protected:
  HookedPipeline() {
    o_.pipeline.meta.name = "flights";
    o_.pipeline.meta.namespace_ = "team";
    o_.pipeline.meta.uid = "p-uid";
    o_.pipeline.meta.generation = 1;
    SetSpec("");
  }
  void SetSpec(const std::string& yaml, const std::string& of_push = "") {
    o_.pipeline.spec = Spec(
        "runPolicy: Manual\ntriggers:\n- {webhook: {name: push, secretRef: "
        "{name: hook}}" +
        of_push + "}\n- {webhook: {name: tag, secretRef: {name: hook}}}\n" + yaml +
        "steps:\n- {name: s, container: {image: i, command: [a]}}\n");
  }

  // What the gateway makes of one; gives the run's name.
  std::string Deliver(const std::string& id, const std::string& trigger = "push") {
    const std::string hash = DeliveryHash("flights", trigger, id);
    auto run = api::DecodePipelineRun(WebhookRun(o_.pipeline, trigger, hash, {}, now_));
    EXPECT_TRUE(run.errors.empty()) << api::Describe(run.errors);
    run.value.meta.created = WholeSeconds(now_);
    run.value.meta.uid = "u-" + hash;
    o_.runs.push_back(run.value);
    now_ += 1ms;
    return run.value.meta.name;
  }
  // One visit, with its actions done and its status written; the runs that began.
  std::vector<std::string> Visit() {
    plan_ = PlanPipeline(o_, now_);
    std::vector<std::string> begun;
    for (const auto& action : plan_.actions) {
      if (const auto* release = std::get_if<ReleaseRun>(&action)) {
        Run(release->name).spec.suspend = false;
        Run(release->name).meta.annotations.erase(kWaitsSince);
        begun.push_back(release->name);
      } else if (const auto* cancel = std::get_if<CancelRun>(&action)) {
        Run(cancel->name).spec.cancel = api::CancelMode::kNow;
      } else if (const auto* gone = std::get_if<DeleteRun>(&action)) {
        deleted_.push_back(gone->name);
        if (!gone->told.empty()) events_.push_back("MissedTrigger: " + gone->told);
        std::erase_if(o_.runs, [&](const auto& r) { return r.meta.name == gone->name; });
      } else {
        ADD_FAILURE() << "another action";
      }
    }
    for (const RunEvent& e : plan_.events)
      if (api::Encode(plan_.status) != api::Encode(o_.pipeline.status))
        events_.push_back(e.reason + ": " + e.message);
    o_.pipeline.status = plan_.status;
    now_ += 1s;
    return begun;
  }
  std::vector<std::string> Visits() {
    std::vector<std::string> begun;
    for (int i = 0; i < 4; ++i)
      for (const std::string& name : Visit()) begun.push_back(name);
    return begun;
  }
  api::PipelineRun& Run(const std::string& name) {
    for (auto& run : o_.runs)
      if (run.meta.name == name) return run;
    ADD_FAILURE() << "no run " << name;
    return o_.runs.front();
  }
  void End(const std::string& name) {
    for (const char* type : {"Finished", "Succeeded"})
      api::SetCondition(Run(name).status.conditions,
                        {type, api::ConditionStatus::kTrue, "Succeeded", "", 1, {}}, now_);
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& run : o_.runs) names.push_back(run.meta.name);
    return names;
  }

  PipelineObserved o_;
  PipelinePlan plan_;
  TimePoint now_ = kNoon;
  std::vector<std::string> deleted_, events_;
};

TEST_F(HookedPipeline, LetsADeliverysRunBeginAndRemembersIt) {
  const std::string name = Deliver("1");
  EXPECT_THAT(Visit(), ElementsAre(name));
  EXPECT_EQ(plan_.status.last_run->name, name);
  EXPECT_EQ(plan_.status.active_runs, 1);
  EXPECT_THAT(events_, ElementsAre("RunStarted: the run " + name + " of a webhook begins"));
  ASSERT_EQ(plan_.status.triggers.size(), 2U);
  EXPECT_EQ(plan_.status.triggers[0].webhook, "push");
  EXPECT_THAT(plan_.status.triggers[0].deliveries,
              ElementsAre(DeliveryHash("flights", "push", "1")));
  EXPECT_THAT(plan_.status.triggers[1].deliveries, IsEmpty());
  EXPECT_THAT(Visits(), IsEmpty());
}

TEST_F(HookedPipeline, OfThoseThatWaitForAPlaceTheNewestTakesIt) {
  const std::string first = Deliver("1"), second = Deliver("2"), third = Deliver("3"),
                    tag = Deliver("4", "tag");
  EXPECT_THAT(Visits(), ElementsAre(first));
  EXPECT_THAT(deleted_, ElementsAre(second));
  EXPECT_THAT(events_, testing::Contains(HasSubstr("MissedTrigger: the delivery of the webhook "
                                                   "push that was to be the run " +
                                                   second + " is left out: a later delivery")));
  EXPECT_THAT(api::FindCondition(plan_.status.conditions, "Ready")->message,
              HasSubstr("the delivery of the webhook push waits for the end of the run before"));
  EXPECT_EQ(plan_.status.active_runs, 1) << "what waits has not begun";
  EXPECT_EQ(plan_.status.last_run->name, first);
  End(first);
  EXPECT_THAT(Visits(), ElementsAre(third));
  End(third);
  EXPECT_THAT(Visits(), ElementsAre(tag)) << "another webhook's deliveries are its own";
}

TEST_F(HookedPipeline, DeletesNoRunBeforeTheStatusRemembersItsDelivery) {
  Deliver("1"), Deliver("2"), Deliver("3");
  o_.pipeline.spec.suspend = true;
  Visit();
  EXPECT_THAT(deleted_, IsEmpty()) << "the same delivery could come again between";
  Visit();
  EXPECT_EQ(deleted_.size(), 2U);
  EXPECT_EQ(plan_.status.triggers[0].deliveries.size(), 3U);
}

TEST_F(HookedPipeline, StartsEachWhereAllMayGoOn) {
  SetSpec("concurrency: {policy: Allow}\n");
  const std::string first = Deliver("1"), second = Deliver("2");
  EXPECT_THAT(Visits(), ElementsAre(first, second));
}

TEST_F(HookedPipeline, TakesAsManyAsThereArePlaces) {
  SetSpec("concurrency: {policy: Queue, max: 2}\n");
  const std::string first = Deliver("1"), second = Deliver("2"), third = Deliver("3");
  EXPECT_THAT(Visits(), ElementsAre(first, second));
  EXPECT_THAT(deleted_, IsEmpty());
  EXPECT_THAT(Names(), ElementsAre(first, second, third));
}

TEST_F(HookedPipeline, LeavesADeliveryOutWhereNothingMayWait) {
  SetSpec("concurrency: {policy: Forbid}\n");
  const std::string first = Deliver("1");
  EXPECT_THAT(Visits(), ElementsAre(first));
  const std::string second = Deliver("2");
  EXPECT_THAT(Visits(), IsEmpty());
  EXPECT_THAT(deleted_, ElementsAre(second));
  EXPECT_THAT(events_, testing::Contains(HasSubstr("a run is going on (concurrency policy "
                                                   "Forbid)")));
}

TEST_F(HookedPipeline, ReplacesTheRunBefore) {
  SetSpec("concurrency: {policy: Replace}\n");
  const std::string first = Deliver("1");
  EXPECT_THAT(Visits(), ElementsAre(first));
  const std::string second = Deliver("2"), third = Deliver("3");
  EXPECT_THAT(Visits(), IsEmpty()) << "the run before ends first";
  EXPECT_EQ(Run(first).spec.cancel, api::CancelMode::kNow);
  EXPECT_EQ(Run(third).spec.cancel, api::CancelMode::kNone) << "what waits is not cancelled";
  EXPECT_THAT(deleted_, ElementsAre(second));
  End(first);
  EXPECT_THAT(Visits(), ElementsAre(third));
}

TEST_F(HookedPipeline, WaitsUntilNoOtherDeliveryHasComeForSoLong) {
  SetSpec("", ", debounce: 1m");
  const std::string first = Deliver("1");
  EXPECT_THAT(Visits(), IsEmpty());
  ASSERT_TRUE(plan_.requeue_after);
  EXPECT_LE(*plan_.requeue_after, 60s);
  now_ += 40s;
  const std::string second = Deliver("2");
  EXPECT_THAT(Visits(), IsEmpty());
  EXPECT_THAT(deleted_, ElementsAre(first));
  now_ += 30s;
  EXPECT_THAT(Visits(), IsEmpty()) << "the other came 34 s ago";
  now_ += 30s;
  EXPECT_THAT(Visits(), ElementsAre(second));
}

TEST_F(HookedPipeline, TellsOnceOfADeliveryThatIsLeftOutAfterItsStatusWasWritten) {
  SetSpec("concurrency: {policy: Forbid}\n", ", debounce: 1m");
  const std::string tag = Deliver("1", "tag");
  EXPECT_THAT(Visits(), ElementsAre(tag));
  const std::string second = Deliver("2");
  EXPECT_THAT(Visits(), IsEmpty());
  EXPECT_THAT(deleted_, IsEmpty()) << "its debounce goes on, and the status remembers it";
  events_.clear();
  now_ += 60s;
  EXPECT_THAT(Visits(), IsEmpty());
  EXPECT_THAT(deleted_, ElementsAre(second));
  EXPECT_THAT(events_,
              ElementsAre("MissedTrigger: the delivery of the webhook push that was to be "
                          "the run " +
                          second + " is left out: a run is going on (concurrency policy Forbid)"));
}

TEST_F(HookedPipeline, ADeliveryOfATimeToComeIsOfAClockThatWentBack) {
  SetSpec("", ", debounce: 1m");
  const std::string name = Deliver("1");
  now_ -= 24h * 365;
  EXPECT_THAT(Visits(), ElementsAre(name));
}

TEST_F(HookedPipeline, KeepsTheNewestWhileItIsSuspended) {
  o_.pipeline.spec.suspend = true;
  const std::string first = Deliver("1"), second = Deliver("2");
  EXPECT_THAT(Visits(), IsEmpty());
  EXPECT_THAT(Names(), ElementsAre(second));
  o_.pipeline.spec.suspend = false;
  EXPECT_THAT(Visits(), ElementsAre(second));
}

TEST_F(HookedPipeline, LeavesOutWhatWaitsForATriggerThatIsGone) {
  o_.pipeline.spec.suspend = true;
  const std::string name = Deliver("1");
  Visits();
  o_.pipeline.spec.triggers.erase(o_.pipeline.spec.triggers.begin());
  Visits();
  EXPECT_THAT(deleted_, ElementsAre(name));
  EXPECT_THAT(events_, testing::Contains(HasSubstr("no such trigger any more")));
}

TEST_F(HookedPipeline, LetsARunThatSomebodySuspendedLaterBe) {
  const std::string name = Deliver("1");
  EXPECT_THAT(Visits(), ElementsAre(name));
  Run(name).spec.suspend = true;
  EXPECT_THAT(Visits(), IsEmpty());
  EXPECT_EQ(plan_.status.active_runs, 1);
}

TEST_F(HookedPipeline, LetsARunThatSomebodyBeganByHandAndPausedBe) {
  o_.pipeline.spec.suspend = true;
  const std::string name = Deliver("1");
  EXPECT_THAT(Visits(), IsEmpty());
  Run(name).status.revision = "flights-1";  // suspend was false for a while; then true again
  ASSERT_TRUE(Run(name).meta.annotations.contains(kWaitsSince));
  const std::string second = Deliver("2"), third = Deliver("3");
  EXPECT_THAT(Visits(), IsEmpty());
  EXPECT_THAT(Names(), ElementsAre(name, third)) << "it is in mid-work: it takes no later's place";
  EXPECT_EQ(plan_.status.active_runs, 1);
  o_.pipeline.spec.suspend = false;
  EXPECT_THAT(Visits(), IsEmpty()) << "it was resumed, or another began beside it";
  EXPECT_TRUE(Run(name).spec.suspend);
}

TEST_F(HookedPipeline, RemembersTheLastHundredDeliveries) {
  SetSpec("concurrency: {policy: Allow}\nhistoryLimits: {succeeded: 0}\n");
  std::vector<std::string> names;
  for (int i = 0; i < 110; ++i) names.push_back(Deliver(std::to_string(i)));
  EXPECT_EQ(Visits().size(), 110U) << "fifty a visit";
  for (const std::string& name : names) End(name);
  Visits();
  EXPECT_THAT(Names(), IsEmpty());
  const auto& known = plan_.status.triggers[0].deliveries;
  EXPECT_EQ(known.size(), 100U);
  EXPECT_EQ(known.back(), DeliveryHash("flights", "push", "109"));
  EXPECT_TRUE(WasTaken(plan_.status.triggers, "push", DeliveryHash("flights", "push", "10")));
  EXPECT_FALSE(WasTaken(plan_.status.triggers, "push", DeliveryHash("flights", "push", "9")));
}

TEST_F(HookedPipeline, CountsWithRunsOfOtherCauses) {
  SetSpec("concurrency: {policy: Queue, max: 1}\n");
  const std::string first = Deliver("1");
  EXPECT_THAT(Visits(), ElementsAre(first));
  o_.pipeline.spec.run_policy = api::RunPolicy::kOnChange;
  EXPECT_THAT(Visits(), IsEmpty()) << "the change waits for the end of the webhook's run";
}

}  // namespace
}  // namespace penstock::plan
