// Tokens and word vectors, from rows and a file to features.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "components/sdk/matrix.h"
#include "components/sdk/testing/test_data.h"
#include "components/transform/fit.h"
#include "components/transform/run.h"
#include "components/transform/training_table.h"
#include "operator/base/file.h"

namespace penstock::transform {
namespace {

using sdk::Category;
using sdk::TransformOp;
using sdk::View;

class TextFit : public ::testing::Test {
 protected:
  void Write(const char* rows) {
    sdk::WriteDataset(
        folder_ / "d",
        {sdk::BatchOf({arrow::field("t", arrow::utf8()), arrow::field("y", arrow::boolean())},
                      rows)});
  }
  void WriteVectors(const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / "v.vec", text));
  }
  Result<sdk::TransformSpec> FitText(const std::string& operation, const Json& parameters,
                                     std::vector<std::string>* notes = nullptr) {
    FitOptions o;
    o.label = "y";
    o.operations = {{operation, {"t"}, parameters}};
    if (operation == "wordVectors") o.vectors = folder_ / "v.vec";
    return Fit(folder_ / "d", o, notes);
  }
  std::string Problem(const std::string& operation, const Json& parameters) {
    const auto spec = FitText(operation, parameters);
    return spec ? "accepted" : spec.error().message;
  }
  Result<void> RunStep(const Json& parameters, bool vectors) {
    std::map<std::string, sdk::StepInput> inputs = {{"dataset", {folder_ / "d", "", ""}}};
    if (vectors) inputs["vectors"] = {folder_ / "v.vec", "", ""};
    sdk::Step step(parameters, inputs, {{"transform", folder_ / "transform.json"}}, "");
    return RunTransform(step);
  }

  sdk::TestFolder folder_;
};

TEST_F(TextFit, TokensAreTheFrequentWordsOfTheRowsWhateverTheirOrder) {
  const Json parameters = {{"topK", 2}, {"minRows", 2}, {"length", 4}};
  Write(R"([["Rain 비가 rain", true], ["rain 눈", false], ["비가 온다", true], [null, false]])");
  const auto spec = FitText("tokens", parameters);
  ASSERT_TRUE(spec) << spec.error().message;
  ASSERT_EQ(spec->steps.size(), 1U);
  EXPECT_EQ(spec->steps[0].categories,
            (std::vector<Category>{std::string("rain"), std::string("비가")}));
  Write(R"([["비가 온다", true], [null, false], ["rain 눈", false], ["Rain 비가 rain", true]])");
  const auto again = FitText("tokens", parameters);
  ASSERT_TRUE(again);
  EXPECT_EQ(ToJson(*again).dump(), ToJson(*spec).dump());
}

TEST_F(TextFit, AViewWithoutFeaturesIsSaidAndNotAnError) {
  Write(R"([["rain rain", true], ["rain 눈", false]])");
  const auto ok = RunStep({{"label", "y"}, {"tokens", {{"t", Json::object()}}}}, false);
  ASSERT_TRUE(ok) << ok.error().message;
  const auto spec = sdk::LoadTransformSpec(folder_ / "transform.json");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_FALSE(sdk::Transform::Make(*spec, View::kTree));
  EXPECT_EQ(sdk::Transform::Make(*spec, View::kEmbedding)->width(), 64U);
}

TEST_F(TextFit, KeepsTheVectorsOfTheRowsWordsAndTheFilesFirstBesideThem) {
  Write(R"([["b b 학교에서 zz", true], ["A, b", false], [null, false]])");
  WriteVectors("x 9 9\n, 8 8\ny 7 7\na 1 0\nb 0 1\nc 6 6\n학교 2 2\n");
  std::vector<std::string> notes;
  const auto spec = FitText("wordVectors", {{"topK", 2}, {"more", 1}}, &notes);
  ASSERT_TRUE(spec) << spec.error().message;
  const auto& table = *spec->steps[0].vectors.table;
  EXPECT_EQ(table.words, (std::vector<std::string>{"b", "a", "x"}));
  EXPECT_EQ(table.values, (std::vector<float>{0, 1, 1, 0, 9, 9}));
  EXPECT_EQ(
      notes.front(),
      "column 't': 1 of 6 words (16.7 %) have no vector, such as 'zz'; kept are 2 of 3 vectors "
      "(2 numbers) that its words have, and 1 others of the file's 7");
  const auto all = FitText("wordVectors", {{"more", 0}});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->steps[0].vectors.table->words, (std::vector<std::string>{"b", "a", "학교"}));
}

