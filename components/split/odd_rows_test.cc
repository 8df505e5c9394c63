// Rows that are equal, groups, nulls, labels: what makes a split other than it looks.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "components/sdk/cells.h"
#include "components/sdk/row_hash.h"
#include "components/sdk/testing/test_data.h"
#include "components/split/options.h"
#include "components/split/run.h"
#include "operator/base/file.h"

namespace penstock::split {
namespace {

using sdk::TestFolder;

const arrow::FieldVector kFields = {arrow::field("g", arrow::utf8()),
                                    arrow::field("late", arrow::boolean()),
                                    arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))};

// One split of rows of kFields, with what it said.
class OddRows : public ::testing::Test {
 protected:
  // An empty text where it went well.
  std::string Split(const Json& rows, const Json& parameters) {
    sdk::WriteDataset(folder_ / "d", {sdk::BatchOf(kFields, rows.dump())});
    std::filesystem::create_directories(folder_ / "results");
    sdk::Step step(
        parameters, {{"dataset", {folder_ / "d", "", "dataset"}}},
        {{"train", folder_ / "train"}, {"valid", folder_ / "valid"}, {"test", folder_ / "test"}},
        folder_ / "results");
    ::testing::internal::CaptureStdout();
    const auto ok = RunSplit(step);
    said_ = ::testing::internal::GetCapturedStdout();
    return ok ? "" : ok.error().message;
  }
  [[nodiscard]] Json ResultOf(const std::string& name) const {
    return Json::parse(*ReadFile(folder_ / ("results/" + name)));
  }
  [[nodiscard]] double TrainShare() const {
    const double rows = ResultOf("trainRows").get<double>() + ResultOf("validRows").get<double>() +
                        ResultOf("testRows").get<double>();
    return ResultOf("trainRows").get<double>() / rows;
  }
  // The values of g with their parts.
  [[nodiscard]] std::map<std::string, std::set<std::string>> PartsOfGroups() const {
    std::map<std::string, std::set<std::string>> parts;
    for (const char* part : kPartNames) {
      const auto rows = sdk::ReadDataset(folder_ / part);
      for (std::int64_t r = 0; r < rows->num_rows(); ++r) {
        parts[sdk::CellToText(CellAt(*sdk::FindColumn(*rows, "g"), r))].insert(part);
      }
    }
    return parts;
  }

  TestFolder folder_;
  std::string said_;
};

// `count` rows of `kinds` contents: on few columns many rows are equal, label and all.
Json EqualRows(int count, int kinds) {
  Json rows = Json::array();
  for (int i = 0; i < count; ++i) {
    rows.push_back({"g" + std::to_string(i % kinds), i % kinds == 0, "2013-01-01"});
  }
  return rows;
}

TEST_F(OddRows, ThatAreEqualDoNotAllGoOneWay) {
  ASSERT_EQ(Split(EqualRows(2000, 4), Json::object()), "");
  EXPECT_NEAR(TrainShare(), 0.8, 0.04);
  for (const auto& [group, parts] : PartsOfGroups()) EXPECT_EQ(parts.size(), 3U) << group;
  EXPECT_EQ(ResultOf("duplicates"), 1996);
  EXPECT_EQ(ResultOf("rowsAcrossParts"), 2000 - ResultOf("trainRows").get<int>());
  EXPECT_NE(said_.find("rows of valid and test also stand in a part before theirs"),
            std::string::npos);
}

TEST_F(OddRows, ThatAreEqualStayTogetherWhereThatIsAsked) {
  ASSERT_EQ(Split(EqualRows(2000, 50), {{"duplicates", "together"}}), "");
  for (const auto& [group, parts] : PartsOfGroups()) EXPECT_EQ(parts.size(), 1U) << group;
  EXPECT_EQ(ResultOf("duplicates"), 1950);
  EXPECT_EQ(ResultOf("rowsAcrossParts"), 0);
}

TEST_F(OddRows, ThatAreEqualAreDroppedButForTheFirst) {
  ASSERT_EQ(Split(EqualRows(2000, 200), {{"duplicates", "drop"}}), "");
  EXPECT_EQ(ResultOf("droppedRows"), 1800);
  EXPECT_EQ(PartsOfGroups().size(), 200U);
  EXPECT_EQ(ResultOf("trainRows").get<int>() + ResultOf("validRows").get<int>() +
                ResultOf("testRows").get<int>(),
            200);
}

