// What each operation of version 2 makes of a value, worked by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "components/model_format/transform.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

TransformStep StepOf(TransformOp op, Views views = kAllViews) {
  TransformStep step;
  step.op = op;
  step.views = views;
  return step;
}

TransformSpec SpecOf(ColumnType type, TransformStep step) {
  TransformSpec spec;
  spec.inputs = {{"x", type, true}};
  spec.steps = {std::move(step)};
  return spec;
}

// The features of one value, in the first view of the step.
std::vector<float> Of(ColumnType type, const TransformStep& step, const Cell& cell) {
  View view = View::kDense;
  while ((step.views & Only(view)) == 0) view = View(int(view) + 1);
  const auto t = Transform::Make(SpecOf(type, step), view);
  if (!t) {
    ADD_FAILURE() << t.error().message;
    return {};
  }
  std::vector<float> row(t->width(), -7);
  const auto ok = t->ApplyCell(0, cell, row.data());
  EXPECT_TRUE(ok) << (ok ? "" : ok.error().message);
  return row;
}

using Row = std::vector<float>;
using Text = std::string_view;
constexpr auto kNumber = ColumnType::kFloat64;
constexpr auto kString = ColumnType::kString;

TEST(TransformV2, FillsThenClipsThenTakesTheLogarithmThenScales) {
  TransformStep step = StepOf(TransformOp::kScale);
  step.fill = 100;
  step.low = -1;
  step.high = 3;
  step.log = true;
  step.mean = 1;
  step.std = 2;
  const auto expected = float((std::log1p(3.0) - 1) / 2);
  EXPECT_EQ(Of(kNumber, step, 7.0), Row{expected});
  EXPECT_EQ(Of(kNumber, step, Cell()), Row{expected});
  EXPECT_EQ(Of(kNumber, step, -2.0), Row{float((-std::log1p(1.0) - 1) / 2)});
}

TEST(TransformV2, HoldsMinMaxWithinItsRange) {
  TransformStep step = StepOf(TransformOp::kMinMax);
  step.mean = 10;
  step.std = 4;
  EXPECT_EQ(Of(kNumber, step, 11.0), Row{0.25F});
  EXPECT_EQ(Of(kNumber, step, 99.0), Row{1});
}

TEST(TransformV2, SaysWhatIsMissing) {
  EXPECT_EQ(Of(kNumber, StepOf(TransformOp::kMissing), Cell()), Row{1});
  EXPECT_EQ(Of(kNumber, StepOf(TransformOp::kMissing), std::nan("")), Row{1});
  EXPECT_EQ(Of(kNumber, StepOf(TransformOp::kMissing), 0.0), Row{0});
  EXPECT_EQ(Of(kString, StepOf(TransformOp::kMissing), Text("NA")), Row{1});
}

TEST(TransformV2, BendsRanksAndBuckets) {
  TransformStep bends = StepOf(TransformOp::kBends);
  bends.numbers = {1, 5};
  bends.values = {0.5, 2, 0, 1};
  EXPECT_EQ(Of(kNumber, bends, 7.0), (Row{2.75F, 2}));
  TransformStep ranked = StepOf(TransformOp::kQuantile);
  ranked.numbers = {0, 10, 20};
  ranked.values = {-2, 0, 1};
  EXPECT_EQ(Of(kNumber, ranked, 5.0), Row{-1});
  EXPECT_EQ(Of(kNumber, ranked, -5.0), Row{-2});
  EXPECT_EQ(Of(kNumber, ranked, 20.0), Row{1});
  TransformStep buckets = StepOf(TransformOp::kBuckets, Only(View::kTree));
  buckets.numbers = {1, 5};
  buckets.fill_category = kNullKept;
  EXPECT_EQ(Of(kNumber, buckets, 1.0), Row{1});
  EXPECT_EQ(Of(kNumber, buckets, 0.5), Row{0});
  EXPECT_TRUE(std::isnan(Of(kNumber, buckets, Cell())[0]));
}

