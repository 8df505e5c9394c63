#include "operator/controllers/tables/pod_table.h"

#include <gmock/gmock.h>

#include "operator/base/json.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::controllers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Source = PodTable::Source;

class StillClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return now; }
  [[nodiscard]] SteadyTime Steady() const override { return SteadyTime{now.time_since_epoch()}; }
  TimePoint now = *ParseTime("2026-11-28T12:00:00Z");
};

class PodTables : public ::testing::Test {
 protected:
  static Json Pod(const std::string& name = "p-1", const std::string& uid = "pod-uid") {
    return {{"metadata",
             {{"name", name},
              {"namespace", "team"},
              {"uid", uid},
              {"resourceVersion", "1"},
              {"creationTimestamp", "2026-11-28T11:00:00Z"},
              {"labels", {{plan::kLabelManaged, "true"}, {plan::kLabelStep, "a"}}},
              {"annotations", {{plan::kAnnotationCacheKey, "key"}}},
              {"ownerReferences", Json::array({{{"apiVersion", "penstock.dev/v1alpha1"},
                                                {"kind", "PipelineRun"},
                                                {"name", "run"},
                                                {"uid", "run-uid"},
                                                {"controller", true}}})}}},
            {"status", {{"phase", "Running"}}}};
  }
  static Json At(Json pod, const std::string& version) {
    pod["metadata"]["resourceVersion"] = version;
    return pod;
  }
  static Json Stripped(Json pod) {
    pod["metadata"]["labels"] = Json::object();
    pod["metadata"]["annotations"] = Json::object();
    pod["metadata"]["ownerReferences"] = Json::array();
    return pod;
  }
  bool See(const Json& pod, Source source = Source::kInformer) {
    auto entry = table_.Read(pod);
    EXPECT_TRUE(entry) << pod.dump();
    return entry && table_.Put(*std::move(entry), source, clock_);
  }
  std::optional<PodEntry> Looked(const Json& pod) const {
    return table_.ReadLooked(pod, {"team", "run"}, "run-uid");
  }
  std::vector<std::string> Unconfirmed() const {
    return table_.Unconfirmed("run-uid", SteadyTime{});
  }

  StillClock clock_;
  PodTable table_;
};

TEST_F(PodTables, FollowAPodWhoseLabelsWereStripped) {
  See(Pod());
  table_.Drop("run-uid", "p-1", "pod-uid", "1");  // the informer's selector has lost it
  EXPECT_THAT(table_.OfRun("run-uid"), IsEmpty());
  auto entry = Looked(At(Stripped(Pod()), "2"));
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->fact.step, "a");
  EXPECT_EQ(entry->run.Text(), "team/run");
  table_.Put(*std::move(entry), Source::kLook, clock_);
  EXPECT_EQ(table_.OfRun("run-uid").size(), 1U);
  EXPECT_THAT(Unconfirmed(), ElementsAre("p-1"));  // nobody tells of it: it is looked at
  See(At(Pod(), "3"));                             // somebody has put the label back
  EXPECT_THAT(Unconfirmed(), IsEmpty());
}

TEST_F(PodTables, KnowAPodWhoseOwnersAndLabelsAreGone) {
  See(Pod());
  auto entry = table_.Read(At(Stripped(Pod()), "2"));
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->run_uid, "run-uid");
  EXPECT_EQ(entry->fact.step, "a");
  EXPECT_EQ(entry->fact.cache_key, "key");
  EXPECT_FALSE(table_.Read(Stripped(Pod("other", "other-uid"))));
}

TEST_F(PodTables, TakeAPodOfAnAttemptByItsNameWhereTheOperatorIsNew) {
  table_.NoteAttempt("run-uid", "a", {2, "p-1", ""});
  auto entry = Looked(Stripped(Pod()));
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->fact.step, "a");
  EXPECT_EQ(entry->fact.attempt, 2);
  EXPECT_FALSE(Looked(Stripped(Pod("p-9", "uid-9"))));
}

TEST_F(PodTables, TakeAnotherPodOfTheNameForNoneOfOurs) {
  See(Pod());
  table_.Drop("run-uid", "p-1", "pod-uid", "1");
  EXPECT_FALSE(Looked(Stripped(Pod("p-1", "a-strangers"))));
}

TEST_F(PodTables, ALateAnswerToACreateDoesNotBringAPodBack) {
  auto answer = table_.Read(Pod());
  See(Pod());
  table_.Drop("run-uid", "p-1", "pod-uid", "1");
  table_.Put(*answer, Source::kCreate, clock_);
  EXPECT_THAT(table_.OfRun("run-uid"), IsEmpty());
}

TEST_F(PodTables, WhatShowsAPodAsItWasBeforeItWasToldGoneDoesNotBringItBack) {
  See(At(Pod(), "2"));
  const auto looked = Looked(At(Pod(), "2"));
  table_.Drop("run-uid", "p-1", "pod-uid", "3");
  table_.Put(*looked, Source::kLook, clock_);
  See(At(Pod(), "1"));  // of an API server that lags behind
  EXPECT_THAT(table_.OfRun("run-uid"), IsEmpty());
  table_.Put(*Looked(At(Pod(), "3")), Source::kLook, clock_);
  EXPECT_EQ(table_.OfRun("run-uid").size(), 1U) << "it was stripped of its label";
}

