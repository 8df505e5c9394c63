// Whole numbers that doubles cannot tell apart, types that have become others, a schema that the
// datasets are not like, and its skew.
#include <arrow/api.h>
#include <gmock/gmock.h>

#include <functional>

#include "components/drift/compare.h"
#include "components/drift/details.h"
#include "components/drift/report.h"
#include "components/drift/testing/made_table.h"
#include "components/drift/whole_numbers.h"
#include "components/sdk/testing/test_data.h"

namespace penstock::drift {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kBig = (std::int64_t{1} << 53) + 2;

TEST(WholeNumbers, GetDoublesOfTheirOwnInTheirOrder) {
  std::vector<std::int64_t> all = {kBig,      kBig + 1,      kBig + 2,  5,
                                   -kBig - 1, -kBig,         INT64_MAX, INT64_MAX - 1,
                                   INT64_MIN, INT64_MIN + 1, kBig};
  const WholeNumbers numbers = WholeNumbers::Of(all);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(numbers.TextOf(numbers.ValueOf(all[i])), std::to_string(all[i]));
    EXPECT_NEAR(numbers.ValueOf(all[i]), double(all[i]), 1e-14 * std::abs(double(all[i])));
    if (i > 0) {
      EXPECT_LT(numbers.ValueOf(all[i - 1]), numbers.ValueOf(all[i]));
    }
  }
  EXPECT_EQ(numbers.TextOf(0.5), "0.5");
}

TEST(WholeNumbers, AreDoublesWhereThoseTellThemApart) {
  EXPECT_TRUE(WholeNumbers::Of({1, 2, kBig, kBig + 2}).empty());
  EXPECT_EQ(WholeNumbers().ValueOf(kBig), double(kBig));
  EXPECT_TRUE(WholeNumbers::Of({}).empty());
}

// A dataset of one column.
std::shared_ptr<arrow::RecordBatch> One(const std::shared_ptr<arrow::Array>& array) {
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("x", array->type())}),
                                  array->length(), {array});
}
std::shared_ptr<arrow::RecordBatch> Whole(int rows, const std::function<std::int64_t(int)>& at) {
  arrow::Int64Builder builder;
  for (int i = 0; i < rows; ++i) EXPECT_TRUE(builder.Append(at(i)).ok());
  return One(*builder.Finish());
}

class TypesDrift : public ::testing::Test {
 protected:
  Result<Comparison> Run(const std::shared_ptr<arrow::RecordBatch>& reference,
                         const std::shared_ptr<arrow::RecordBatch>& current,
                         const sdk::Schema* schema = nullptr, Json parameters = Json::object()) {
    sdk::WriteDataset(folder_ / "r", {reference});
    sdk::WriteDataset(folder_ / "c", {current});
    parameters["classifier"] = parameters.value("classifier", false);
    const auto options = ReadOptions(parameters);
    if (!options) return options.error();
    return Compare(folder_ / "r", folder_ / "c", schema, *options);
  }
  const sdk::TestFolder folder_;
};

TEST_F(TypesDrift, OfWholeNumbersThatRoundToOneDoubleIsSeen) {
  const auto even = Whole(2000, [](int i) { return kBig + 2 * (i % 2); });
  const auto odd = Whole(2000, [](int i) { return kBig + (i % 2); });
  ASSERT_EQ(double(kBig + 1), double(kBig + 2));
  const auto drift = Run(even, odd, nullptr, {{"classifier", true}});
  ASSERT_TRUE(drift) << drift.error().message;
  EXPECT_THAT(drift->Drifted(), ElementsAre("x"));
  EXPECT_EQ(drift->columns[0].at, std::to_string(kBig + 1));
  EXPECT_NEAR(drift->columns[0].value, 0.5, 1e-12);
  EXPECT_TRUE(drift->domain_drifted);
  const auto same = Run(odd, odd);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_THAT(same->Drifted(), IsEmpty());
}

