// Strata and folds: exact shares, whole groups, and the same answer however it is computed.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "components/sdk/cells.h"
#include "components/sdk/testing/test_data.h"
#include "components/split/options.h"
#include "components/split/passes.h"
#include "components/split/run.h"
#include "operator/base/file.h"

namespace penstock::split {
namespace {

using sdk::TestFolder;

// 2,000 rows of 100 groups; every tenth row is late.
std::shared_ptr<arrow::RecordBatch> Rows() {
  Json rows = Json::array();
  for (int i = 0; i < 2000; ++i) rows.push_back({"g" + std::to_string(i % 97), i % 10 == 0, i});
  return sdk::BatchOf({arrow::field("g", arrow::utf8()), arrow::field("late", arrow::boolean()),
                       arrow::field("n", arrow::int64())},
                      rows.dump());
}

struct Folder : TestFolder {
  Folder() { sdk::WriteDataset(*this / "d", {Rows()}); }
  [[nodiscard]] Result<void> Split(const Json& parameters) const {
    sdk::Step step(
        parameters, {{"dataset", {*this / "d", "", "dataset"}}},
        {{"train", *this / "train"}, {"valid", *this / "valid"}, {"test", *this / "test"}}, "");
    return RunSplit(step);
  }
};

std::string TextAt(const arrow::RecordBatch& rows, const char* column, std::int64_t row) {
  return sdk::CellToText(CellAt(*sdk::FindColumn(rows, column), row));
}

// How many rows of a part have each value of a column, by the value of another.
std::map<std::string, std::map<std::string, int>> CountBy(const std::string& folder,
                                                          const char* column, const char* by) {
  const auto rows = sdk::ReadDataset(folder);
  std::map<std::string, std::map<std::string, int>> counts;
  for (std::int64_t r = 0; r < rows->num_rows(); ++r) {
    ++counts[TextAt(*rows, by, r)][TextAt(*rows, column, r)];
  }
  return counts;
}

TEST(Strata, HaveTheirShareInEveryPartToARow) {
  const Folder folder;
  const auto ok = folder.Split({{"stratify", "late"}});
  ASSERT_TRUE(ok) << ok.error().message;
  const std::map<std::string, std::pair<int, int>> expected = {
      {"train", {160, 1440}}, {"valid", {20, 180}}, {"test", {20, 180}}};
  for (const auto& [part, counts] : expected) {
    auto found = CountBy(folder / part, "late", "late");
    EXPECT_EQ(found["true"]["true"], counts.first) << part;
    EXPECT_EQ(found["false"]["false"], counts.second) << part;
  }
}

TEST(Strata, OfGroupsKeepThemWholeAndComeNear) {
  const Folder folder;
  const auto ok = folder.Split({{"group", "g"}, {"stratify", "late"}, {"folds", 4}});
  ASSERT_TRUE(ok) << ok.error().message;
  std::map<std::string, std::set<std::string>> parts;
  for (const char* part : kPartNames) {
    for (const auto& [group, counts] : CountBy(folder / part, "late", "g")) {
      parts[group].insert(part);
    }
  }
  EXPECT_EQ(parts.size(), 97U);
  for (const auto& [group, in] : parts) EXPECT_EQ(in.size(), 1U) << group;
  for (const auto& [group, folds] : CountBy(folder / "train", "fold", "g")) {
    EXPECT_EQ(folds.size(), 1U) << group;
  }
  auto folds = CountBy(folder / "train", "late", "fold");
  ASSERT_EQ(folds.size(), 4U);
  for (auto& [fold, late] : folds) {
    EXPECT_NEAR(late["true"], 40, 4) << fold;
    EXPECT_NEAR(late["false"], 360, 25) << fold;
  }
}

TEST(Strata, OfTooManyValuesAreRefused) {
  const Folder folder;
  const auto ok = folder.Split({{"stratify", "n"}});
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().message.find("'n' has more than 1000 values"), std::string::npos);
}

TEST(Folds, AreAColumnOfTrainThatPartsIt) {
  const Folder folder;
  const auto ok = folder.Split({{"folds", 5}, {"fractions", {{"train", 0.9}, {"test", 0.1}}}});
  ASSERT_TRUE(ok) << ok.error().message;
  auto folds = CountBy(folder / "train", "late", "fold");
  ASSERT_EQ(folds.size(), 5U);
  for (auto& [fold, late] : folds) EXPECT_NEAR(late["true"] + late["false"], 360, 60) << fold;
  EXPECT_EQ(sdk::ReadDataset(folder / "test")->num_columns(), 3);
}

TEST(Folds, HaveTheSharesOfTrainWhereTheyAreStratified) {
  const Folder folder;
  const auto ok = folder.Split({{"folds", 4}, {"stratify", "late"}});
  ASSERT_TRUE(ok) << ok.error().message;
  for (auto& [fold, late] : CountBy(folder / "train", "late", "fold")) {
    EXPECT_EQ(late["true"], 40) << fold;
    EXPECT_EQ(late["false"], 360) << fold;
  }
}

TEST(Folds, OfRepetitionsDiffer) {
  const Folder folder;
  const auto ok = folder.Split({{"folds", 2}, {"repeats", 2}, {"fractions", {{"train", 1}}}});
  ASSERT_TRUE(ok) << ok.error().message;
  auto both = CountBy(folder / "train", "fold_1", "fold_2");
  for (const char* first : {"0", "1"}) {
    for (const char* second : {"0", "1"}) EXPECT_NEAR(both[second][first], 500, 80);
  }
  EXPECT_FALSE(folder.Split({{"folds", 1}}));
  EXPECT_FALSE(folder.Split({{"repeats", 2}}));
}

TEST(Folds, DoNotTakeTheNameOfAColumn) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {sdk::BatchOf({arrow::field("fold", arrow::int64())}, "[[1]]")});
  sdk::Step step(
      {{"folds", 2}}, {{"dataset", {folder / "d", "", "dataset"}}},
      {{"train", folder / "train"}, {"valid", folder / "valid"}, {"test", folder / "test"}}, "");
  const auto ok = RunSplit(step);
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().message.find("a column 'fold' already"), std::string::npos);
}

