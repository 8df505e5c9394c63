// What kTokens and kWordVectors make of a text, worked by hand, and their text in transform.json.
#include "components/model_format/word_vectors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "components/model_format/transform.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

using Row = std::vector<float>;

TransformSpec SpecOf(TransformStep step) {
  TransformSpec spec;
  spec.inputs = {{"x", ColumnType::kString, true}};
  spec.steps = {std::move(step)};
  return spec;
}

Row Of(const TransformStep& step, const Cell& cell) {
  const auto t = Transform::Make(SpecOf(step), View::kEmbedding);
  if (!t) {
    ADD_FAILURE() << t.error().message;
    return {};
  }
  Row row(t->width(), -7);
  const auto ok = t->ApplyCell(0, cell, row.data());
  EXPECT_TRUE(ok) << (ok ? "" : ok.error().message);
  return row;
}

TransformStep Tokens(std::int64_t length) {
  TransformStep step;
  step.op = TransformOp::kTokens;
  step.views = Only(View::kEmbedding);
  step.length = length;
  step.longest = 0;
  step.categories = {std::string("날씨"), std::string("rain")};
  return step;
}

TransformStep Vectors(Pooling pooling = Pooling::kMean) {
  TransformStep step;
  step.op = TransformOp::kWordVectors;
  step.views = kAllViews;
  step.pooling = pooling;
  step.vectors.table = std::make_shared<const WordVectors>(
      WordVectors{2, {"학교", "rain", "USA"}, {1, 10, 3, -2, 0.5, 0}});
  step.values = {0, 1, 0, 1};
  return step;
}

TEST(Tokens, AreIdsByPlaceThenBucketsAndZeroWhereTheTextHasEnded) {
  TransformStep step = Tokens(4);
  EXPECT_EQ(Of(step, std::string_view("Rain, 날씨!")), (Row{2, 1, 0, 0}));
  EXPECT_EQ(Of(step, std::string_view("rain snow")), (Row{2, 3, 0, 0}));
  EXPECT_EQ(Of(step, Cell()), (Row{0, 0, 0, 0}));
  EXPECT_EQ(Of(step, std::string_view("")), (Row{0, 0, 0, 0}));
  EXPECT_EQ(Of(step, std::string_view("!?")), (Row{0, 0, 0, 0}));
  step.oov_buckets = 5;
  const float id = Of(step, std::string_view("snow"))[0];
  EXPECT_GE(id, 3);
  EXPECT_LT(id, 8);
}

TEST(Tokens, OfALongTextAreItsFirstOrItsLastInTheirOrder) {
  TransformStep step = Tokens(3);
  const std::string_view text = "rain rain 날씨 snow rain 날씨 날씨";
  EXPECT_EQ(Of(step, text), (Row{2, 2, 1}));
  step.keep_end = true;
  EXPECT_EQ(Of(step, text), (Row{2, 1, 1}));
  EXPECT_EQ(Of(step, std::string_view("rain 날씨 snow")), (Row{2, 1, 3}));
  EXPECT_EQ(Of(step, std::string_view("날씨 rain")), (Row{1, 2, 0}));
}

TEST(Tokens, SayThatTheirFeaturesAreOneBag) {
  const auto t = Transform::Make(SpecOf(Tokens(3)), View::kEmbedding);
  ASSERT_TRUE(t) << t.error().message;
  ASSERT_EQ(t->features().size(), 3U);
  EXPECT_EQ(t->features()[0].bag, 3);
  EXPECT_EQ(t->features()[1].bag, -1);
  EXPECT_EQ(t->features()[2].name, "x[2]");
  for (const auto& f : t->features()) EXPECT_EQ(f.cardinality, 1 + 2 + 1);
}