// The first rows are small, and the batch in which the large ones come is another.
TEST_F(TypesDrift, OfWholeNumbersIsSeenWhereOnlyLaterRowsAreLarge) {
  const auto rows = [](std::int64_t end) {
    return Whole(200'000, [end](int i) { return i < 150'000 ? i % 7 : end; });
  };
  const auto drift = Run(rows(kBig + 1), rows(kBig + 2));
  ASSERT_TRUE(drift) << drift.error().message;
  EXPECT_THAT(drift->Drifted(), ElementsAre("x"));
  EXPECT_NEAR(drift->columns[0].value, 0.25, 1e-9);
}

TEST_F(TypesDrift, OfATypeThatIsNoListAnyMoreIsOneOfTypes) {
  arrow::ListBuilder lists(arrow::default_memory_pool(), std::make_shared<arrow::Int64Builder>());
  arrow::ListBuilder others(arrow::default_memory_pool(), std::make_shared<arrow::StringBuilder>());
  arrow::StringBuilder texts;
  arrow::BinaryBuilder bytes;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(lists.Append().ok() && others.Append().ok());
    ASSERT_TRUE(texts.Append("a").ok() && bytes.Append("a").ok());
  }
  const auto list = One(*lists.Finish());
  const auto other = One(*others.Finish());
  const auto text = One(*texts.Finish());
  const auto binary = One(*bytes.Finish());
  using Batches =
      std::pair<std::shared_ptr<arrow::RecordBatch>, std::shared_ptr<arrow::RecordBatch>>;
  for (const auto& [before, now] : std::vector<Batches>{
           {list, text}, {text, list}, {list, other}, {binary, text}, {list, binary}}) {
    const auto drift = Run(before, now);
    ASSERT_TRUE(drift) << drift.error().message;
    EXPECT_THAT(drift->Drifted(), ElementsAre("x"));
    EXPECT_THAT(drift->pairing.changed[0].why, HasSubstr(" has become "));
  }
  EXPECT_THAT(Run(binary, binary).error().message, HasSubstr("nothing compares values of"));
}

// Items as words, lengths by powers of two.
TEST_F(TypesDrift, OfListsSaysWhichItem) {
  const auto lists = [](int rows, const std::function<std::vector<int>(int)>& at) {
    auto items = std::make_shared<arrow::Int32Builder>();
    arrow::ListBuilder builder(arrow::default_memory_pool(), items);
    for (int i = 0; i < rows; ++i) {
      if (i % 50 == 0) {
        EXPECT_TRUE(builder.AppendNull().ok());
        continue;
      }
      EXPECT_TRUE(builder.Append().ok());
      for (const int item : at(i)) EXPECT_TRUE(items->Append(item).ok());
    }
    return One(*builder.Finish());
  };
  const auto before = lists(3000, [](int i) { return std::vector{i % 5, 7}; });
  const auto now = lists(3000, [](int i) { return std::vector{i % 5, i % 3 == 0 ? 8 : 7}; });
  const auto drift = Run(before, now, nullptr, {{"classifier", true}});
  ASSERT_TRUE(drift) << drift.error().message;
  EXPECT_THAT(drift->Drifted(), ElementsAre("x"));
  EXPECT_EQ(drift->columns[0].statistic, Statistic::kPresence);
  EXPECT_THAT(drift->columns[0].at, ::testing::AnyOf("7", "8"));
  EXPECT_EQ(drift->columns[0].nulls[0], 60);
  EXPECT_TRUE(drift->domain_drifted);
  const auto longer = lists(3000, [](int i) { return std::vector<int>(i % 2 == 0 ? 2 : 9, 7); });
  const auto length = Run(lists(3000, [](int) { return std::vector{7, 7}; }), longer);
  ASSERT_TRUE(length) << length.error().message;
  EXPECT_THAT(length->columns[0].at, HasSubstr(" items or more, less than "));
  EXPECT_THAT(Run(before, before)->Drifted(), IsEmpty());
  EXPECT_THAT(
      Run(before, now, nullptr, {{"settings", {{"x", {{"as", "number"}}}}}}).error().message,
      HasSubstr("settings.x.as: a list is looked at as text"));
}