// The codes of all rows, with as many partitions as `rows` would have.
std::vector<std::uint8_t> CodesOf(const Folder& folder, const Json& parameters, std::int64_t rows) {
  const auto options = ReadOptions(parameters);
  auto reader = sdk::DatasetReader::Open(folder / "d");
  std::filesystem::create_directories(folder / "spill");
  auto passes = Passes::Create(*options, folder / "spill", rows);
  EXPECT_TRUE(options && reader && passes);
  EXPECT_TRUE(passes->Run(**reader));
  std::vector<std::uint8_t> codes(2000 * passes->Levels());
  for (std::size_t at = 0; at < codes.size(); at += passes->Levels()) {
    EXPECT_TRUE(passes->NextCodes(&codes[at]));
  }
  return codes;
}

TEST(Passes, PlaceRowsTheSameWayOnDiskWhateverTheirPartitions) {
  const Folder folder;
  for (const Json& parameters :
       {Json::object(), Json{{"stratify", "late"}, {"folds", 3}}, Json{{"duplicates", "drop"}},
        Json{{"group", "g"}, {"stratify", "late"}}, Json{{"by", "group"}, {"column", "g"}}}) {
    EXPECT_EQ(CodesOf(folder, parameters, 10), CodesOf(folder, parameters, 100'000'000))
        << parameters.dump();
  }
}

TEST(Split, GivesTheSameBytesHoweverTheRowsCame) {
  const Folder whole;
  const TestFolder pieces;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (int i = 0; i < 20; ++i) batches.push_back(Rows()->Slice(i * 100, 100));
  sdk::WriteDataset(pieces / "d", batches);
  ASSERT_TRUE(whole.Split({{"folds", 3}}));
  sdk::Step step(
      {{"folds", 3}}, {{"dataset", {pieces / "d", "", "dataset"}}},
      {{"train", pieces / "train"}, {"valid", pieces / "valid"}, {"test", pieces / "test"}}, "");
  ASSERT_TRUE(RunSplit(step));
  for (const char* part : kPartNames) {
    EXPECT_EQ(*ReadFile(whole / (std::string(part) + "/part-00000.parquet")),
              *ReadFile(pieces / (std::string(part) + "/part-00000.parquet")));
    EXPECT_FALSE(std::filesystem::exists(whole / (std::string(part) + "/.scratch")));
  }
}

}  // namespace
}  // namespace penstock::split
