#include "operator/plan/pipeline/pipeline_plan.h"

#include <gmock/gmock.h>

#include "operator/plan/pipeline/change_run.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;

class PlanPipelines : public ::testing::Test {
 protected:
  PlanPipelines() {
    o_.pipeline.meta.name = "flights";
    o_.pipeline.meta.namespace_ = "team";
    o_.pipeline.meta.uid = "p-uid";
    o_.pipeline.meta.generation = 1;
    Change("a");
  }

  void Change(const std::string& command) {
    const auto kept = o_.pipeline.spec;
    o_.pipeline.spec = Spec("steps:\n- {name: s, container: {image: i, command: [" + command +
                            "]}, outputs: [{name: model, type: model}]}\n"
                            "outputs: {model: $(steps.s.outputs.model)}\n");
    o_.pipeline.spec.concurrency = kept.concurrency;
    o_.pipeline.spec.history_limits = kept.history_limits;
    o_.pipeline.spec.suspend = kept.suspend;
  }

  // Plans, applies the actions, keeps the status. What was done, in words.
  std::vector<std::string> Step() {
    plan_ = PlanPipeline(o_, now_);
    o_.pipeline.status = plan_.status;
    std::vector<std::string> did;
    for (const auto& action : plan_.actions) {
      if (const auto* create = std::get_if<CreateRun>(&action)) {
        did.push_back("create " + create->name);
        if (!o_.refusals.empty()) continue;
        auto run = api::DecodePipelineRun(create->run);
        EXPECT_TRUE(run.errors.empty()) << api::Describe(run.errors);
        run.value.meta.uid = "uid-" + create->name;
        run.value.meta.created = now_;
        o_.runs.push_back(run.value);
      } else if (const auto* cancel = std::get_if<CancelRun>(&action)) {
        did.push_back("cancel " + cancel->name);
        Run(cancel->name).spec.cancel = api::CancelMode::kNow;
      } else if (const auto* label = std::get_if<LabelRun>(&action)) {
        did.push_back("label " + label->name);
        Run(label->name).meta.labels[kLabelPipeline] = o_.pipeline.meta.name;
      } else {
        const auto& gone = std::get<DeleteRun>(action);
        did.push_back("delete " + gone.name);
        std::erase_if(o_.runs, [&](const auto& r) { return r.meta.name == gone.name; });
      }
    }
    now_ += 1s;
    return did;
  }

  void ByHand(const std::string& name) {
    api::PipelineRun run;
    run.meta.name = name;
    run.meta.created = now_;
    o_.runs.push_back(run);
  }

  api::PipelineRun& Run(const std::string& name) {
    for (auto& r : o_.runs)
      if (r.meta.name == name) return r;
    ADD_FAILURE() << "no run " << name;
    return o_.runs.emplace_back();
  }
  std::string Hash() const { return RunHash(o_.pipeline.spec); }
  std::string First() const { return RunName("flights", Hash(), 1); }

  void End(const std::string& name, bool good, const std::string& reason, char digest = 0) {
    auto& run = Run(name);
    using api::ConditionStatus;
    const auto set = [&](const char* type, bool yes) {
      api::SetCondition(
          run.status.conditions,
          {type, yes ? ConditionStatus::kTrue : ConditionStatus::kFalse, reason, "", 1, {}}, now_);
    };
    set("Finished", true);
    set("Succeeded", good);
    run.status.finish_time = now_;
    if (digest != 0)
      run.status.outputs = {{"model", "model", Digest(digest), true, 1, run.meta.name}};
  }
  std::string Is(const char* type) const {
    const auto* c = api::FindCondition(plan_.status.conditions, type);
    if (c == nullptr) return "absent";
    return std::string(c->status == api::ConditionStatus::kTrue ? "True" : "False") + " " +
           c->reason;
  }

  PipelineObserved o_;
  PipelinePlan plan_;
  TimePoint now_ = kNoon;
};