TEST(TransformV2, TakesPartsOfTimes) {
  TransformStep month = StepOf(TransformOp::kCyclic);
  month.source = Source::kMonth;
  month.std = 12;
  const auto april = Of(ColumnType::kTimestamp, month, Text("1969-04-30T23:00:00Z"));
  EXPECT_EQ(april[0], 1);
  EXPECT_NEAR(april[1], 0, 1e-7);
  EXPECT_EQ(Of(ColumnType::kTimestamp, month, Cell()), (Row{0, 0}));
  const auto part = [](Source source, const char* time) {
    TransformStep step = StepOf(TransformOp::kPassthrough);
    step.source = source;
    step.origin = 86'400 * 10;
    return Of(ColumnType::kTimestamp, step, Text(time))[0];
  };
  EXPECT_EQ(part(Source::kYear, "1969-12-31"), 1969);
  EXPECT_EQ(part(Source::kDay, "2024-02-29"), 28);
  EXPECT_EQ(part(Source::kDayOfYear, "2024-12-31"), 365);
  EXPECT_EQ(part(Source::kDayOfWeek, "2024-03-03"), 6);  // a Sunday
  EXPECT_EQ(part(Source::kHour, "1969-12-31T06:15:00Z"), 6.25F);
  EXPECT_EQ(part(Source::kAge, "1970-01-01T12:00:00Z"), 9.5F);
}

TEST(TransformV2, GivesNullAPlaceOfItsOwnOrLeavesItMissing) {
  TransformStep step = StepOf(TransformOp::kOneHot);
  step.categories = {std::string("a"), std::string("b")};
  step.fill_category = kNullOwn;
  EXPECT_EQ(Of(kString, step, Text("b")), (Row{0, 1, 0, 0}));
  EXPECT_EQ(Of(kString, step, Text("c")), (Row{0, 0, 1, 0}));
  EXPECT_EQ(Of(kString, step, Cell()), (Row{0, 0, 0, 1}));
  step.op = TransformOp::kVocabulary;
  EXPECT_EQ(Of(kString, step, Cell()), Row{3});
  step.fill_category = kNullKept;
  step.views = Only(View::kTree);
  EXPECT_TRUE(std::isnan(Of(kString, step, Cell())[0]));
  EXPECT_EQ(Of(kString, step, Text("c")), Row{2});
}

TEST(TransformV2, CrossesTwoColumns) {
  TransformSpec spec;
  spec.inputs = {{"a", kString, true}, {"b", ColumnType::kInt64, true}};
  TransformStep step = StepOf(TransformOp::kCross, Only(View::kEmbedding));
  step.other = 1;
  step.categories = {std::string("p"), std::string("q")};
  step.other_categories = {std::int64_t{7}, std::int64_t{8}};
  step.pairs = {1, 3, 8};  // (p, 8), (q, 7), (unseen, unseen)
  spec.steps = {step};
  const auto of = [&](View view, const Cell& a, const Cell& b) {
    const auto t = Transform::Make(spec, view);
    EXPECT_TRUE(t);
    Row row(t->width(), -7);
    EXPECT_TRUE(t->ApplyRow(std::vector<Cell>{a, b}, row.data()));
    return row;
  };
  EXPECT_EQ(of(View::kEmbedding, Text("p"), std::int64_t{8}), Row{0});
  EXPECT_EQ(of(View::kEmbedding, Text("q"), std::int64_t{7}), Row{1});
  EXPECT_EQ(of(View::kEmbedding, Cell(), Cell()), Row{2});
  EXPECT_EQ(of(View::kEmbedding, Text("p"), std::int64_t{7}), Row{3});
  spec.steps[0].indicators = true;
  spec.steps[0].views = Only(View::kDense);
  EXPECT_EQ(of(View::kDense, Text("q"), std::int64_t{7}), (Row{0, 1, 0, 0}));
  spec.steps[0].other = 0;
  EXPECT_FALSE(Transform::Make(spec, View::kDense));
}

