#include "components/model_format/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

TransformSpec FlightsLike() {
  TransformSpec spec;
  spec.label = "late";
  spec.inputs = {{"distance", ColumnType::kFloat64, true},
                 {"carrier", ColumnType::kString, true},
                 {"dest", ColumnType::kString, true},
                 {"hour", ColumnType::kInt64, false},
                 {"night", ColumnType::kBool, true}};
  spec.steps.push_back({TransformOp::kScale, 0, 1000, 1040.5, 733.25, {}, -1, 1});
  spec.steps.push_back(
      {TransformOp::kOneHot, 1, 0, 0, 1, {std::string("AA"), std::string("UA")}, 1, 1});
  spec.steps.push_back(
      {TransformOp::kVocabulary, 2, 0, 0, 1, {std::string("ORD"), std::string("ATL")}, -1, 3});
  spec.steps.push_back({TransformOp::kPassthrough, 3, 12, 0, 1, {}, -1, 1});
  spec.steps.push_back(
      {TransformOp::kOneHot, 3, 0, 0, 1, {std::int64_t{5}, std::int64_t{6}}, -1, 1});
  spec.steps.push_back({TransformOp::kPassthrough, 4, 1, 0, 1, {}, -1, 1});
  return spec;
}

std::vector<float> Row(const Transform& t, std::vector<Cell> cells) {
  std::vector<float> out(t.width(), -7);
  const auto ok = t.ApplyRow(cells, out.data());
  EXPECT_TRUE(ok) << (ok ? "" : ok.error().message);
  return out;
}

TEST(Transform, GivesEachOperationItsFeatures) {
  const auto t = Transform::Make(FlightsLike());
  ASSERT_TRUE(t) << t.error().message;
  std::vector<std::string> names;
  for (const auto& f : t->features()) names.push_back(f.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"distance", "carrier=AA", "carrier=UA", "carrier=?", "dest",
                                      "hour", "hour=5", "hour=6", "hour=?", "night"}));
  EXPECT_EQ(t->features()[4].cardinality, 5);
  EXPECT_EQ(t->features()[0].cardinality, 0);
  const float scaled = static_cast<float>((227.0 - 1040.5) / 733.25);
  EXPECT_EQ(
      Row(*t, {227.0, std::string_view("UA"), std::string_view("ATL"), std::int64_t{6}, false}),
      (std::vector<float>{scaled, 0, 1, 0, 1, 6, 0, 1, 0, 0}));
}

TEST(Transform, ImputesNullsAndSendsTheUnseenToItsPlace) {
  const auto t = Transform::Make(FlightsLike());
  ASSERT_TRUE(t);
  const float filled = static_cast<float>((1000 - 1040.5) / 733.25);
  EXPECT_EQ(Row(*t, {Cell(), Cell(), Cell(), Cell(), Cell()}),
            (std::vector<float>{filled, 0, 1, 0, 2, 12, 0, 0, 1, 1}));
  const auto unseen =
      Row(*t, {std::nan(""), std::string_view("ZZ"), std::string_view("XXX"), 7.0, true});
  EXPECT_EQ(unseen[0], filled);
  EXPECT_EQ(unseen[3], 1);
  EXPECT_GE(unseen[4], 2);
  EXPECT_LT(unseen[4], 5);
  EXPECT_EQ(unseen[8], 1);
}

// A server, a file and a trainer end here, so that a word has one meaning.
TEST(Transform, TakesAWordForNullForNullUnlessItIsACategory) {
  TransformSpec spec = FlightsLike();
  spec.steps[2].categories = {std::string("NA"), std::string("ATL")};
  const auto t = Transform::Make(spec);
  ASSERT_TRUE(t);
  const auto with = [&](Cell carrier, Cell dest) {
    return Row(*t, {1.0, carrier, dest, std::int64_t{5}, true});
  };
  const std::string_view atl = "ATL";
  EXPECT_EQ(with(std::string_view("NA"), atl), with(Cell(), atl));
  EXPECT_EQ(with(std::string_view(""), atl), with(Cell(), atl));
  EXPECT_NE(with(std::string_view("na"), atl), with(Cell(), atl));
  EXPECT_EQ(with(atl, std::string_view("NA"))[4], 0);
  EXPECT_EQ(with(atl, std::string_view("None")), with(atl, Cell()));
  EXPECT_FALSE(t->IsNullText(2, "NA"));
}