TEST_F(PlanPipelines, AChangeStartsOneRunNamedByWhatWouldRun) {
  EXPECT_THAT(Step(), ElementsAre("create " + First()));
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(o_.runs[0].meta.owners[0].uid, "p-uid");
  EXPECT_EQ(plan_.status.observed_run_hash, Hash());
  EXPECT_EQ(Is("Ready"), "True Valid");
}

TEST_F(PlanPipelines, ARunSaysWhoChangedThePipelineLast) {
  o_.pipeline.meta.annotations["penstock.dev/submitted-by"] = "alice";
  Step();
  EXPECT_EQ(o_.runs[0].meta.annotations.at("penstock.dev/submitted-by"), "alice");
}

TEST_F(PlanPipelines, ADescriptionStartsNothing) {
  Step();
  o_.pipeline.spec.description = "new words";
  EXPECT_THAT(Step(), ElementsAre());
}

TEST_F(PlanPipelines, ARestoredClusterAdoptsTheRunItFinds) {
  Step();
  End(First(), true, "Succeeded", 'a');
  o_.pipeline.status = {};
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(plan_.status.observed_run_hash, Hash());
  EXPECT_EQ(plan_.status.outputs[0].digest, Digest('a'));
}

TEST_F(PlanPipelines, ARunThatSomebodyDeletedDoesNotComeBack) {
  Step();
  Step();
  o_.runs.clear();
  EXPECT_THAT(Step(), ElementsAre());
}

TEST_F(PlanPipelines, OfTwoRunsOfOneSecondAndHashTheGreaterNumberIsTheLatest) {
  std::vector<api::PipelineRun> runs(3);
  const int numbers[] = {10, 9, 2};
  std::vector<const api::PipelineRun*> sorted;
  for (int i = 0; i < 3; ++i) {
    runs[i].meta.name = RunName("flights", Hash(), numbers[i]);
    runs[i].meta.created = now_;
    runs[i].meta.labels = {{kLabelRunHash, Hash()}, {kLabelCause, "Change"}};
    runs[i].spec.pipeline_ref = "flights";
    sorted.push_back(&runs[i]);
  }
  SortAsAskedFor(sorted, Hash());
  EXPECT_THAT(sorted, ElementsAre(&runs[2], &runs[1], &runs[0]));
}