TEST(Vectors, ArePooledOverTheWordsThatHaveOneEachAsOftenAsItStands) {
  EXPECT_EQ(Of(Vectors(), std::string_view("학교 rain rain unknown")), (Row{7.0F / 3, 2}));
  EXPECT_EQ(Of(Vectors(Pooling::kMax), std::string_view("학교 rain unknown")), (Row{3, 10}));
  EXPECT_EQ(Of(Vectors(Pooling::kMax), std::string_view("rain")), (Row{3, -2}));
  EXPECT_EQ(Of(Vectors(), std::string_view("unknown")), (Row{0, 0}));
  EXPECT_EQ(Of(Vectors(), Cell()), (Row{0, 0}));
  TransformStep scaled = Vectors();
  scaled.values = {1, 2, 0, 4};
  EXPECT_EQ(Of(scaled, std::string_view("rain")), (Row{1, -0.5F}));
}

TEST(Vectors, AWordIsFoundAsItIsThenSmallThenWithoutItsParticle) {
  EXPECT_EQ(Of(Vectors(), std::string_view("USA")), (Row{0.5F, 0}));
  EXPECT_EQ(Of(Vectors(), std::string_view("usa")), (Row{0, 0}));
  EXPECT_EQ(Of(Vectors(), std::string_view("RAIN")), (Row{3, -2}));
  EXPECT_EQ(Of(Vectors(), std::string_view("학교에서는")), (Row{1, 10}));
  EXPECT_EQ(Of(Vectors(), std::string_view("학생")), (Row{0, 0}));
  EXPECT_EQ(Of(Vectors(), std::string_view("rainy")), (Row{0, 0}));
}

TEST(Vectors, AreTheSameAfterTheirText) {
  TransformSpec spec = SpecOf(Vectors(Pooling::kMax));
  spec.steps.push_back(Tokens(5));
  spec.steps.back().keep_end = true;
  const Json json = Json::parse(ToJson(spec).dump());
  const auto parsed = ParseTransformSpec(json);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, spec);
}

TEST(Vectors, OfAFileThatDoesNotFitItselfAreRefused) {
  const auto problem = [](auto change) {
    Json json = ToJson(SpecOf(Vectors()));
    change(json["steps"][0]);
    const auto parsed = ParseTransformSpec(json);
    return parsed ? std::string("accepted") : parsed.error().message;
  };
  const auto has = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(problem([](Json& s) { s["vectors"]["values"] = "!"; }), "no base64 of float32");
  has(problem([](Json& s) { s["vectors"]["values"] = "AAAAAA"; }), "one of each word");
  has(problem([](Json& s) { s["vectors"]["values"] = "AADAfwAAAAAAAAAAAAAAAAAAAAAAAAAA"; }),
      "no number");
  has(problem([](Json& s) { s["vectors"]["dimensions"] = 0; }), "dimensions must be");
  has(problem([](Json& s) { s["vectors"]["dimensions"] = 1 << 30; }), "dimensions must be");
  has(problem([](Json& s) { s["vectors"]["words"][1] = "USA"; }), "stands twice");
  has(problem([](Json& s) { s["pooling"] = "sum"; }), "mean or max");
  has(problem([](Json& s) { s["values"] = {0, 0, 0, 1}; }), "a mean and a deviation above 0");
  has(problem([](Json& s) { s.erase("vectors"); }), "vectors");
}

TEST(Tokens, OfAFileThatAsksForTooMuchAreRefused) {
  const auto problem = [](auto change) {
    TransformStep step = Tokens(3);
    change(step);
    const auto made = Transform::Make(SpecOf(step), View::kEmbedding);
    return made ? std::string("accepted") : made.error().message;
  };
  EXPECT_NE(problem([](auto& s) { s.length = 1 << 20; }).find("length"), std::string::npos);
  EXPECT_NE(problem([](auto& s) { s.length = 0; }).find("length"), std::string::npos);
  EXPECT_NE(problem([](auto& s) { s.oov_buckets = 1LL << 62; }).find("oovBuckets"),
            std::string::npos);
  EXPECT_NE(problem([](auto& s) { s.views = kAllViews; }).find("embedding only"),
            std::string::npos);
}

}  // namespace
}  // namespace penstock::sdk
