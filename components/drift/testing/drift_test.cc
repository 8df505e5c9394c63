#include <arrow/api.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>

#include "components/drift/compare.h"
#include "components/drift/run.h"
#include "components/drift/testing/made_table.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::drift {
namespace {

using sdk::TestFolder;

Result<Comparison> CompareTables(const Made& reference, const Made& current,
                                 const Json& parameters = Json::object()) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", {Table(reference)});
  sdk::WriteDataset(folder / "c", {Table(current)});
  const auto options = ReadOptions(parameters);
  if (!options) return options.error();
  return Compare(folder / "r", folder / "c", nullptr, *options);
}

const ColumnDrift& Column(const Comparison& comparison, const std::string& name) {
  for (const ColumnDrift& column : comparison.columns) {
    if (column.name == name) return column;
  }
  ADD_FAILURE() << name;
  return comparison.columns.front();
}

using Names = std::vector<std::string>;

TEST(Drift, IsNotSeenBetweenDrawsOfOneSource) {
  const auto comparison = CompareTables({.text = true}, {.seed = 2, .text = true});
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_EQ(comparison->Drifted(), Names{});
  EXPECT_FALSE(comparison->IsDrift());
  EXPECT_EQ(comparison->columns.size(), 6U);
  EXPECT_EQ(Column(*comparison, "note").kind, Kind::kText);
  EXPECT_EQ(Column(*comparison, "at").kind, Kind::kClock);
}

TEST(Drift, OfHalfADeviationIsFoundAndNamed) {
  const auto comparison = CompareTables({}, {.seed = 2, .shift = 0.5});
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_EQ(comparison->Drifted(), Names{"delay"});
  EXPECT_TRUE(comparison->IsDrift());
  const ColumnDrift& delay = Column(*comparison, "delay");
  EXPECT_EQ(comparison->Worst(), &delay);
  EXPECT_TRUE(delay.up_to);
  EXPECT_GT(delay.shares[0], delay.shares[1]);  // fewer rows are as low as before
  EXPECT_NEAR(delay.value, 0.197, 0.04);        // 2 Phi(1/4) - 1
  EXPECT_GT(delay.chance, 0.005);
  EXPECT_NEAR(delay.effect, delay.value - delay.chance, 1e-12);
  EXPECT_LT(delay.adjusted, 1e-6);
  EXPECT_TRUE(comparison->domain_drifted);
  EXPECT_EQ(comparison->domain.told_by.front().first, "delay");
}

TEST(Drift, BelowTheFloorIsNotFlaggedHoweverSureItIs) {
  const Made reference = {.rows = 30'000};
  const Made current = {.rows = 30'000, .seed = 2, .shift = 0.1};
  const auto comparison = CompareTables(reference, current);
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_LT(Column(*comparison, "delay").adjusted, 0.001);
  EXPECT_EQ(comparison->Drifted(), Names{});
  const auto lower = CompareTables(reference, current, {{"floors", {{"number", 0.02}}}});
  ASSERT_TRUE(lower) << lower.error().message;
  EXPECT_EQ(lower->Drifted(), Names{"delay"});
  const auto one =
      CompareTables(reference, current, {{"settings", {{"delay", {{"floor", 0.02}}}}}});
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->Drifted(), Names{"delay"});
}

TEST(Drift, IsDecidedByTheAdjustedPAndTheFloor) {
  std::vector<ColumnDrift> columns(4);
  const std::vector<double> p = {0.004, 0.2, 0.004, 0.9};
  std::vector<ColumnDrift*> tests;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i].p = p[i];
    columns[i].effect = 0.05;
    columns[i].floor = i == 2 ? 0.06 : 0.05;
    tests.push_back(&columns[i]);
  }
  Decide(tests, 0.01);  // 0.004 becomes 0.008: two of four
  EXPECT_NEAR(columns[0].adjusted, 0.008, 1e-12);
  EXPECT_TRUE(columns[0].drifted);
  EXPECT_FALSE(columns[2].drifted);
  Decide(tests, 0.007);
  EXPECT_FALSE(columns[0].drifted);
}