TEST_F(PodTables, NothingBringsAPodBackThatALookFoundGone) {
  See(Pod());
  table_.DropGone("run-uid", "p-1", table_.UidOf("run-uid", "p-1"));
  EXPECT_THAT(table_.OfRun("run-uid"), IsEmpty());
  for (const Source source : {Source::kInformer, Source::kLook, Source::kCreate})
    EXPECT_FALSE(See(At(Pod(), "9"), source));
  EXPECT_THAT(table_.OfRun("run-uid"), IsEmpty());
  See(Pod("p-1", "another-uid"));
  EXPECT_EQ(table_.OfRun("run-uid").size(), 1U) << "of that name there may be another";
}

TEST_F(PodTables, ALookThatBeganBeforeAPodWasMadeSaysNothingOfIt) {
  const std::string before = table_.UidOf("run-uid", "p-1");
  EXPECT_EQ(before, "");
  See(Pod());
  table_.DropGone("run-uid", "p-1", before);
  table_.DropGone("run-uid", "p-1", "of-one-before");
  EXPECT_EQ(table_.OfRun("run-uid").size(), 1U);
  See(At(Pod(), "9"));
  EXPECT_EQ(table_.OfRun("run-uid").size(), 1U);
}

TEST_F(PodTables, AnEditedCacheKeySpoilsNothing) {
  See(Pod());
  Json edited = At(Pod(), "2");
  edited["metadata"]["annotations"].erase(plan::kAnnotationCacheKey);
  See(edited);
  EXPECT_EQ(table_.MakerOf("team", "key", "another", clock_.now), "run/a");
  table_.Drop("run-uid", "p-1", "pod-uid", "1");
  EXPECT_FALSE(table_.MakerOf("team", "key", "another", clock_.now));
}

TEST_F(PodTables, KeepNothingOfARunThatIsForgottenWhileItsPodsEnd) {
  See(Pod());
  EXPECT_EQ(table_.NewestAttempts("run-uid").size(), 1U);
  table_.ForgetRun("run-uid");
  Json ending = At(Pod(), "2");
  ending["metadata"]["deletionTimestamp"] = "2026-11-28T12:00:30Z";
  See(ending);
  EXPECT_THAT(table_.NewestAttempts("run-uid"), IsEmpty());
}

Json Ended(Json pod, const std::string& started, const std::string& finished) {
  const Json end{{"exitCode", 1}, {"startedAt", started}, {"finishedAt", finished}};
  pod["status"] = {
      {"phase", "Failed"},
      {"containerStatuses",
       Json::array({{{"name", plan::kStepContainer}, {"state", {{"terminated", end}}}}})}};
  return pod;
}

TEST_F(PodTables, HoldTheTimesOfANodeWhoseClockIsOffToWhatCanBe) {
  for (const auto& [started, finished] : {std::pair{"2026-11-28T10:50:00Z", "2026-11-28T10:55:00Z"},
                                          {"2026-11-28T12:10:00Z", "2026-11-28T12:15:00Z"}}) {
    PodTable table;
    table.Put(*ReadPod(Ended(Pod(), started, finished)), Source::kInformer, clock_);
    const auto pod = table.OfRun("run-uid").at(0);
    EXPECT_EQ(pod.started, clock_.now);
    EXPECT_EQ(pod.finished, clock_.now);
    EXPECT_EQ(pod.end_seen, clock_.now);
  }
}

TEST_F(PodTables, TellWhenAnEndWasSeenFirst) {
  See(Pod());
  EXPECT_FALSE(table_.OfRun("run-uid").at(0).end_seen);
  const TimePoint seen = clock_.now;
  EXPECT_TRUE(See(At(Ended(Pod(), "2026-11-28T11:30:00Z", "2026-11-28T11:50:00Z"), "2")));
  clock_.now += std::chrono::minutes(1);
  EXPECT_FALSE(See(At(Ended(Pod(), "2026-11-28T11:30:00Z", "2026-11-28T11:50:00Z"), "3")));
  const auto pod = table_.OfRun("run-uid").at(0);
  EXPECT_EQ(pod.end_seen, seen);
  EXPECT_EQ(pod.finished, *ParseTime("2026-11-28T11:50:00Z"));
}

TEST_F(PodTables, CountThePodsThatStandInANamespace) {
  EXPECT_EQ(table_.Standing("team"), 0);
  See(Pod("p-1", "u-1"));
  See(Pod("p-2", "u-2"));
  See(At(Pod("p-2", "u-2"), "2"));
  Json daemon = Pod("p-3", "u-3");
  daemon["metadata"]["labels"][plan::kLabelDaemon] = "true";
  See(daemon);
  See(At(Stripped(daemon), "2"));
  EXPECT_EQ(table_.Standing("team"), 2);
  EXPECT_EQ(table_.Standing("other"), 0);
  Json ended = At(Pod("p-1", "u-1"), "2");
  ended["status"]["phase"] = "Succeeded";
  See(ended);
  EXPECT_EQ(table_.Standing("team"), 1);
  table_.Drop("run-uid", "p-1", "u-1", "3");
  EXPECT_EQ(table_.Standing("team"), 1);
  See(Pod("p-2", "u-another"));  // the name has another pod now
  EXPECT_EQ(table_.Standing("team"), 1);
  table_.Drop("run-uid", "p-2", "u-another", "3");
  EXPECT_EQ(table_.Standing("team"), 0);
}

}  // namespace
}  // namespace penstock::controllers
