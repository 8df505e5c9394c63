#include "operator/metadata/tracking.h"

#include <gmock/gmock.h>

#include <cmath>
#include <future>
#include <limits>
#include <thread>

#include "operator/metadata/testing/any_database.h"

namespace penstock::metadata {
namespace {

class TrackedRuns : public AnyDatabase {
 protected:
  void SetUp() override {
    AnyDatabase::SetUp();
    if (database_ == nullptr) return;
    tracking_ = std::make_unique<Tracking>(database_);
    ASSERT_TRUE(tracking_->MakeExperiment("team", {"7", "churn", At(0), At(0), {{"a", "b"}}}));
  }
  static TrackedRun New(const std::string& uid, int second) {
    TrackedRun run;
    run.experiment = "7";
    run.record.uid = uid;
    run.record.namespace_ = "team";
    run.record.name = "name-" + uid;
    run.record.pipeline = "churn";
    run.record.cause = kTrackedCause;
    run.record.phase = "Running";
    run.record.created = run.record.started = At(second);
    return run;
  }
  static Result<void> Nothing(TrackedRun&) { return {}; }

  std::unique_ptr<Tracking> tracking_;
};
INSTANTIATE_TEST_SUITE_P(On, TrackedRuns, ::testing::Values(Kind::kSqlite, Kind::kPostgres),
                         NameOfKind);

TEST_P(TrackedRuns, StandBesideThoseOfPipelinesInListsAndComparisons) {
  const auto recorder = OpenRecorder();
  recorder->RecordRun(FlightsRun("u1", "Succeeded"));
  recorder->Flush();
  ASSERT_TRUE(tracking_->Begin(New("t1", 10)));
  const auto changed = tracking_->Change("team", "t1",
                                         [](TrackedRun& run) {
                                           run.parameters["lr"] = "0.1";
                                           run.tags["who"] = "me";
                                           run.record.phase = run.record.outcome = "Succeeded";
                                           return Result<void>();
                                         },
                                         {{"auc", 0.5, 1, 0}, {"auc", 0.75, 2, 1}});
  ASSERT_TRUE(changed) << changed.error().message;
  RunFilter team;
  team.namespace_ = "team";
  const auto page = query().Page(team, 10);
  ASSERT_EQ(page->runs.size(), 2U);
  EXPECT_EQ(page->runs[0].name, "name-t1");
  EXPECT_EQ(page->runs[0].pipeline, "churn");
  EXPECT_EQ(page->runs[0].phase, "Succeeded");
  EXPECT_EQ(page->runs[0].counts.succeeded, 1);
  const auto compared = query().Compared("team", {"name-t1", "flights-u1"});
  ASSERT_TRUE(compared) << compared.error().message;
  EXPECT_EQ(compared->at(0).parameters, (Json{{"lr", "0.1"}}));
  EXPECT_EQ(compared->at(0).steps.at(0).results.at("auc"), 0.75);
  const auto read = tracking_->Get("team", "t1");
  EXPECT_EQ(read->tags.at("who"), "me");
  EXPECT_EQ(read->metrics.at("auc").step, 1);
  EXPECT_EQ(tracking_->Get("other", "t1").error().kind, ErrorKind::kNotFound);
}

TEST_P(TrackedRuns, HideNoRunOfAPipelineThatHasTheirName) {
  const auto recorder = OpenRecorder();
  RunRecord theirs = FlightsRun("u1", "Succeeded");
  theirs.name = "name-t1";
  theirs.object = R"({"kind": "PipelineRun"})";
  ASSERT_TRUE(tracking_->Begin(New("t1", 10)));  // before it, and newer
  recorder->RecordRun(theirs);
  recorder->Flush();
  EXPECT_EQ(query().Run("team", "name-t1")->uid, "u1");
  EXPECT_EQ(query().Compared("team", {"name-t1"})->at(0).uid, "u1");
  EXPECT_TRUE(query().StoryOf("team", "name-t1"));
  TrackedRun late = New("0123456789", 20);
  late.record.name = "name-t1";
  ASSERT_TRUE(tracking_->Begin(late));
  EXPECT_EQ(query().Compared("team", {"name-t1-01234567"})->at(0).uid, "0123456789");
  ASSERT_TRUE(tracking_->Change("team", "0123456789", Nothing, {{"m", 1, 1, 1}}));
  EXPECT_EQ(tracking_->Get("team", "0123456789")->record.name, "name-t1-01234567");
}

TEST_P(TrackedRuns, AreNotOfTheirLastWordForEver) {
  const auto to = [](const char* phase, const char* outcome) {
    return [=](TrackedRun& run) {
      run.record.phase = phase;
      run.record.outcome = outcome;
      return Result<void>();
    };
  };
  ASSERT_TRUE(tracking_->Begin(New("t1", 0)));
  ASSERT_TRUE(tracking_->Change("team", "t1", to("Failed", "Failed")));
  ASSERT_TRUE(tracking_->Change("team", "t1", to("Running", "")));
  EXPECT_EQ(query().OfUid("t1")->phase, "Running");
}

TEST_P(TrackedRuns, KeepEveryValueOfAMetricOnceAndCountTheFurthestAsItsNewest) {
  ASSERT_TRUE(tracking_->Begin(New("t1", 0)));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 2; ++i)  // sent again, as after an answer that was lost
    ASSERT_TRUE(tracking_->Change("team", "t1", Nothing,
                                  {{"loss", 0.5, 100, 2},
                                   {"loss", nan, 50, 1},
                                   {"loss", infinite, 10, 0},
                                   {"loss", 1e-300, 5, -1}}));
  const auto points = tracking_->Points("t1", "loss", 10, 0);
  ASSERT_TRUE(points) << points.error().message;
  ASSERT_EQ(points->size(), 4U);
  EXPECT_EQ(points->at(0).value, 1e-300);
  EXPECT_TRUE(std::isinf(points->at(1).value));
  EXPECT_TRUE(std::isnan(points->at(2).value));
  EXPECT_EQ(points->at(3).value, 0.5);
  EXPECT_EQ(tracking_->Get("team", "t1")->metrics.at("loss").value, 0.5);
  ASSERT_TRUE(tracking_->Change("team", "t1", Nothing, {{"loss", nan, 200, 3}}));
  EXPECT_TRUE(std::isnan(tracking_->Get("team", "t1")->metrics.at("loss").value));
  EXPECT_EQ(tracking_->Points("t1", "loss", 2, 3)->size(), 2U);
}

TEST_P(TrackedRuns, AChangeThatIsRefusedLeavesNothingOfIt) {
  ASSERT_TRUE(tracking_->Begin(New("t1", 0)));
  const auto refused = tracking_->Change("team", "t1",
                                         [](TrackedRun& run) -> Result<void> {
                                           run.tags["a"] = "b";
                                           return Invalid("no");
                                         },
                                         {{"m", 1, 1, 1}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "no");
  EXPECT_TRUE(tracking_->Get("team", "t1")->tags.empty());
  EXPECT_TRUE(tracking_->Points("t1", "m", 10, 0)->empty());
}

TEST_P(TrackedRuns, ExperimentsHaveANameOnceAndAreOfTheirNamespace) {
  const auto twice = tracking_->MakeExperiment("team", {"8", "churn", At(0), At(0), {}});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().kind, ErrorKind::kAlreadyExists);
  EXPECT_TRUE(tracking_->MakeExperiment("other", {"8", "churn", At(0), At(0), {}}));
  EXPECT_EQ(tracking_->ExperimentOfName("team", "churn")->id, "7");
  EXPECT_EQ(tracking_->ExperimentOfId("team", "8").error().kind, ErrorKind::kNotFound);
  ASSERT_TRUE(tracking_->TagExperiment("team", "7", "c", "d", At(5)));
  const auto experiment = tracking_->ExperimentOfId("team", "7");
  EXPECT_EQ(experiment->tags, (std::map<std::string, std::string>{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(experiment->changed, At(5));
  EXPECT_EQ(tracking_->Experiments("team", 10, "")->experiments.size(), 1U);
  EXPECT_TRUE(tracking_->Experiments("team", 10, "churn")->experiments.empty());
  EXPECT_TRUE(tracking_->MakeExperiment("team", {"7", "churn", At(0), At(0), {}}))
      << "the answer to its own making was lost";
}

TEST_P(TrackedRuns, ExperimentsOfManyTagsFillNoMemory) {
  const std::string large(7'000, 'x');
  for (int i = 0; i < 9; ++i)
    ASSERT_TRUE(tracking_->TagExperiment("team", "7", "t" + std::to_string(i), large, At(1)));
  const auto over = tracking_->TagExperiment("team", "7", "one-more", large, At(1));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(tracking_->ExperimentOfId("team", "7")->tags.size(), 10U);
  Experiment many{"8", "many", At(0), At(0), {}};
  for (int i = 0; i < 501; ++i) many.tags[std::to_string(i)] = "";
  EXPECT_EQ(tracking_->MakeExperiment("team", many).error().kind, ErrorKind::kInvalid);
  for (int i = 10; i < 40; ++i) {
    Experiment e{std::to_string(i), "e" + std::to_string(i), At(0), At(0), {}};
    for (int t = 0; t < 9; ++t) e.tags[std::to_string(t)] = large;
    ASSERT_TRUE(tracking_->MakeExperiment("team", e));
  }
  std::string after;
  std::size_t seen = 0;
  for (bool more = true; more;) {
    const auto page = tracking_->Experiments("team", 1'000, after);
    ASSERT_TRUE(page) << page.error().message;
    ASSERT_FALSE(page->experiments.empty());
    EXPECT_LE(page->experiments.size(), 8U) << "half a megabyte";
    seen += page->experiments.size();
    after = page->experiments.back().name;
    more = page->more;
  }
  EXPECT_EQ(seen, 31U);
  EXPECT_TRUE(tracking_->Experiments("team", 2, "")->more);
}

TEST_P(TrackedRuns, HoldNoMoreValuesOfMetricsThanABound) {
  Tracking bounded(database_, {.most_points = 3});
  ASSERT_TRUE(bounded.Begin(New("t1", 0)));
  ASSERT_TRUE(bounded.Change("team", "t1", Nothing, {{"a", 1, 1, 1}, {"b", 1, 1, 1}}));
  ASSERT_TRUE(bounded.Change("team", "t1", Nothing, {{"a", 2, 2, 2}, {"b", 1, 1, 1}}))
      << "what is there already counts once";
  const auto over = bounded.Change("team", "t1", Nothing, {{"a", 3, 3, 3}});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(over.error().message, ::testing::HasSubstr("over 3 values"));
  EXPECT_EQ(bounded.Points("t1", "a", 10, 0)->size(), 2U);
  EXPECT_TRUE(bounded.Change("team", "t1", [](TrackedRun& run) {
    run.record.phase = run.record.outcome = "Succeeded";
    return Result<void>();
  })) << "it can still end";
}

TEST_P(TrackedRuns, ACallThatWaitsBehindAnotherOneGivesUp) {
  Tracking tracking(database_, {.patience = Milliseconds{100}});
  ASSERT_TRUE(tracking.Begin(New("t1", 0)));
  std::promise<void> begun, release;
  std::jthread slow([&] {
    const auto changed = tracking.Change("team", "t1", [&](TrackedRun&) {
      begun.set_value();
      release.get_future().wait();
      return Result<void>();
    });
    EXPECT_TRUE(changed);
  });
  begun.get_future().wait();
  const auto late = tracking.Change("team", "t1", Nothing, {{"m", 1, 1, 1}});
  std::stop_source gone;
  gone.request_stop();
  const auto nobody = tracking.Change("team", "t1", Nothing, {{"m", 1, 1, 1}}, gone.get_token());
  release.set_value();
  slow.join();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(late.error().message, ::testing::HasSubstr("too much at once"));
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().message, ::testing::HasSubstr("has gone"));
  EXPECT_TRUE(tracking.Change("team", "t1", Nothing, {{"m", 1, 1, 1}}));
}

TEST_P(TrackedRuns, ThatWereDeletedStandInNoList) {
  ASSERT_TRUE(tracking_->Begin(New("t1", 1)));
  ASSERT_TRUE(tracking_->Begin(New("t2", 2)));
  const auto hide = [](bool deleted) {
    return [=](TrackedRun& run) {
      run.deleted = deleted;
      return Result<void>();
    };
  };
  ASSERT_TRUE(tracking_->Change("team", "t1", hide(true)));
  RunFilter team;
  team.namespace_ = "team";
  ASSERT_EQ(query().Page(team, 10)->runs.size(), 1U);
  EXPECT_EQ(query().Page(team, 10)->runs[0].uid, "t2");
  EXPECT_EQ(query().Grid("team", "churn", 10)->size(), 1U);
  ASSERT_TRUE(tracking_->Change("team", "t1", hide(false)));
  EXPECT_EQ(query().Page(team, 10)->runs.size(), 2U);
}

TEST_P(TrackedRuns, AreReadNewestFirstAndHiddenWhereTheyAreDeleted) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(tracking_->Begin(New("t" + std::to_string(i), i)));
  ASSERT_TRUE(tracking_->Change("team", "t2", [](TrackedRun& run) {
    run.deleted = true;
    return Result<void>();
  }));
  const auto page = tracking_->Runs("team", "7", false, 2);
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->runs.size(), 2U);
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->runs[0].record.uid, "t3");
  EXPECT_EQ(page->runs[1].record.uid, "t1");
  EXPECT_EQ(tracking_->Runs("team", "7", true, 2)->runs.size(), 1U);
  EXPECT_TRUE(tracking_->Runs("team", "8", false, 2)->runs.empty());
}

TEST_P(TrackedRuns, HoldNoMoreThanAnAnswerMay) {
  const auto fill = [](TrackedRun& run) {
    run.tags["large"] = std::string(400'000, 'x');
    return Result<void>();
  };
  for (int i = 0; i < 25; ++i) {
    const std::string uid = "t" + std::to_string(i);
    ASSERT_TRUE(tracking_->Begin(New(uid, i)));
    ASSERT_TRUE(tracking_->Change("team", uid, fill));
  }
  const auto page = tracking_->Runs("team", "7", false, 100);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->runs.size(), 20U);
  const auto more = tracking_->Change("team", "t1", [](TrackedRun& run) {
    run.tags["larger"] = std::string(400'000, 'x');
    return Result<void>();
  });
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().kind, ErrorKind::kInvalid);
}

TEST_P(TrackedRuns, ManyProgramsLogWhileTheOperatorRecords) {
  const auto recorder = OpenRecorder();
  Tracking other(database_);  // of another replica
  ASSERT_TRUE(tracking_->Begin(New("t1", 0)));
  std::string problems;
  std::mutex mutex;
  {
    std::vector<std::jthread> programs;
    for (int p = 0; p < 4; ++p)
      programs.emplace_back([&, p] {
        for (int i = 0; i < 10; ++i) {
          recorder->RecordRun(FlightsRun(std::to_string(p) + "-" + std::to_string(i)));
          auto& to = p % 2 == 0 ? *tracking_ : other;
          const auto logged =
              to.Change("team", "t1", Nothing, {{"m" + std::to_string(p), double(i), i, i}});
          const std::lock_guard lock(mutex);
          if (!logged) problems += logged.error().message + "\n";
        }
      });
  }
  recorder->Flush();
  EXPECT_EQ(problems, "");
  EXPECT_EQ(warnings(), "");
  const auto run = tracking_->Get("team", "t1");
  ASSERT_EQ(run->metrics.size(), 4U);
  for (const auto& [name, point] : run->metrics) EXPECT_EQ(point.value, 9) << name;
  const auto changes = query().Changes(0, 100);
  EXPECT_EQ(changes->size(), 41U);
  for (std::size_t i = 1; i < changes->size(); ++i)
    EXPECT_LT(changes->at(i - 1).at, changes->at(i).at);
}

}  // namespace
}  // namespace penstock::metadata