TEST(Drift, OfNullsAndOfNansIsOneOfValues) {
  const auto nulls = CompareTables({}, {.seed = 2, .nulls = 0.12});
  ASSERT_TRUE(nulls) << nulls.error().message;
  EXPECT_EQ(nulls->Drifted(), Names{"delay"});
  const auto nans = CompareTables({.nulls = 0.12}, {.seed = 2, .nulls = 0.02, .nans = 0.1});
  ASSERT_TRUE(nans) << nans.error().message;
  EXPECT_EQ(nans->Drifted(), Names{"delay"});
  const ColumnDrift& delay = Column(*nans, "delay");
  EXPECT_TRUE(delay.at == "null" || delay.at == "NaN") << delay.at;
  EXPECT_FALSE(delay.up_to);
  EXPECT_NEAR(double(delay.nulls[0]) / 3000, 0.12, 0.02);
}

TEST(Drift, OfCategoriesHoursAndWordsSaysWhich) {
  const auto carriers = CompareTables({}, {.seed = 2, .united = 0.5});
  ASSERT_TRUE(carriers) << carriers.error().message;
  EXPECT_EQ(carriers->Drifted(), Names{"carrier"});
  const ColumnDrift& carrier = Column(*carriers, "carrier");
  EXPECT_EQ(carrier.statistic, Statistic::kJensenShannon);
  EXPECT_NEAR(std::abs(carrier.shares[0] - carrier.shares[1]), 0.2, 0.04);
  EXPECT_NEAR(carrier.methods["lInfinity"]["value"].get<double>(), 0.2, 0.04);
  const auto hours = CompareTables({}, {.seed = 2, .first_hour = 10});
  ASSERT_TRUE(hours) << hours.error().message;
  EXPECT_EQ(hours->Drifted(), Names{"at"});
  EXPECT_EQ(Column(*hours, "at").at.substr(2), ":00");
  const auto words = CompareTables({.text = true}, {.seed = 2, .quiet_word = true, .text = true});
  ASSERT_TRUE(words) << words.error().message;
  EXPECT_EQ(words->Drifted(), Names{"note"});
  EXPECT_EQ(Column(*words, "note").at, "noise");
  EXPECT_EQ(Column(*words, "note").shares[0], 0);
  EXPECT_NEAR(Column(*words, "note").shares[1], 0.5, 0.05);
}

// A table of the column "code", a text of each number.
std::shared_ptr<arrow::RecordBatch> Codes(const std::vector<std::string>& codes) {
  arrow::StringBuilder builder;
  std::shared_ptr<arrow::Array> array;
  EXPECT_TRUE(builder.AppendValues(codes).ok() && builder.Finish(&array).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("code", arrow::utf8())}),
                                  array->length(), {array});
}

Result<Comparison> CompareCodes(const std::vector<std::string>& reference,
                                const std::vector<std::string>& current,
                                const Json& parameters = Json::object()) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", {Codes(reference)});
  sdk::WriteDataset(folder / "c", {Codes(current)});
  Json all = parameters;
  all["classifier"] = false;
  return Compare(folder / "r", folder / "c", nullptr, *ReadOptions(all));
}

