#include <arrow/api.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "components/sdk/cells.h"
#include "components/sdk/testing/test_data.h"
#include "components/split/options.h"
#include "components/split/run.h"

namespace penstock::split {
namespace {

using sdk::TestFolder;

std::shared_ptr<arrow::RecordBatch> Rows(int count) {
  Json rows = Json::array();
  for (int i = 0; i < count; ++i) {
    const std::string month = (i % 12 < 9 ? "0" : "") + std::to_string(i % 12 + 1);
    rows.push_back({"N" + std::to_string(i % 97), i, "2013-" + month + "-01"});
  }
  return sdk::BatchOf({arrow::field("tail", arrow::utf8()), arrow::field("n", arrow::int64()),
                       arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))},
                      rows.dump());
}

Result<void> RunOn(const TestFolder& folder, const Json& parameters) {
  sdk::Step step(
      parameters, {{"dataset", {folder / "d", "", "dataset"}}},
      {{"train", folder / "train"}, {"valid", folder / "valid"}, {"test", folder / "test"}}, "");
  return RunSplit(step);
}

TEST(Split, GivesEveryRowToOnePartByItsShare) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {Rows(5000)});
  const auto ok = RunOn(folder, Json::object());
  ASSERT_TRUE(ok) << ok.error().message;
  std::set<std::int64_t> seen;
  std::int64_t train = 0;
  for (const char* part : kPartNames) {
    const auto rows = sdk::ReadDataset(folder / part);
    if (std::string(part) == "train") train = rows->num_rows();
    std::int64_t last = -1;
    for (std::int64_t r = 0; r < rows->num_rows(); ++r) {
      const auto n = std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "n"), r));
      EXPECT_GT(n, last);  // the order is kept
      last = n;
      EXPECT_TRUE(seen.insert(n).second);
    }
  }
  EXPECT_EQ(seen.size(), 5000U);
  EXPECT_NEAR(double(train) / 5000, 0.8, 0.03);
}

// The numbers of the rows of each part.
std::vector<std::set<std::int64_t>> PartsOf(const std::shared_ptr<arrow::RecordBatch>& batch,
                                            const Json& parameters) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {batch});
  const auto ok = RunOn(folder, parameters);
  EXPECT_TRUE(ok) << ok.error().message;
  std::vector<std::set<std::int64_t>> parts;
  for (const char* part : kPartNames) {
    const auto rows = sdk::ReadDataset(folder / part);
    auto& numbers = parts.emplace_back();
    for (std::int64_t r = 0; r < rows->num_rows(); ++r) {
      numbers.insert(std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "n"), r)));
    }
  }
  return parts;
}

TEST(Split, SendsARowTheSameWayWhateverTheOthersAre) {
  const auto batch = Rows(1000);
  for (const Json& parameters : {Json{{"columns", {"n"}}, {"seed", 4}}, Json{{"seed", 4}}}) {
    const auto all = PartsOf(batch, parameters);
    const auto some = PartsOf(batch->Slice(500, 100), parameters);
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const auto n : some[i]) EXPECT_TRUE(all[i].contains(n)) << n;
    }
  }
  EXPECT_NE(PartsOf(batch, {{"columns", {"n"}}, {"seed", 4}}),
            PartsOf(batch, {{"columns", {"n"}}, {"seed", 5}}));
}

TEST(Split, KeepsAGroupTogether) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {Rows(5000)});
  const auto ok = RunOn(folder, {{"by", "group"}, {"column", "tail"}});
  ASSERT_TRUE(ok) << ok.error().message;
  std::map<std::string, std::set<std::string>> parts_of_group;
  for (const char* part : kPartNames) {
    const auto rows = sdk::ReadDataset(folder / part);
    for (std::int64_t r = 0; r < rows->num_rows(); ++r) {
      parts_of_group[sdk::CellToText(CellAt(*sdk::FindColumn(*rows, "tail"), r))].insert(part);
    }
  }
  EXPECT_EQ(parts_of_group.size(), 97U);
  for (const auto& [group, parts] : parts_of_group) EXPECT_EQ(parts.size(), 1U) << group;
}

TEST(Split, CutsTimeWithTheCutInTheLaterPart) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {Rows(120)});
  const auto ok = RunOn(folder, {{"by", "time"},
                                 {"column", "t"},
                                 {"cuts", {{"valid", "2013-08-01"}, {"test", "2013-10-01"}}}});
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(sdk::ReadDataset(folder / "train")->num_rows(), 70);
  EXPECT_EQ(sdk::ReadDataset(folder / "valid")->num_rows(), 20);
  EXPECT_EQ(sdk::ReadDataset(folder / "test")->num_rows(), 30);
}

TEST(Split, RefusesAnEmptyPart) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {Rows(120)});
  const auto ok = RunOn(folder, {{"by", "time"},
                                 {"column", "t"},
                                 {"cuts", {{"valid", "2014-01-01"}, {"test", "2015-01-01"}}}});
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().message.find("valid no rows"), std::string::npos);
  // A share of 0 is allowed to be empty.
  EXPECT_TRUE(RunOn(folder, {{"fractions", {{"train", 0.9}, {"test", 0.1}}}}));
}

TEST(Split, RefusesNullsAndWrongColumns) {
  const TestFolder folder;
  sdk::WriteDataset(
      folder / "d",
      {sdk::BatchOf({arrow::field("g", arrow::utf8()), arrow::field("n", arrow::int64())},
                    R"([["a", 1], [null, 2]])")});
  const Json cuts = {{"valid", "2013-01-01"}, {"test", "2013-02-01"}};
  EXPECT_NE(RunOn(folder, {{"by", "group"}, {"column", "g"}}).error().message.find("has nulls"),
            std::string::npos);
  EXPECT_NE(RunOn(folder, {{"by", "time"}, {"column", "n"}, {"cuts", cuts}})
                .error()
                .message.find("not a timestamp"),
            std::string::npos);
  EXPECT_FALSE(RunOn(folder, {{"columns", {"x"}}}));
}

TEST(SplitOptions, NameWhatIsWrong) {
  const auto problem = [](const Json& p) {
    const auto options = ReadOptions(p);
    return options ? std::string("accepted") : options.error().message;
  };
  EXPECT_NE(problem({{"by", "row"}}).find("hash, group, time"), std::string::npos);
  EXPECT_NE(problem({{"by", "group"}}).find("column: is required"), std::string::npos);
  EXPECT_NE(problem({{"fractions", {{"train", 0.5}}}}).find("add up to 1"), std::string::npos);
  EXPECT_NE(problem({{"fractions", {{"tain", 1}}}}).find("not tain"), std::string::npos);
  EXPECT_NE(
      problem({{"by", "time"}, {"column", "t"}, {"cuts", {{"valid", "x"}, {"test", "2013-01-01"}}}})
          .find("cuts.valid"),
      std::string::npos);
  EXPECT_NE(problem({{"by", "time"},
                     {"column", "t"},
                     {"cuts", {{"valid", "2013-02-01"}, {"test", "2013-01-01"}}}})
                .find("must not be after"),
            std::string::npos);
}

}  // namespace
}  // namespace penstock::split
