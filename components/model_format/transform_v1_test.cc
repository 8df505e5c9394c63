// Models that were trained before views: their file loads, and answers the same bits for ever.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <string>
#include <vector>

#include "components/model_format/transform.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

Result<TransformSpec> Golden() {
  return LoadTransformSpec(std::string(PENSTOCK_SOURCE_DIR) +
                           "/components/model_format/testdata/transform_v1.json");
}

// The bits were computed apart, in Python, from the formulas of version 1 (struct.pack of doubles).
TEST(TransformV1, AnswersTheSameBitsAsWhenItWasTrained) {
  const auto spec = Golden();
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->version(), 1);
  const auto t = Transform::Make(*spec);
  ASSERT_TRUE(t) << t.error().message;
  ASSERT_EQ(t->width(), 11U);
  using Text = std::string_view;
  const std::vector<std::vector<Cell>> rows = {
      {227.0, Text("UA"), Text("ATL"), std::int64_t{6}, false, std::int64_t{1357034400000000}},
      {0.1, Text("ZZ"), Text("XXX"), std::int64_t{5}, true, std::int64_t{1388534399999999}},
      {Cell(), Cell(), Cell(), std::int64_t{23}, Cell(), std::int64_t{1300000000123456}},
      {1e-300, Text("AA"), Text("서울"), std::int64_t{0}, true, std::int64_t{0}}};
  constexpr std::array<std::array<std::uint32_t, 11>, 4> kBits = {{
      {0xBF8E0245, 0x00000000, 0x3F800000, 0x00000000, 0x3F800000, 0x40C00000, 0x00000000,
       0x3F800000, 0x00000000, 0x00000000, 0x40B68295},
      {0xBFB59E24, 0x00000000, 0x00000000, 0x3F800000, 0x40800000, 0x40A00000, 0x3F800000,
       0x00000000, 0x00000000, 0x3F800000, 0x410DA7B1},
      {0xBD623C93, 0x00000000, 0x3F800000, 0x00000000, 0x40000000, 0x41B80000, 0x00000000,
       0x00000000, 0x3F800000, 0x3F800000, 0x32541886},
      {0xBFB5A29C, 0x3F800000, 0x00000000, 0x00000000, 0x40400000, 0x00000000, 0x00000000,
       0x00000000, 0x3F800000, 0x3F800000, 0xC3020000},
  }};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::vector<float> out(t->width());
    ASSERT_TRUE(t->ApplyRow(rows[r], out.data()));
    for (std::size_t f = 0; f < out.size(); ++f) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(out[f]), kBits[r][f]) << "row " << r << ", " << f;
    }
  }
}

TEST(TransformV1, IsWrittenAgainAsVersion1) {
  const auto spec = Golden();
  ASSERT_TRUE(spec);
  const Json json = ToJson(*spec);
  EXPECT_EQ(json["formatVersion"], 1);
  EXPECT_FALSE(json["steps"][0].contains("views"));
  const auto back = ParseTransformSpec(json);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, *spec);
}

TEST(TransformV1, HasNoViews) {
  const auto t = Transform::Make(*Golden(), View::kDense);
  ASSERT_FALSE(t);
  EXPECT_NE(t.error().message.find("no view dense"), std::string::npos);
}

TEST(TransformV1, CannotHoldWhatCameLater) {
  Json json = ToJson(*Golden());
  json["steps"][0]["op"] = "quantile";
  EXPECT_NE(ParseTransformSpec(json).error().message.find("unknown op"), std::string::npos);
  TransformSpec spec = *Golden();
  spec.steps[0].keep_null = true;
  EXPECT_FALSE(Transform::Make(spec));
}

}  // namespace
}  // namespace penstock::sdk