TEST(Drift, OfRareValuesOfWhichNoneIsLeftIsNotStable) {
  std::vector<std::string> before, now;
  for (int i = 0; i < 10'000; ++i) {
    before.push_back("k" + std::to_string(i % 5000));
    now.push_back("q" + std::to_string(i % 5000));
  }
  for (const Json& parameters : {Json::object(), Json{{"sample", 4000}}}) {
    const auto comparison = CompareCodes(before, now, parameters);
    ASSERT_TRUE(comparison) << comparison.error().message;
    EXPECT_EQ(comparison->Drifted(), Names{"code"});
    const ColumnDrift& code = Column(*comparison, "code");
    EXPECT_EQ(code.at, kOneSideOnly);
    EXPECT_EQ(code.shares, (std::array<double, 2>{1, 1}));
    EXPECT_EQ(code.value, 1);
    EXPECT_NEAR(code.effect, code.value - code.chance, 1e-12);
    // Of two rows both looked at, one in two divisions has both on one side.
    EXPECT_NEAR(code.effect, parameters.empty() ? 0.5 : 0.4 / 2, 0.01);
    EXPECT_LT(code.p, 1e-6);
    EXPECT_NE(code.note.find("jensenShannon"), std::string::npos) << code.note;
  }
}

TEST(Drift, IsNotSeenBetweenHalvesOfRareValues) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    std::array<std::vector<std::string>, 2> halves;
    for (auto& half : halves) {
      for (int i = 0; i < 10'000; ++i) half.push_back("k" + std::to_string(random.Below(5000)));
    }
    const auto comparison = CompareCodes(halves[0], halves[1]);
    ASSERT_TRUE(comparison) << comparison.error().message;
    EXPECT_STREQ(comparison->Verdict(), "stable") << seed;
    EXPECT_LT(Column(*comparison, "code").effect, 0.05) << seed;
  }
}

TEST(Drift, ByBlocksIsNotFlaggedForRareValuesOfEachDay) {
  const auto days = [](int first) {
    arrow::StringBuilder code;
    arrow::Int64Builder day;
    arrow::ArrayVector arrays(2);
    for (int row = 0; row < 4000; ++row) {  // 40 days, of 20 values each that recur on no other
      const int at = first + row / 100;
      EXPECT_TRUE(code.Append(std::to_string(at) + "-" + std::to_string(row % 20)).ok());
      EXPECT_TRUE(day.Append(at).ok());
    }
    EXPECT_TRUE(code.Finish(&arrays[0]).ok() && day.Finish(&arrays[1]).ok());
    const auto schema =
        arrow::schema({arrow::field("code", arrow::utf8()), arrow::field("day", arrow::int64())});
    return arrow::RecordBatch::Make(schema, 4000, arrays);
  };
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", {days(0)});
  sdk::WriteDataset(folder / "c", {days(40)});
  const auto options =
      ReadOptions({{"columns", {"code"}}, {"blocks", "day"}, {"classifier", false}});
  const auto comparison = Compare(folder / "r", folder / "c", nullptr, *options);
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_STREQ(comparison->Verdict(), "stable");
}

TEST(Drift, OfRowsTooFewToDecideIsRefusedAndNotStable) {
  const auto refused = CompareCodes({"a", "a", "a", "a"}, {"b", "b", "b", "b"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "drift: 4 rows of reference and 4 of current can be divided in so few ways that no p "
            "is below 0.0285714, and alpha is 0.01; give at least 5 rows of each side");
  const auto at_more = CompareCodes({"a", "a", "a", "a"}, {"b", "b", "b", "b"}, {{"alpha", 0.05}});
  ASSERT_TRUE(at_more) << at_more.error().message;
  EXPECT_STREQ(at_more->Verdict(), "drift");
  for (const auto& rows : {std::array<std::int64_t, 2>{5, 5}, {2, 20}, {1, 200}}) {
    EXPECT_TRUE(CheckEnoughRows(rows, 0.01)) << rows[0];
  }
  EXPECT_FALSE(CheckEnoughRows({1, 198}, 0.01));
  EXPECT_FALSE(CheckEnoughRows({3, 3}, 0.1));  // 2 of 20 divisions: p is not below 0.1
}

TEST(Drift, OfNoColumnThatCanBeComparedIsAnErrorAndNotStable) {
  std::vector<std::string> ids;
  for (int i = 0; i < 500; ++i) ids.push_back("id" + std::to_string(i));
  const auto comparison = CompareCodes(ids, ids);
  ASSERT_FALSE(comparison);
  EXPECT_EQ(comparison.error().message,
            "drift: the reference and current have no column that can be compared; code: nearly "
            "all its values differ, as those of an id do");
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", {Codes(ids)});
  sdk::WriteDataset(folder / "c", {Table({})});
  const auto other = Compare(folder / "r", folder / "c", nullptr, *ReadOptions(Json::object()));
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("; code: current does not have it"), std::string::npos);
}

