// A candidate before it has traffic: what is asked of it, and what keeps it from going on.
#include "operator/plan/model/model_checks.h"

#include <gmock/gmock.h>

#include "operator/plan/model/model_history.h"
#include "operator/plan/model/testing/model_world.h"
#include "operator/plan/model/uses_router.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckedModels : public PlanModels {
 protected:
  CheckedModels() { signature_ = false; }
  // Version 2 is Ready beside version 1.
  void Candidate() {
    Serve();
    Follow('b');
    Step();
    Ready(2);
    o_.pods = {ReadyPod(1, "10.1.0.7"), ReadyPod(2, "10.1.0.8")};
    o_.endpoints = {{1, 2}, {2, 2}};
  }
  ServingPodFact ReadyPod(std::int64_t version, const std::string& address) {
    ServingPodFact pod = Pod(version);
    pod.name = "v" + std::to_string(version);
    pod.ready = true;
    pod.address = address;
    pod.traffic_port = 8080;
    return pod;
  }
  void Measured(bool good, const std::string& error, const std::string& message = "",
                std::vector<rollout::Measurement> more = {}) {
    o_.measurements = std::move(more);
    o_.measurements.push_back({rollout::kSignatureCheck, now_, {}, good, error, message});
  }
  std::vector<std::string> Events() const {
    std::vector<std::string> reasons;
    for (const auto& event : plan_.events) reasons.push_back(event.reason);
    return reasons;
  }
};