TEST(TransformV2, SplitsTextAndHashesGrams) {
  TransformStep parts = StepOf(TransformOp::kMultiHot);
  parts.separator = ",";
  parts.categories = {std::string("a"), std::string("b")};
  EXPECT_EQ(Of(kString, parts, Text("b, c,b")), (Row{0, 1, 1}));
  EXPECT_EQ(Of(kString, parts, Cell()), (Row{0, 0, 0}));
  TransformStep grams = StepOf(TransformOp::kText);
  grams.oov_buckets = 64;
  const auto dot = [&](const char* a, const char* b) {
    const Row x = Of(kString, grams, Text(a));
    const Row y = Of(kString, grams, Text(b));
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += double(x[i]) * double(y[i]);
    return sum;
  };
  EXPECT_NEAR(dot("학교", "학교"), 1, 1e-6);
  EXPECT_GT(dot("학교", "학교에서"), 0.3);
  EXPECT_LT(std::abs(dot("학교", "window")), 0.3);
}

TEST(TransformV2, NeverGivesAnInfinity) {
  constexpr double kHuge = std::numeric_limits<double>::max();
  EXPECT_EQ(Of(kNumber, StepOf(TransformOp::kPassthrough), kHuge),
            Row{std::numeric_limits<float>::max()});
  TransformStep scale = StepOf(TransformOp::kScale);
  scale.mean = -kHuge;
  scale.std = 1e-300;
  EXPECT_EQ(Of(kNumber, scale, kHuge), Row{std::numeric_limits<float>::max()});
}

TEST(TransformV2, MustBeAskedForAViewThatItHas) {
  const TransformSpec spec = SpecOf(kNumber, StepOf(TransformOp::kPassthrough, Only(View::kTree)));
  EXPECT_NE(Transform::Make(spec).error().message.find("model.yaml must name"), std::string::npos);
  EXPECT_NE(Transform::Make(spec, View::kDense).error().message.find("of the view dense"),
            std::string::npos);
  EXPECT_EQ(Transform::Make(spec, View::kTree)->view(), View::kTree);
}

TEST(TransformV2, RefusesWhatCouldNotRunAndSaysWhere) {
  TransformStep ranked = StepOf(TransformOp::kQuantile);
  ranked.numbers = {0, 10};
  ranked.values = {-1, 1};
  const auto refused = [&](auto change) {
    Json j = ToJson(SpecOf(kNumber, ranked));
    change(j["steps"][0]);
    const auto spec = ParseTransformSpec(j);
    return spec ? std::string("accepted") : spec.error().message;
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_EQ(refused([](Json&) {}), "accepted");
  EXPECT_TRUE(has(refused([](Json& s) { s["numbers"] = {10, 0}; }), "must ascend"));
  EXPECT_TRUE(has(refused([](Json& s) { s["values"] = {1}; }), "one of each"));
  EXPECT_TRUE(has(refused([](Json& s) { s["views"] = {"wide"}; }), "unknown view 'wide'"));
  EXPECT_TRUE(has(refused([](Json& s) { s["views"] = Json::array(); }), "steps[0]"));
  EXPECT_TRUE(has(refused([](Json& s) { s["nulls"] = 1; }), "unknown key 'nulls'"));
  EXPECT_TRUE(has(refused([](Json& s) { s["null"] = "kept"; }), "in the view tree only"));
  EXPECT_TRUE(has(refused([](Json& s) { s["source"] = "month"; }), "is not for a float64"));
  EXPECT_TRUE(has(refused([](Json& s) {
                    s["low"] = 2;
                    s["high"] = 1;
                  }),
                  "low must not"));
  EXPECT_TRUE(has(refused([](Json& s) { s["recipe"]["part"] = 1; }), "unknown key 'part'"));
  EXPECT_TRUE(has(refused([](Json& s) { s.erase("recipe"); }), "recipe"));
}

}  // namespace
}  // namespace penstock::sdk