TEST(Drift, GivesTheSameBytesForOtherThreadsAndOthersForAnotherSeed) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", {Table({})});
  sdk::WriteDataset(folder / "c", {Table({.seed = 2, .shift = 0.05})});
  const auto run = [&](const Json& parameters) {
    sdk::Step step(
        parameters,
        {{"reference", {folder / "r", "", "dataset"}}, {"current", {folder / "c", "", "dataset"}}},
        {{"drift", folder / "drift.json"}, {"page", folder / "page.html"}}, "");
    const auto ok = RunDrift(step);
    EXPECT_TRUE(ok) << ok.error().message;
    return *ReadFile(folder / "drift.json") + *ReadFile(folder / "page.html");
  };
  const Json slices = {"carrier"};
  const std::string one = run({{"threads", 1}, {"slices", slices}});
  EXPECT_EQ(one, run({{"threads", 3}, {"slices", slices}}));
  EXPECT_NE(one, run({{"threads", 1}, {"slices", slices}, {"seed", 5}}));
  EXPECT_NE(one.find("<h2"), std::string::npos);
}

TEST(Drift, LooksAtASampleOfLargeTables) {
  const auto comparison = CompareTables({.rows = 9000}, {.rows = 5000, .seed = 2, .shift = 0.5},
                                        {{"sample", 2000}, {"columns", {"delay"}}});
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_EQ(comparison->looked, (std::array<std::int64_t, 2>{2000, 2000}));
  EXPECT_EQ(comparison->rows[0], 9000);
  EXPECT_EQ(comparison->Drifted(), Names{"delay"});
  EXPECT_EQ(comparison->columns.size(), 1U);
}

