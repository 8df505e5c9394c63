#include "operator/gateway/mlflow/run_filter.h"

#include <gmock/gmock.h>

#include <limits>

namespace penstock::gateway {
namespace {

using metadata::TrackedRun;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TrackedRun RunWith(const std::string& name, double auc) {
  TrackedRun run;
  run.record.uid = name;
  run.record.name = name;
  run.record.phase = "Succeeded";
  run.record.user = "alice";
  run.record.started = TimePoint(Milliseconds(1'000));
  run.parameters = {{"model", "MLP"}, {"a b", "x"}};
  run.tags = {{"mlflow.source.name", "train.py"}};
  run.metrics["auc"] = {"auc", auc, 0, 0};
  return run;
}

TEST(RunFilter, HoldsWhereAllComparisonsDo) {
  const TrackedRun run = RunWith("one", 0.75);
  for (const char* text :
       {"", "metrics.auc > 0.5", "metrics.auc >= 0.75 and params.model = 'MLP'",
        "params.`a b` = \"x\"", "tags.mlflow.source.name LIKE 'train.%'",
        "tags.\"mlflow.source.name\" ILIKE 'TRAIN_py'", "attributes.status = 'FINISHED'",
        "status != 'FAILED' AND run_name = 'one'", "attribute.start_time <= 1000",
        "metrics.auc < 1e3", "user_id = 'alice'"}) {
    const auto filter = ParseRunFilter(text);
    ASSERT_TRUE(filter) << text << ": " << filter.error().message;
    EXPECT_TRUE(Matches(*filter, run)) << text;
  }
  for (const char* text :
       {"metrics.auc > 0.75", "metrics.absent > 0", "params.model = 'mlp'", "params.absent != 'x'",
        "params.model LIKE 'ML'", "metrics.auc > 0.5 and status = 'RUNNING'"}) {
    const auto filter = ParseRunFilter(text);
    ASSERT_TRUE(filter) << text << ": " << filter.error().message;
    EXPECT_FALSE(Matches(*filter, run)) << text;
  }
}

TEST(RunFilter, SaysWhatItCannotRead) {
  const std::pair<const char*, const char*> wrong[]{
      {"metrics.auc", "character 12: one of ="},
      {"metrics.auc > 'high'", "compared with a number"},
      {"params.model = 5", "compared with a 'text'"},
      {"datasets.x = 'y'", "metrics, params, tags or attributes"},
      {"colour = 'red'", "no attribute 'colour'"},
      {"status = 'FINISHED' or status = 'FAILED'", "'and' is expected"},
      {"status = 'FIN", "an end of the text"},
      {"status = ", "a value"}};
  for (const auto& [text, says] : wrong) {
    const auto filter = ParseRunFilter(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_EQ(filter.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(filter.error().message, HasSubstr(says));
  }
  EXPECT_FALSE(ParseRunFilter(std::string(20'000, ' ')));
}

TEST(RunFilter, ANumberIsNotComparedAsATextWouldBe) {
  const std::pair<const char*, const char*> wrong[]{
      {"start_time > '1000'", "start_time is compared with a number"},
      {"attributes.end_time LIKE '1%'", "not compared by LIKE"},
      {"metrics.auc ILIKE '0%'", "not compared by ILIKE"},
      {"params.start_time < 5", "start_time is compared with a 'text'"},
      {"tags.end_time = 5", "end_time is compared with a 'text'"}};
  for (const auto& [text, says] : wrong) {
    const auto filter = ParseRunFilter(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_THAT(filter.error().message, HasSubstr(says));
  }
}

TEST(RunFilter, SortsByWhatIsThereAndWhatIsNotLast) {
  std::vector<TrackedRun> runs{RunWith("low", 0.25), RunWith("none", 0), RunWith("high", 0.75),
                               RunWith("nan", std::numeric_limits<double>::quiet_NaN())};
  runs[1].metrics.clear();
  const auto names = [&] {
    std::vector<std::string> all;
    for (const TrackedRun& run : runs) all.push_back(run.record.name);
    return all;
  };
  Sort(runs, {*ParseRunOrder("metrics.auc DESC")});
  EXPECT_THAT(names(), ElementsAre("high", "low", "nan", "none"));
  Sort(runs, {*ParseRunOrder("metrics.`auc`")});
  EXPECT_THAT(names(), ElementsAre("low", "high", "nan", "none"));
  Sort(runs, {*ParseRunOrder("status ASC"), *ParseRunOrder("run_name desc")});
  EXPECT_THAT(names(), ElementsAre("none", "nan", "low", "high"));
  EXPECT_FALSE(ParseRunOrder("metrics.auc UPWARDS"));
}

}  // namespace
}  // namespace penstock::gateway