TEST_F(CheckedModels, GetNoTrafficBeforeBothVersionsWereAsked) {
  Candidate();
  EXPECT_THAT(Step(), IsEmpty());
  ASSERT_EQ(plan_.questions.size(), 1U);
  ASSERT_TRUE(plan_.questions[0].servers);
  EXPECT_EQ(plan_.questions[0].servers->model, "flights");
  EXPECT_EQ(plan_.questions[0].servers->candidate.address, "10.1.0.8");
  EXPECT_EQ(plan_.questions[0].servers->stable->address, "10.1.0.7");
  EXPECT_EQ(plan_.questions[0].servers->stable->port, 8080);
  EXPECT_THAT(Says("Ready"), HasSubstr("its signature is compared"));
  Measured(true, "", "the same");
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(CheckedModels, AreHeldWhereTheirSignatureBreaksUntilTheSpecLetsThem) {
  Candidate();
  Step();
  Measured(false, "", "input \"hour\": was INT64, is gone");
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(Is("Ready"), "False SignatureIncompatible");
  EXPECT_EQ(Is("Stalled"), "True SignatureIncompatible");
  EXPECT_EQ(Is("Available"), "True Serving");
  EXPECT_THAT(Says("Stalled"), HasSubstr("input \"hour\": was INT64, is gone"));
  EXPECT_THAT(Events(), ElementsAre("SignatureIncompatible"));
  ASSERT_EQ(plan_.status.candidate->gates.size(), 1U);
  EXPECT_EQ(plan_.status.candidate->gates[0].verdict, "Fail");
  EXPECT_THAT(Step(), IsEmpty()) << "it stays so, and is told once";
  EXPECT_THAT(Events(), IsEmpty());
  EXPECT_THAT(plan_.questions, IsEmpty()) << "the same pods answer the same";
  o_.md.meta.annotations[api::kAnnotationPromote] = "2";
  EXPECT_THAT(Step(), IsEmpty()) << "nobody promotes past it";
  o_.md.spec.rollout.allow_signature_change = true;
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
}

TEST_F(CheckedModels, GiveWayToTheNextModelWhereTheyAreHeld) {
  Candidate();
  Step();
  Measured(false, "", "output \"y\": was FP32, is gone");
  Step();
  Follow('c');
  EXPECT_THAT(Step(), ElementsAre("apply flights-v3", "delete flights-v2"));
}

TEST_F(CheckedModels, AreHeldWhereTheirSignatureCouldNotBeCompared) {
  Candidate();
  Step();
  for (int i = 0; i < 20; ++i) {
    now_ += std::chrono::seconds(2);
    Measured(false, "the new version's server could not be asked: no route to host");
    EXPECT_THAT(Step(), IsEmpty());
    EXPECT_THAT(Says("Ready"), HasSubstr("no route to host"));
    EXPECT_THAT(Events(), IsEmpty());
    now_ += std::chrono::seconds(2);
    EXPECT_THAT(Step(), IsEmpty());
    EXPECT_EQ(plan_.questions.size(), 1U);
  }
  now_ += o_.md.spec.rollout.progress_deadline;
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(Is("Stalled"), "True ChecksUndecided");
  EXPECT_THAT(Says("Stalled"), HasSubstr("no route to host"));
  EXPECT_THAT(Events(), ElementsAre("ChecksUndecided"));
  EXPECT_EQ(plan_.questions.size(), 1U) << "it is tried again";
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_THAT(Events(), IsEmpty()) << "it is told once";
  Measured(true, "", "the same");
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
}

TEST_F(CheckedModels, ThatCouldNotBeComparedGoOnWhereTheSpecOrAPersonSaysSo) {
  Candidate();
  Step();
  o_.md.meta.annotations[api::kAnnotationPromote] = "2";
  Measured(false, "the stable version's server could not be asked: no pod of it is Ready");
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
  EXPECT_THAT(Events(), ElementsAre("SignatureNotCompared"));
  EXPECT_THAT(plan_.events[0].message, HasSubstr("no pod of it is Ready"));
}

TEST_F(CheckedModels, ThatCouldNotBeComparedAreRefusedWhereTheSpecSaysSo) {
  o_.md.spec.rollout.on_inconclusive = api::OnInconclusive::kRollback;
  Candidate();
  Step();
  now_ += o_.md.spec.rollout.progress_deadline;
  Step();
  EXPECT_FALSE(plan_.status.candidate);
  EXPECT_EQ(plan_.status.history.front().outcome, kRejected);
}

TEST_F(CheckedModels, AreAskedAgainWhereTheirPodsAreMadeAnew) {
  Candidate();
  Step();
  Measured(false, "", "input \"hour\": was INT64, is gone");
  Step();
  o_.md.spec.resources = {{"limits", {{"memory", "1Gi"}}}};
  Step();
  Ready(1);
  Ready(2);
  o_.pods = {ReadyPod(1, "10.1.0.9"), ReadyPod(2, "10.1.0.10")};
  EXPECT_THAT(Step(), IsEmpty());
  ASSERT_EQ(plan_.questions.size(), 1U);
  EXPECT_EQ(plan_.questions[0].servers->candidate.address, "10.1.0.10");
}

TEST_F(CheckedModels, TakeNoAnswerOfAPodThatIsNotTheirs) {
  Candidate();
  Step();
  Measured(true, "", "the same");
  o_.measurements[0].pod = "v1";  // when that was the candidate
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(plan_.questions.size(), 1U);
  Measured(true, "", "the same");
  o_.measurements[0].pod = "v2";
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
}

TEST_F(CheckedModels, AreNotAskedOfAServerThatTellsNoSignature) {
  o_.md.spec.server.container.emplace();
  o_.md.spec.server.protocol = api::ModelProtocol::kV1;
  Candidate();
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
  EXPECT_THAT(plan_.questions, IsEmpty());
  Follow('c');
  Step();
  ASSERT_THAT(Events(), ElementsAre("Promoted", "Candidate"));
  EXPECT_THAT(plan_.events[1].message, HasSubstr("only servers of protocol V2 tell theirs"));
}

api::GateSpec GoldenRows(api::RowsExpect expect) {
  api::GateSpec gate;
  gate.name = "golden";
  gate.rows.emplace();
  gate.rows->config_map = "golden";
  gate.rows->expect = expect;
  return gate;
}

class RowsCheckedModels : public CheckedModels {
 protected:
  RowsCheckedModels() { o_.md.spec.rollout.gates = {GoldenRows(api::RowsExpect::kRecorded)}; }
  void RowsMeasured(bool good, const std::string& error, const std::string& message = "") {
    o_.measurements = {{"golden", now_, 1.0, good, error, message, 20}};
  }
  // The first version has answered its rows well.
  void Serve() {
    Step();
    Ready(1);
    Step();
    RowsMeasured(true, "");
    Step();
    Step();
    o_.endpoints = {{1, 2}};
  }
  // Version 2 is Ready, and its signature is the same.
  void Candidate() {
    Serve();
    Follow('b');
    Step();
    Ready(2);
    o_.pods = {ReadyPod(1, "10.1.0.7"), ReadyPod(2, "10.1.0.8")};
    o_.endpoints = {{1, 2}, {2, 2}};
    Step();
    Measured(true, "", "the same");
    EXPECT_THAT(Step(), IsEmpty());
  }
};

TEST_F(RowsCheckedModels, AreSentTheRowsBeforeTheyHaveTraffic) {
  Candidate();
  ASSERT_EQ(plan_.questions.size(), 1U);
  EXPECT_EQ(plan_.questions[0].gate.Name(), "golden");
  EXPECT_EQ(plan_.questions[0].servers->candidate.address, "10.1.0.8");
  EXPECT_THAT(Says("Ready"), HasSubstr("waits for golden"));
  EXPECT_FALSE(UsesRouter(o_.md.spec)) << "rows need no router";
  RowsMeasured(true, "", "0 of 20 rows are answered otherwise");
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
}

TEST_F(RowsCheckedModels, AreRejectedWithTheEvidenceWhereTheyAnswerOtherwise) {
  Candidate();
  RowsMeasured(false, "", "1 of 20 rows are answered otherwise; line 3: output \"y\"[0]");
  Step();
  EXPECT_FALSE(plan_.status.candidate);
  const auto& entry = plan_.status.history.front();
  EXPECT_EQ(entry.outcome, kRejected);
  EXPECT_THAT(entry.reason, HasSubstr("golden: 1 of 20 rows are answered otherwise; line 3"));
  ASSERT_EQ(entry.gates.size(), 2U);
  EXPECT_EQ(entry.gates[1].verdict, "Fail");
  EXPECT_EQ(entry.gates[1].value, "1");
  EXPECT_EQ(entry.gates[1].samples, 20);
  EXPECT_THAT(Events(), ElementsAre("Rejected"));
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
  EXPECT_EQ(Is("Available"), "True Serving");
  EXPECT_THAT(Step(), ElementsAre("delete flights-v2"));
  EXPECT_THAT(Step(), IsEmpty()) << "it is not tried again";
}

TEST_F(RowsCheckedModels, WaitForRowsThatCouldNotBeSentAndDoThenWhatTheSpecSays) {
  Candidate();
  RowsMeasured(false, "ConfigMap golden: not found");
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_THAT(Says("Ready"), HasSubstr("ConfigMap golden: not found"));
  EXPECT_THAT(plan_.questions, IsEmpty()) << "its interval is not over";
  now_ += o_.md.spec.rollout.progress_deadline;
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(plan_.questions.size(), 1U);
  EXPECT_THAT(Says("Ready"), HasSubstr("not decided within progressDeadline"));
  EXPECT_EQ(Is("Stalled"), "True ChecksUndecided") << "nobody else would know";
  EXPECT_THAT(Events(), ElementsAre("ChecksUndecided"));
  o_.md.spec.rollout.on_inconclusive = api::OnInconclusive::kPromote;
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
}

TEST_F(RowsCheckedModels, TakeNoAnswerOfAnotherGateThatHadTheName) {
  Candidate();
  const std::string mark = plan_.questions.at(0).mark;
  o_.md.spec.rollout.gates[0].rows->config_map = "stricter";
  RowsMeasured(true, "", "0 of 20 rows are answered otherwise");
  o_.measurements[0].mark = mark;
  Measured(true, "", "the same", o_.measurements);
  EXPECT_THAT(Step(), IsEmpty());
  ASSERT_EQ(plan_.questions.size(), 1U);
  EXPECT_NE(plan_.questions[0].mark, mark);
  RowsMeasured(true, "", "0 of 20 rows are answered otherwise");
  o_.measurements[0].mark = plan_.questions[0].mark;
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
}

TEST_F(RowsCheckedModels, TakeNoAnswerOfAPodOfAnotherTemplate) {
  Candidate();
  RowsMeasured(true, "", "0 of 20 rows are answered otherwise");
  o_.measurements[0].pod = "v2";
  o_.pods[1].template_hash = "another";
  EXPECT_THAT(Step(), IsEmpty());
}

TEST_F(RowsCheckedModels, AreRejectedByTheirRowsWhereTheirSignatureStaysUndecided) {
  o_.md.spec.rollout.on_inconclusive = api::OnInconclusive::kPromote;
  Serve();
  Follow('b');
  Step();
  Ready(2);
  o_.pods = {ReadyPod(1, "10.1.0.7"), ReadyPod(2, "10.1.0.8")};
  o_.endpoints = {{1, 2}, {2, 2}};
  Step();
  EXPECT_EQ(plan_.questions.size(), 2U) << "both are asked";
  RowsMeasured(false, "", "1 of 20 rows are answered otherwise");
  now_ += o_.md.spec.rollout.progress_deadline;
  Step();
  EXPECT_FALSE(plan_.status.candidate);
  EXPECT_THAT(plan_.status.history.front().reason, HasSubstr("golden: 1 of 20 rows"));
}

TEST_F(RowsCheckedModels, ThatCouldNotBeSentTheirRowsGoOnWhereAPersonPromotesThem) {
  Candidate();
  o_.md.meta.annotations[api::kAnnotationPromote] = "2";
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
}

TEST_F(CheckedModels, OfWhichTheFirstHasNoStableAnswersToExpectGetNoRows) {
  o_.md.spec.rollout.gates = {GoldenRows(api::RowsExpect::kStable)};
  Step();
  Ready(1);
  EXPECT_THAT(Step(), ElementsAre("switch to 1"));
}

TEST_F(CheckedModels, OfTheFirstVersionAreNotAsked) {
  Step();
  Ready(1);
  EXPECT_THAT(Step(), ElementsAre("switch to 1"));
  EXPECT_THAT(plan_.questions, IsEmpty());
}

}  // namespace
}  // namespace penstock::plan