TEST(RowChoice, TakesSoManyRowsFromEverywhere) {
  RowChoice choice(10'000, 1000, 4);
  int taken = 0;
  int first_half = 0;
  for (int i = 0; i < 10'000; ++i) {
    const bool take = choice.Take();
    taken += take ? 1 : 0;
    first_half += take && i < 5000 ? 1 : 0;
  }
  EXPECT_EQ(taken, 1000);
  EXPECT_NEAR(first_half, 500, 80);
}

TEST(Drift, BySliceIsSeenWhereItIs) {
  // In all rows UA's shift is half of it.
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", {Table({.united = 1}), Table({.seed = 3, .united = 0})});
  sdk::WriteDataset(folder / "c",
                    {Table({.seed = 4, .shift = 1, .united = 1}), Table({.seed = 5, .united = 0})});
  const auto options = ReadOptions({{"slices", {"carrier"}}});
  ASSERT_TRUE(options);
  const auto comparison = Compare(folder / "r", folder / "c", nullptr, *options);
  ASSERT_TRUE(comparison) << comparison.error().message;
  ASSERT_EQ(comparison->slices.size(), 2U);
  for (const SliceDrift& slice : comparison->slices) {
    for (const ColumnDrift& column : slice.columns) {
      EXPECT_EQ(column.drifted, slice.value == "UA" && column.name == "delay")
          << slice.value << " " << column.name;
    }
    EXPECT_EQ(slice.rows[0], 3000);
  }
}

TEST(Drift, ByBlocksIsNotFlaggedForALevelOfEachDay) {
  // Ten rows a day; each day has its own level: all of the table's shift is by days.
  const auto days = [](std::uint64_t seed, double shift) {
    std::vector<std::shared_ptr<arrow::RecordBatch>> all;
    Random random(seed);
    for (int d = 0; d < 40; ++d) {
      Made day = {.rows = 100, .seed = seed * 1000 + std::uint64_t(d)};
      day.shift = shift + 2 * random.Unit();
      day.first_hour = d * 240;
      all.push_back(Table(day));
    }
    return all;
  };
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", days(1, 0));
  sdk::WriteDataset(folder / "same", days(4, 0));
  sdk::WriteDataset(folder / "shifted", days(3, 2));
  const Json parameters = {{"columns", {"delay"}}, {"blocks", "at"}, {"blockHours", 240}};
  const auto options = ReadOptions(parameters);
  ASSERT_TRUE(options) << options.error().message;
  const auto same = Compare(folder / "r", folder / "same", nullptr, *options);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_GT(Column(*same, "delay").p, 0.01);
  EXPECT_FALSE(same->IsDrift());
  EXPECT_EQ(same->blocks[0], 40U);
  const auto shifted = Compare(folder / "r", folder / "shifted", nullptr, *options);
  ASSERT_TRUE(shifted) << shifted.error().message;
  EXPECT_EQ(shifted->Drifted(), Names{"delay"});
}

TEST(Drift, RefusesBlocksThatCannotDecide) {
  const auto comparison = CompareTables({}, {.seed = 2}, {{"blocks", "at"}, {"blockHours", 1e5}});
  ASSERT_FALSE(comparison);
  EXPECT_NE(comparison.error().message.find("make blockHours shorter"), std::string::npos)
      << comparison.error().message;
}

TEST(Drift, SaysWhatIsMissingAddedOrOfAnotherType) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", {Table({})});
  const auto number =
      sdk::BatchOf({arrow::field("delay", arrow::int64()), arrow::field("carrier", arrow::int64()),
                    arrow::field("request_id", arrow::utf8())},
                   R"([[1, 2, "a"], [3, 4, "b"], [5, 6, "c"]])");
  sdk::WriteDataset(folder / "log", {number});
  const auto options = ReadOptions({{"ignore", {"stops"}}});
  ASSERT_TRUE(options);
  const auto comparison = Compare(folder / "r", folder / "log", nullptr, *options);
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_EQ(comparison->pairing.missing, (Names{"at", "note", "late"}));
  EXPECT_EQ(comparison->pairing.added, Names{"request_id"});
  EXPECT_EQ(comparison->Drifted().front(), "carrier");  // its type: string has become int64
  EXPECT_EQ(comparison->pairing.changed.front().why, "string has become int64");
  EXPECT_EQ(comparison->columns.size(), 1U);  // numbers of two kinds are compared
}

TEST(Drift, NamesAColumnThatHasDriftedAsTheWorst) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", {Table({})});
  const auto run = [&](const std::shared_ptr<arrow::RecordBatch>& now, const Json& parameters) {
    sdk::WriteDataset(folder / "c", {now});
    const std::string results = folder / "results";
    std::filesystem::remove_all(results);
    std::filesystem::create_directories(results);
    sdk::Step step(
        parameters,
        {{"reference", {folder / "r", "", "dataset"}}, {"current", {folder / "c", "", "dataset"}}},
        {{"drift", folder / "drift.json"}}, results);
    const auto ran = RunDrift(step);
    EXPECT_TRUE(ran) << ran.error().message;
    return results;
  };
  const auto same = Table({.seed = 2});
  const auto at = same->schema()->GetFieldIndex("late");
  const auto changed =
      *same->SetColumn(at, arrow::field("late", arrow::int64()),
                       *arrow::MakeArrayFromScalar(arrow::Int64Scalar(1), same->num_rows()));
  // By its type alone; nothing was classified or weighed, and no result is missing.
  const std::string by_type = run(changed, {{"classifier", false}});
  EXPECT_EQ(*ReadFile(by_type + "/worst"), "late");
  EXPECT_EQ(*ReadFile(by_type + "/worstEffect"), "1.0");
  EXPECT_EQ(*ReadFile(by_type + "/auc"), "0.5");
  EXPECT_EQ(*ReadFile(by_type + "/effectiveRows"), "0.0");
  const std::string by_values = run(Table({.seed = 2, .shift = 0.5}), Json::object());
  EXPECT_EQ(*ReadFile(by_values + "/worst"), "delay");
  EXPECT_TRUE(std::filesystem::exists(by_values + "/worstEffect"));
  EXPECT_TRUE(std::filesystem::exists(by_values + "/auc"));
}

