#include "operator/plan/pipeline/registration_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/codec.h"
#include "operator/plan/pipeline/pipeline_plan.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class PlanRegistration : public testing::Test {
 protected:
  PlanRegistration() {
    o_.pipeline.meta.name = "flights";
    o_.pipeline.meta.namespace_ = "team";
    o_.pipeline.meta.uid = "p-uid";
    o_.pipeline.spec = Spec(
        "{runPolicy: Manual, steps: [{name: train, container: {image: a, command: [b]}, outputs: "
        "[{name: m}]}], outputs: {model: $(steps.train.outputs.m)}, registers: [{model: late, "
        "output: model}]}");
  }

  // A run that published `digest`, after those before it.
  void Publish(const std::string& name, char digest) {
    api::PipelineRun run;
    run.meta.name = name;
    run.meta.uid = name + "-uid";
    run.meta.labels[kLabelPipeline] = "flights";
    run.meta.created = now_ += Milliseconds(60'000);
    run.spec.pipeline_ref = "flights";
    run.status.finish_time = now_;
    run.status.outputs = {{"model", "model", Digest(digest), true, 10, name}};
    run.status.conditions = {{"Succeeded", api::ConditionStatus::kTrue, "Succeeded", "", 1, now_},
                             {"Finished", api::ConditionStatus::kTrue, "Succeeded", "", 1, now_}};
    o_.runs.push_back(run);
  }
  // What the operator does in one visit; the registry is `registry_`.
  PipelinePlan Visit() {
    o_.versions.clear();
    o_.stories.clear();
    PipelinePlan plan = PlanPipeline(o_, now_);
    for (const RegistryQuestion& question : plan.questions) {
      o_.versions[question.model] = registry_;
      o_.stories[question.run].verdict = "Blessed";
    }
    if (!plan.questions.empty()) plan = PlanPipeline(o_, now_);
    return plan;
  }
  static std::vector<RegisterVersion> Made(const PipelinePlan& plan) {
    std::vector<RegisterVersion> made;
    for (const auto& action : plan.actions)
      if (const auto* version = std::get_if<RegisterVersion>(&action)) made.push_back(*version);
    return made;
  }
  // Visits until nothing is registered any more.
  void Settle() {
    for (int i = 0; i < 5; ++i) {
      const PipelinePlan plan = Visit();
      for (const auto& made : Made(plan)) registry_.push_back(made.version);
      o_.pipeline.status = plan.status;
    }
  }

  PipelineObserved o_;
  std::vector<api::RegisteredVersion> registry_;
  TimePoint now_ = kNoon;
};

TEST_F(PlanRegistration, WhatIsPublishedIsTheNextVersionWithWhatItsRunSays) {
  registry_.emplace_back().spec.version = 4;
  Publish("r1", 'a');
  const auto made = Made(Visit());
  ASSERT_THAT(made, SizeIs(1));
  EXPECT_EQ(made[0].name, "late-v5");
  const auto& spec = made[0].version.spec;
  EXPECT_EQ(spec.model, "late");
  EXPECT_EQ(spec.digest, Digest('a'));
  EXPECT_EQ(spec.run, "r1");
  EXPECT_EQ(spec.verdict, "Blessed");
  EXPECT_TRUE(spec.folder);
  EXPECT_EQ(spec.bytes, 10U);
}

TEST_F(PlanRegistration, EachContentIsRegisteredOnceWhateverIsLost) {
  Publish("r1", 'a');
  for (const auto& made : Made(Visit())) registry_.push_back(made.version);
  EXPECT_THAT(Made(Visit()), IsEmpty());  // the answer and the status were lost
  Settle();
  EXPECT_THAT(registry_, SizeIs(1));
  ASSERT_THAT(o_.pipeline.status.registered, SizeIs(1));
  EXPECT_EQ(o_.pipeline.status.registered[0].version, 1);
  EXPECT_THAT(Visit().questions, IsEmpty());  // and nobody is asked any more
  Publish("r2", 'a');                         // the same bytes
  Settle();
  EXPECT_THAT(registry_, SizeIs(1));
  Publish("r3", 'b');
  Settle();
  ASSERT_THAT(registry_, SizeIs(2));
  EXPECT_EQ(registry_[1].spec.version, 2);
  Publish("r4", 'a');  // back again
  Settle();
  EXPECT_THAT(registry_, SizeIs(2));
  EXPECT_EQ(o_.pipeline.status.registered[0].version, 1);
}

TEST_F(PlanRegistration, AVersionThatSomebodyDeletedIsNotMadeAgain) {
  Publish("r1", 'a');
  Settle();
  registry_.clear();
  Settle();
  EXPECT_THAT(registry_, IsEmpty());
}

TEST_F(PlanRegistration, AVersionFromAUriIsAnotherThing) {
  auto& spec = registry_.emplace_back().spec;
  spec.version = 1;
  spec.digest = Digest('a');
  spec.source = "https://h/m@" + spec.digest;
  Publish("r1", 'a');
  EXPECT_THAT(Made(Visit()), SizeIs(1));
}

TEST_F(PlanRegistration, TheRunIsKeptUntilItIsRegistered) {
  o_.pipeline.spec.history_limits.succeeded = 0;
  Publish("r1", 'a');
  auto& owner = o_.runs[0].meta.owners.emplace_back();
  owner.kind = "Pipeline";
  owner.name = "flights";
  owner.uid = "p-uid";
  const auto deletes = [&](const PipelinePlan& plan) {
    return std::count_if(plan.actions.begin(), plan.actions.end(), [](const auto& action) {
      return std::holds_alternative<DeleteRun>(action);
    });
  };
  const PipelinePlan first = PlanPipeline(o_, now_);
  ASSERT_THAT(first.questions, SizeIs(1));
  o_.pipeline.status.outputs = first.status.outputs;
  EXPECT_EQ(deletes(PlanPipeline(o_, now_)), 0);  // the registry does not answer
  Settle();
  EXPECT_EQ(deletes(Visit()), 1);
}

TEST_F(PlanRegistration, ARefusalIsToldAndRunsGoOn) {
  Publish("r1", 'a');
  o_.refusals.push_back({"ModelVersion late-v1", {ErrorKind::kForbidden, "may not create"}});
  const PipelinePlan plan = Visit();
  const auto* ready = api::FindCondition(plan.status.conditions, "Ready");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->status, api::ConditionStatus::kTrue);
  EXPECT_THAT(ready->message, HasSubstr("ModelVersion late-v1: may not create"));
  EXPECT_THAT(plan.status.outputs, SizeIs(1));
}

TEST_F(PlanRegistration, ARunWithASpecOfItsOwnRegistersNothingAndIsTold) {
  const auto run =
      api::DecodePipelineRun({{"apiVersion", api::kApiVersion},
                              {"kind", "PipelineRun"},
                              {"metadata", {{"name", "r"}, {"namespace", "team"}}},
                              {"spec", {{"pipelineSpec", api::Encode(o_.pipeline.spec)}}}});
  EXPECT_THAT(api::Describe(run.errors), HasSubstr("a run registers nothing"));
}

TEST_F(PlanRegistration, AnOutputThatThePipelineDoesNotHaveIsRefused) {
  o_.pipeline.spec.registers[0].output = "modle";
  EXPECT_THAT(
      api::Describe(Check(o_.pipeline.spec, {}).errors),
      HasSubstr("spec.registers[0].output: the pipeline has no output modle; it has model"));
}

}  // namespace
}  // namespace penstock::plan