TEST_F(PlanPipelines, ACreationThatFailedIsTriedAgain) {
  o_.refusals = {{RunObject(First()), {ErrorKind::kQuota, "exceeded quota: runs"}}};
  EXPECT_EQ(Step().size(), 1u);
  EXPECT_EQ(Is("Reconciling"), "True QuotaExceeded");
  EXPECT_EQ(plan_.requeue_after, 10'000ms);
  EXPECT_EQ(plan_.status.last_run, std::nullopt) << "it was not created";
  EXPECT_TRUE(plan_.events.empty());
  EXPECT_EQ(Step().size(), 1u);
  o_.refusals.clear();
  EXPECT_EQ(Step().size(), 1u);
  EXPECT_EQ(o_.runs.size(), 1u);
}

TEST_F(PlanPipelines, AChangeBackHasANameOfItsOwnWhileItsOldRunIsBeingDeleted) {
  Step();
  ASSERT_EQ(o_.runs.at(0).meta.name, First());
  const std::string first = First();
  o_.runs[0].meta.deleted = now_;
  o_.pipeline.status.observed_run_hash = "of-another";
  EXPECT_THAT(Step(), ElementsAre("create " + first.substr(0, first.size() - 1) + "2"));
}

TEST_F(PlanPipelines, QueueWaitsForTheRunBeforeAndTheLatestChangeWins) {
  Step();
  const auto first = First();
  Change("b");
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Ready"), "True Waiting");
  Change("c");
  EXPECT_THAT(Step(), ElementsAre());
  End(first, true, "Succeeded", 'a');
  EXPECT_THAT(Step(), ElementsAre("create " + First()));
  EXPECT_EQ(o_.runs.size(), 2u);
}

TEST_F(PlanPipelines, AChangeTakenBackWhileItWaitedStartsNothing) {
  Step();
  const auto first = First();
  Change("b");
  Step();
  Change("a");
  End(first, true, "Succeeded");
  EXPECT_THAT(Step(), ElementsAre());
}

TEST_F(PlanPipelines, AChangeBackToAnEarlierSpecIsASecondRunOfItsHash) {
  Step();
  const auto hash = Hash();
  End(First(), true, "Succeeded");
  Change("b");
  Step();
  End(First(), true, "Succeeded");
  Change("a");
  EXPECT_THAT(Step(), ElementsAre("create " + RunName("flights", hash, 2)));
}

TEST_F(PlanPipelines, ForbidLeavesTheChangeOut) {
  o_.pipeline.spec.concurrency.policy = api::ConcurrencyPolicy::kForbid;
  Step();
  const auto first = First();
  Change("b");
  EXPECT_THAT(Step(), ElementsAre());
  End(first, true, "Succeeded");
  EXPECT_THAT(Step(), ElementsAre());
}

TEST_F(PlanPipelines, AllowStartsAtOnce) {
  o_.pipeline.spec.concurrency.policy = api::ConcurrencyPolicy::kAllow;
  Step();
  Change("b");
  EXPECT_THAT(Step(), ElementsAre("create " + First()));
  EXPECT_EQ(plan_.status.active_runs, 2);
}

TEST_F(PlanPipelines, ReplaceCancelsTheRunBeforeAndThenStarts) {
  o_.pipeline.spec.concurrency.policy = api::ConcurrencyPolicy::kReplace;
  Step();
  const auto first = First();
  Change("b");
  EXPECT_THAT(Step(), ElementsAre("cancel " + first));
  EXPECT_THAT(Step(), ElementsAre());
  End(first, false, "Cancelled");
  EXPECT_THAT(Step(), ElementsAre("create " + First()));
}

TEST_F(PlanPipelines, SuspendAndManualStartNothing) {
  o_.pipeline.spec.suspend = true;
  EXPECT_THAT(Step(), ElementsAre());
  o_.pipeline.spec.suspend = false;
  o_.pipeline.spec.run_policy = api::RunPolicy::kManual;
  EXPECT_THAT(Step(), ElementsAre());
}

TEST_F(PlanPipelines, AnInvalidSpecStallsAndKeepsWhatWasPublished) {
  Step();
  End(First(), true, "Succeeded", 'a');
  Step();
  o_.spec_errors = {{"spec.steps[0]", "is wrong"}};
  Change("b");
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Stalled"), "True InvalidSpec");
  EXPECT_EQ(Is("Ready"), "False InvalidSpec");
  EXPECT_EQ(plan_.status.outputs[0].digest, Digest('a'));
  EXPECT_EQ(plan_.events.size(), 1u);
  Step();
  EXPECT_TRUE(plan_.events.empty());
}

TEST_F(PlanPipelines, AFailedRunLeavesThePipelineReady) {
  Step();
  End(First(), false, "StepFailed");
  Step();
  EXPECT_EQ(Is("Ready"), "True Valid");
  EXPECT_EQ(Is("LastRunSucceeded"), "False StepFailed");
  EXPECT_EQ(plan_.status.last_run->outcome, "Failed");
}

TEST_F(PlanPipelines, PublishesOfTheNewestByLogicalTimeAndNotByCompletion) {
  o_.pipeline.spec.concurrency.policy = api::ConcurrencyPolicy::kAllow;
  Step();
  const auto first = First();
  Change("b");
  Step();
  End(First(), true, "Succeeded", 'b');
  Step();
  EXPECT_EQ(plan_.status.outputs[0].digest, Digest('b'));
  End(first, true, "Succeeded", 'a');
  Step();
  EXPECT_EQ(plan_.status.outputs[0].digest, Digest('b'));
}

TEST_F(PlanPipelines, ARunWithoutTheOutputKeepsTheLastDigest) {
  Step();
  End(First(), true, "Succeeded", 'a');
  Step();
  Change("b");
  Step();
  End(First(), true, "Succeeded");
  Step();
  EXPECT_EQ(plan_.status.outputs[0].digest, Digest('a'));
}

TEST_F(PlanPipelines, ARunByHandPublishesLikeOthers) {
  o_.pipeline.spec.run_policy = api::RunPolicy::kManual;
  Step();
  ByHand("by-hand");
  End("by-hand", true, "Succeeded", 'z');
  Step();
  EXPECT_EQ(plan_.status.outputs.at(0).digest, Digest('z'));
  EXPECT_EQ(plan_.status.outputs.at(0).run, "by-hand");
  EXPECT_EQ(plan_.status.last_run->name, "by-hand");
}

TEST_F(PlanPipelines, ARunByHandGetsThePipelinesLabelOnce) {
  Step();
  ByHand("by-hand");
  EXPECT_THAT(Step(), ElementsAre("label by-hand"));
  EXPECT_THAT(Step(), ElementsAre());
}

TEST_F(PlanPipelines, ARunThatIsNotToPublishPublishesNothing) {
  Step();
  End(First(), true, "Succeeded", 'a');
  ByHand("by-hand");
  Run("by-hand").spec.publish = false;
  End("by-hand", true, "Succeeded", 'z');
  Step();
  EXPECT_EQ(plan_.status.outputs.at(0).digest, Digest('a'));
}

TEST_F(PlanPipelines, AnOlderRunByHandThatEndsLaterPublishesNothing) {
  ByHand("by-hand");
  now_ += 1s;
  Step();
  End(First(), true, "Succeeded", 'a');
  Step();
  End("by-hand", true, "Succeeded", 'z');
  Step();
  EXPECT_EQ(plan_.status.outputs.at(0).digest, Digest('a'));
}

TEST_F(PlanPipelines, WhatADeletedRunPublishedDoesNotGoBackToAnOlderRuns) {
  Step();
  End(First(), true, "Succeeded", 'a');
  ByHand("by-hand");
  End("by-hand", true, "Succeeded", 'z');
  Step();
  std::erase_if(o_.runs, [](const auto& r) { return r.meta.name == "by-hand"; });
  Step();
  Step();
  EXPECT_EQ(plan_.status.outputs.at(0).digest, Digest('z'));
  ByHand("again");
  End("again", true, "Succeeded", 'y');
  Step();
  EXPECT_EQ(plan_.status.outputs.at(0).digest, Digest('y'));
}

TEST_F(PlanPipelines, KeepsTheHistoryWithinItsLimitsAndLeavesRunsByHand) {
  o_.pipeline.spec.history_limits.succeeded = 1;
  for (const char* command : {"a", "b", "c"}) {
    Change(command);
    Step();
    End(First(), true, "Succeeded", command[0]);
    Step();
    Step();
  }
  api::PipelineRun run;
  run.meta.name = "by-hand";
  o_.runs.push_back(run);
  End("by-hand", true, "Succeeded");
  Step();
  std::vector<std::string> names;
  for (const auto& r : o_.runs) names.push_back(r.meta.name);
  EXPECT_THAT(names, ElementsAre(First(), "by-hand"));
  EXPECT_EQ(plan_.status.outputs[0].digest, Digest('c'));
}

TEST_F(PlanPipelines, AHistoryOfNoneDoesNotRunTheSameAgain) {
  o_.pipeline.spec.history_limits.succeeded = 0;
  Step();
  End(First(), true, "Succeeded", 'a');
  Step();
  Step();
  EXPECT_TRUE(o_.runs.empty());
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(plan_.status.outputs[0].digest, Digest('a'));
}

}  // namespace
}  // namespace penstock::plan