TEST(Drift, LeavesOutIdsByRoleAndByLooks) {
  const TestFolder folder;
  Json rows = Json::array();
  for (int i = 0; i < 500; ++i) rows.push_back({"id" + std::to_string(i), i % 7, i});
  const auto batch =
      sdk::BatchOf({arrow::field("key", arrow::utf8()), arrow::field("n", arrow::int64()),
                    arrow::field("row", arrow::int64())},
                   rows.dump());
  sdk::WriteDataset(folder / "r", {batch});
  sdk::WriteDataset(folder / "c", {batch});
  sdk::Schema roles = *sdk::DatasetSchema(folder / "r");
  roles.columns[2].role = sdk::Role::kId;
  const auto options = ReadOptions(Json::object());
  ASSERT_TRUE(options);
  const auto comparison = Compare(folder / "r", folder / "c", &roles, *options);
  ASSERT_TRUE(comparison) << comparison.error().message;
  ASSERT_EQ(comparison->columns.size(), 1U);
  EXPECT_EQ(comparison->columns[0].name, "n");
  EXPECT_EQ(comparison->columns[0].value, 0);
  EXPECT_EQ(comparison->columns[0].p, 1);
  ASSERT_EQ(comparison->pairing.skipped.size(), 2U);
  EXPECT_EQ(comparison->pairing.skipped[0].why, "its role is id");
}

TEST(Drift, RefusesWhatCannotBeCompared) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "r", {Table({.rows = 50})});
  sdk::WriteDataset(folder / "empty", {Table({.rows = 50})->Slice(0, 0)});
  const auto problem = [&](const std::string& current, const Json& parameters) {
    const auto options = ReadOptions(parameters);
    if (!options) return options.error().message;
    const auto comparison = Compare(folder / "r", folder / current, nullptr, *options);
    return comparison ? std::string("accepted") : comparison.error().message;
  };
  EXPECT_NE(problem("empty", Json::object()).find("has no rows"), std::string::npos);
  EXPECT_NE(problem("r", {{"columns", {"speed"}}}).find("no column 'speed'"), std::string::npos);
  EXPECT_NE(problem("r", {{"slices", {"speed"}}}).find("speed"), std::string::npos);
  EXPECT_NE(problem("r", {{"statistics", {{"category", "ks"}}}}).find("statistics.category"),
            std::string::npos);
  EXPECT_NE(problem("r", {{"statistics", {{"colour", "ks"}}}}).find("not colour"),
            std::string::npos);
  EXPECT_NE(problem("r", {{"settings", {{"carrier", {{"as", "number"}}}}}}).find("needs numbers"),
            std::string::npos);
  EXPECT_NE(problem("r", {{"floors", {{"number", -1}}}}).find("floors.number"), std::string::npos);
  EXPECT_NE(problem("r", {{"alpha", 0}}).find("alpha"), std::string::npos);
  EXPECT_NE(problem("r", {{"blockHours", 3}}).find("only with blocks"), std::string::npos);
  EXPECT_EQ(problem("r", {{"settings", {{"stops", {{"as", "category"}}}}}}), "accepted");
}

}  // namespace
}  // namespace penstock::drift