TEST_F(TypesDrift, ASchemaThatTheSidesAreNotLikeIsTold) {
  sdk::Schema schema;
  for (const auto& [name, type] : std::vector<std::pair<std::string, std::string>>{
           {"delay", "float64"}, {"stops", "string"}, {"gone", "int64"}, {"late", "bool"}})
    schema.columns.push_back({.name = name, .type = type});
  const auto drift = Run(Table({}), Table({.seed = 2, .skip = "late"}), &schema);
  ASSERT_TRUE(drift) << drift.error().message;
  std::vector<std::string> told;
  for (const auto& said : drift->unlike_schema) told.push_back(said.column + ": " + said.why);
  EXPECT_THAT(told,
              ElementsAre("stops: the schema says string, and it is int64 in reference, the schema "
                          "says string, and it is int64 in current",
                          "gone: reference does not have it, current does not have it",
                          "late: current does not have it"));
  const auto options = ReadOptions(Json::object());
  EXPECT_EQ(ReportJson(*drift, *options)["unlikeSchema"][1]["column"], "gone");
  EXPECT_THAT(ReportPage(*drift, *options), HasSubstr("Unlike the schema"));
  const auto own = Run(Table({}), Table({.seed = 2, .skip = "late"}));
  EXPECT_THAT(own->unlike_schema, IsEmpty()) << "none was given";
}

TEST_F(TypesDrift, TheSkewOfASchemaCountsWhereItIsAskedFor) {
  auto table = Table({.rows = 30'000});
  sdk::WriteDataset(folder_ / "s", {table});
  sdk::Schema schema = *sdk::DatasetSchema(folder_ / "s");
  for (auto& column : schema.columns) {
    if (column.name != "delay") continue;
    column.constraints.skew.floor = 0.02;
    column.constraints.drift.ignore = true;
  }
  const auto now = Table({.rows = 30'000, .seed = 2, .shift = 0.1});
  const auto drift = Run(table, now, &schema);
  ASSERT_TRUE(drift) << drift.error().message;
  EXPECT_THAT(drift->Drifted(), IsEmpty());
  EXPECT_EQ(drift->pairing.skipped.at(0).column, "delay");
  const auto skew = Run(table, now, &schema, {{"schemaAsks", "skew"}});
  ASSERT_TRUE(skew) << skew.error().message;
  EXPECT_THAT(skew->Drifted(), ElementsAre("delay"));
  for (auto& column : schema.columns) column.constraints.skew.statistic = "no";
  EXPECT_THAT(Run(table, now, &schema, {{"schemaAsks", "skew"}}).error().message,
              HasSubstr("the schema's skew.statistic of 'delay' is 'no'"));
  EXPECT_THAT(Run(table, now, &schema, {{"schemaAsks", "both"}}).error().message,
              HasSubstr("schemaAsks"));
}

Sorted Of(std::vector<double> values) {
  Sorted sorted;
  sorted.values = Runs::Of(std::move(values));
  sorted.moments = MomentsOf(sorted.values);
  return sorted;
}

TEST(PopulationStability, OfAConstantThatHasChangedIsNotNothing) {
  const std::vector<double> five(100, 5.0), seven(100, 7.0), three(100, 3.0);
  EXPECT_GT(NumberMethods(Of(five), Of(seven))["psi"].get<double>(), 1);
  EXPECT_GT(NumberMethods(Of(five), Of(three))["psi"].get<double>(), 1);
  EXPECT_EQ(NumberMethods(Of(five), Of(five))["psi"], 0.0);
  // Of few values one more.
  std::vector<double> some, more;
  for (int i = 0; i < 100; ++i) {
    some.push_back(i % 2);
    more.push_back(i % 3);
  }
  EXPECT_GT(NumberMethods(Of(some), Of(more))["psi"].get<double>(), 1);
}

}  // namespace
}  // namespace penstock::drift