TEST(Transform, GivesTheSameBitsByRowAndByColumn) {
  const auto t = Transform::Make(FlightsLike());
  ASSERT_TRUE(t);
  const std::vector<std::string> names = {"AA", "UA", "ZZ", "ORD", "ATL", "XXX"};
  std::vector<std::vector<Cell>> columns(5);
  constexpr std::size_t kRows = 1000;
  for (std::size_t r = 0; r < kRows; ++r) {
    columns[0].push_back(r % 11 == 0 ? Cell() : Cell(0.1 * double(r * r)));
    columns[1].push_back(r % 13 == 0 ? Cell() : Cell(std::string_view(names[r % 6])));
    columns[2].push_back(Cell(std::string_view(names[(r / 2) % 6])));
    columns[3].push_back(Cell(std::int64_t(r % 24)));
    columns[4].push_back(Cell(r % 2 == 0));
  }
  std::vector<float> by_column(kRows * t->width());
  for (std::size_t c = 0; c < 5; ++c) ASSERT_TRUE(t->ApplyCells(c, columns[c], by_column.data()));
  for (std::size_t r = 0; r < kRows; ++r) {
    const auto row =
        Row(*t, {columns[0][r], columns[1][r], columns[2][r], columns[3][r], columns[4][r]});
    ASSERT_EQ(std::vector<float>(by_column.begin() + long(r * t->width()),
                                 by_column.begin() + long((r + 1) * t->width())),
              row)
        << "row " << r;
  }
}

TEST(Transform, NamesTheColumnAndTheRowOfABadCell) {
  const auto t = Transform::Make(FlightsLike());
  ASSERT_TRUE(t);
  std::vector<float> out(t->width() * 2);
  const std::vector<Cell> cells = {Cell(std::string_view("UA")), Cell(std::int64_t{3})};
  const auto bad = t->ApplyCells(1, cells, out.data());
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "row 1: column 'carrier' takes string, got an integer");
  EXPECT_FALSE(t->ApplyRow(cells, out.data()));
}

TEST(TransformSpec, SurvivesItsText) {
  const TransformSpec spec = FlightsLike();
  const auto json = ParseJson(ToJson(spec).dump(), "test");
  ASSERT_TRUE(json);
  const auto back = ParseTransformSpec(*json);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, spec);
}

TEST(TransformSpec, RefusesWhatCouldNotRunAndSaysWhere) {
  const auto refused = [](auto change) {
    Json j = ToJson(FlightsLike());
    change(j);
    const auto spec = ParseTransformSpec(j);
    return spec ? std::string("accepted") : spec.error().message;
  };
  EXPECT_NE(
      refused([](Json& j) { j["steps"][0]["std"] = 0; }).find("steps[0] (scale distance): std"),
      std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["steps"][1]["column"] = "x"; }).find("steps[1]: column 'x'"),
            std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["steps"][2]["op"] = "hash"; }).find("unknown op"),
            std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["steps"][4]["categories"][0] = "five"; }).find("is no int64"),
            std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["steps"][1]["categories"][0] = "UA"; }).find("stands twice"),
            std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["steps"][1]["fill"] = "ZZ"; }).find("none of categories"),
            std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["steps"][2]["oovBuckets"] = 0; }).find("oovBuckets"),
            std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["formatVersion"] = 3; }).find("formatVersion"),
            std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["steps"] = Json::array(); }).find("no steps"),
            std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["inputs"].push_back(j["inputs"][0]); }).find("stands twice"),
            std::string::npos);
  EXPECT_NE(refused([](Json& j) { j["steps"][0].erase("fill"); }).find("steps[0]"),
            std::string::npos);
}

TEST(TransformSpec, RefusesToScaleAString) {
  TransformSpec spec = FlightsLike();
  spec.steps[0].input = 1;
  const auto t = Transform::Make(spec);
  ASSERT_FALSE(t);
  EXPECT_NE(t.error().message.find("use oneHot"), std::string::npos);
}

}  // namespace
}  // namespace penstock::sdk