TEST_F(TextFit, VectorsAreBroughtToMeanZeroAndDeviationOneOverRowsThatHaveAny) {
  Write(R"([["a", true], ["b", false], ["a b", true], ["none", true], [null, false]])");
  WriteVectors("a 1 5\nb 3 5\n");
  const auto spec = FitText("wordVectors", Json::object());
  ASSERT_TRUE(spec) << spec.error().message;
  const auto& values = spec->steps[0].values;
  ASSERT_EQ(values.size(), 4U);
  EXPECT_NEAR(values[0], 2, 1e-9);
  EXPECT_NEAR(values[1], std::sqrt(2.0 / 3), 1e-9);
  EXPECT_NEAR(values[2], 5, 1e-9);
  EXPECT_EQ(values[3], 1);
}

// A dataset's matrix, a fold's and a server's row have the same bits.
TEST_F(TextFit, TrainingAndServingHaveTheSameFeatures) {
  const std::vector<std::string> texts = {
      "비가 온다 비가", "Rain, rain!", "", "학교에서 rain", "\u1112\u1161\u11A8\u1100\u116D",
      "none",           "“비가”"};
  Json rows = Json::array();
  for (const auto& text : texts) rows.push_back({text, rows.size() % 2 == 0});
  rows.push_back({Json(), true});
  Write(rows.dump().c_str());
  WriteVectors("3 2\n비가 0.1 0.7\nrain -0.3 0.2\n학교 1.5 2.5\n");
  FitOptions o;
  o.label = "y";
  o.vectors = folder_ / "v.vec";
  o.operations = {{"tokens", {"t"}, {{"minRows", 1}, {"length", 3}, {"oovBuckets", 2}}},
                  {"wordVectors", {"t"}, {{"pooling", "max"}}}};
  const auto spec = Fit(folder_ / "d", o);
  ASSERT_TRUE(spec) << spec.error().message;
  const auto table = TrainingTable::Load({folder_ / "d"}, *spec, nullptr, {}, Constants::kOfRecipe);
  ASSERT_TRUE(table) << table.error().message;
  std::vector<std::uint32_t> all(rows.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = std::uint32_t(i);
  const std::vector<double> y(rows.size(), 0);
  const auto fitted = table->FitOn(all, View::kEmbedding, y, 2, 1);
  ASSERT_TRUE(fitted) << fitted.error().message;
  // What a server has read from the model's folder.
  const auto read = sdk::ParseTransformSpec(Json::parse(ToJson(fitted->spec).dump()));
  ASSERT_TRUE(read) << read.error().message;
  const auto served = sdk::Transform::Make(*read, View::kEmbedding);
  ASSERT_TRUE(served);
  ASSERT_EQ(served->width(), 3U + 2U);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::vector<float> row(served->width());
    const sdk::Cell cell = r < texts.size() ? sdk::Cell(std::string_view(texts[r])) : sdk::Cell();
    ASSERT_TRUE(served->ApplyRow(std::vector<sdk::Cell>{cell}, row.data()));
    const float* own = fitted->x.data.get() + r * fitted->x.width;
    EXPECT_EQ(row, std::vector<float>(own, own + fitted->x.width)) << r;
  }
}

TEST_F(TextFit, AFoldKeepsTheWordsAndFindsTheMomentsOfItsOwnRows) {
  Write(R"([["a", true], ["b", false], ["a", true], ["b b", false]])");
  WriteVectors("a 1\nb 3\n");
  const auto spec = FitText("wordVectors", Json::object());
  ASSERT_TRUE(spec) << spec.error().message;
  const auto table = TrainingTable::Load({folder_ / "d"}, *spec);
  ASSERT_TRUE(table);
  const std::vector<std::uint32_t> rows = {0, 1, 2};
  const auto fitted = table->FitOn(rows, View::kDense, std::vector<double>(4, 0), 2, 1);
  ASSERT_TRUE(fitted) << fitted.error().message;
  EXPECT_EQ(fitted->spec.steps[0].vectors, spec->steps[0].vectors);
  EXPECT_NEAR(fitted->spec.steps[0].values[0], 5.0 / 3, 1e-9);
}

TEST_F(TextFit, SaysWhatIsWrong) {
  Write(R"([["a", true], ["b", false]])");
  WriteVectors("x 1\ny 3\n");
  const auto has = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(Problem("wordVectors", Json::object()), "none of its 2 words has a vector in");
  has(Problem("wordVectors", {{"pooling", "sum"}}), "pooling");
  has(Problem("tokens", {{"length", 0}}), "length");
  has(Problem("tokens", {{"size", 3}}), "size");
  WriteVectors("x 1\ny 3 4\n");
  has(Problem("wordVectors", Json::object()), "v.vec, line 2: has more numbers than 1");
  const auto without = RunStep({{"label", "y"}, {"wordVectors", {{"t", Json::object()}}}}, false);
  has(without.error().message, "needs the input vectors");
  const auto unused = RunStep({{"label", "y"}, {"tokens", {{"t", Json::object()}}}}, true);
  has(unused.error().message, "input vectors: no operation takes it");
}

}  // namespace
}  // namespace penstock::transform