TEST_F(OddRows, OfAGroupInSeveralPartsOfASplitByTimeAreSaid) {
  const Json rows = {{"a", true, "2013-01-01"},     {"a", true, "2013-06-01"},
                     {"b", false, "2013-01-02"},    {"c", false, "2013-12-01"},
                     {nullptr, true, "2013-01-01"}, {nullptr, false, "2013-12-01"}};
  const Json parameters = {{"by", "time"},
                           {"column", "t"},
                           {"group", "g"},
                           {"label", "late"},
                           {"cuts", {{"valid", "2013-03-01"}, {"test", "2013-09-01"}}}};
  ASSERT_EQ(Split(rows, parameters), "");
  EXPECT_EQ(ResultOf("groupsAcrossParts"), 1);
  EXPECT_NE(said_.find("1 groups of 'g' have rows in several parts"), std::string::npos) << said_;
  EXPECT_NE(said_.find("test has one class only: 'late' is false"), std::string::npos) << said_;
  const Json parts = ResultOf("parts");
  EXPECT_DOUBLE_EQ(parts["train"]["labels"]["true"], 2.0 / 3);
  EXPECT_EQ(parts["train"]["times"]["t"], (Json{"2013-01-01T00:00:00Z", "2013-01-02T00:00:00Z"}));
}

TEST_F(OddRows, WithoutATimeAreRefusedOrGoWhereIsSaid) {
  const Json rows = {{"a", true, "2013-01-01"},
                     {"b", true, nullptr},
                     {"c", true, "2013-06-01"},
                     {"d", true, "2013-12-01"}};
  Json parameters = {
      {"by", "time"}, {"column", "t"}, {"cuts", {{"valid", "2013-03-01"}, {"test", "2013-09-01"}}}};
  const std::string problem = Split(rows, parameters);
  EXPECT_NE(problem.find("'t' has nulls (the first in row 2)"), std::string::npos) << problem;
  EXPECT_NE(problem.find("nullTimes"), std::string::npos) << problem;
  parameters["nullTimes"] = "train";
  ASSERT_EQ(Split(rows, parameters), "");
  EXPECT_EQ(ResultOf("trainRows"), 2);
  parameters["nullTimes"] = "drop";
  ASSERT_EQ(Split(rows, parameters), "");
  EXPECT_EQ(ResultOf("trainRows"), 1);
  EXPECT_EQ(ResultOf("droppedRows"), 1);
}

TEST_F(OddRows, ThatLeaveAPartEmptyAreAnErrorThatSaysWhatToDo) {
  const Json rows = {{"a", true, "2013-01-01"}, {"b", true, "9999-12-31"}};
  const std::string problem =
      Split(rows, {{"by", "time"},
                   {"column", "t"},
                   {"cuts", {{"valid", "2013-03-01"}, {"test", "2013-09-01"}}}});
  EXPECT_NE(problem.find("valid no rows: change cuts"), std::string::npos) << problem;
  EXPECT_NE(problem.find("test has those from 9999-12-31T00:00:00Z"), std::string::npos) << problem;
  const std::string groups = Split(EqualRows(100, 1), {{"by", "group"}, {"column", "g"}});
  EXPECT_NE(groups.find("too few groups"), std::string::npos) << groups;
}

// The launcher refuses a longer result, and the step's work was for nothing.
TEST_F(OddRows, OfLongTextsAsLabelsLeaveThemOutOfTheResult) {
  Json rows = Json::array();
  for (int i = 0; i < 300; ++i) {
    rows.push_back({std::string(500, char('a' + i % 10)), i % 2 == 0, "2013-01-01"});
  }
  ASSERT_EQ(Split(rows, {{"stratify", "g"}}), "");
  EXPECT_LE(ResultOf("parts").dump().size(), 8192U);
  EXPECT_EQ(ResultOf("parts")["train"]["rows"], ResultOf("trainRows"));
  EXPECT_NE(said_.find("labels of the parts are too long"), std::string::npos) << said_;
}

TEST(RowHash, TakesNaNForNullAndReadsListsAndColumnsWithoutAType) {
  const auto hash = [](const std::shared_ptr<arrow::Array>& array) {
    const auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("c", array->type())}),
                                                array->length(), {array});
    const auto hashes = sdk::HashRows(*batch, {"c"}, 0);
    EXPECT_TRUE(hashes) << array->type()->ToString();
    return *hashes;
  };
  arrow::DoubleBuilder numbers;
  ASSERT_TRUE(numbers.AppendNull().ok());
  ASSERT_TRUE(numbers.AppendValues({std::nan(""), 0.0, -0.0, 1.0}).ok());
  const auto floats = hash(*numbers.Finish());
  EXPECT_EQ(floats[0], floats[1]);
  EXPECT_EQ(floats[2], floats[3]);
  EXPECT_NE(floats[3], floats[4]);
  const auto items = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), items);
  for (const std::vector<std::int64_t>& list :
       std::vector<std::vector<std::int64_t>>{{1, 2}, {1, 2}, {1}, {2, 1}}) {
    ASSERT_TRUE(lists.Append().ok());
    ASSERT_TRUE(items->AppendValues(list).ok());
  }
  const auto listed = hash(*lists.Finish());
  EXPECT_EQ(listed[0], listed[1]);
  EXPECT_EQ(std::set(listed.begin(), listed.end()).size(), 3U);
  EXPECT_EQ(hash(arrow::MakeArrayOfNull(arrow::null(), 2).ValueOrDie()).size(), 2U);
}

}  // namespace
}  // namespace penstock::split
