#include "components/model_format/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

namespace penstock::sdk {
namespace {

TEST(Calibration, PlattMovesTheLogit) {
  const Calibration c = {CalibrationMethod::kPlatt, {2}, {0.5}, {}, {}};
  std::vector<float> raw = {0.5F, 0.8F};
  Calibrate(c, raw, 1);
  EXPECT_NEAR(raw[0], 1 / (1 + std::exp(-0.5)), 1e-6);
  EXPECT_NEAR(raw[1], 1 / (1 + std::exp(-(2 * std::log(4.0) + 0.5))), 1e-6);
}

TEST(Calibration, PlattKeepsTheOrderAndTheRangeAtBothEnds) {
  const Calibration c = {CalibrationMethod::kPlatt, {1.5}, {0}, {}, {}};
  std::vector<float> raw = {0, 1e-3F, 0.5F, 1};
  Calibrate(c, raw, 1);
  EXPECT_GE(raw[0], 0);
  EXPECT_LT(raw[0], raw[1]);
  EXPECT_LT(raw[1], raw[2]);
  EXPECT_LT(raw[2], raw[3]);
  EXPECT_LE(raw[3], 1);
}

TEST(Calibration, IsotonicIsLinearBetweenItsPointsAndConstantBeyond) {
  const Calibration c = {CalibrationMethod::kIsotonic, {}, {}, {{0.2, 0.6}}, {{0.1, 0.5}}};
  std::vector<float> raw = {0, 0.2F, 0.4F, 0.6F, 1};
  Calibrate(c, raw, 1);
  EXPECT_FLOAT_EQ(raw[0], 0.1F);
  EXPECT_FLOAT_EQ(raw[1], 0.1F);
  EXPECT_NEAR(raw[2], 0.3, 1e-6);
  EXPECT_FLOAT_EQ(raw[3], 0.5F);
  EXPECT_FLOAT_EQ(raw[4], 0.5F);
}

TEST(Calibration, SeveralClassesSumToOneAgainAndZerosStayAsTheyWere) {
  const Calibration c = {CalibrationMethod::kIsotonic,
                         {},
                         {},
                         {{0.5, 1}, {0.5, 1}, {0.5, 1}},
                         {{0, 0.5}, {0, 1}, {0, 0.5}}};
  std::vector<float> raw = {0.75F, 0.25F, 0, 0.4F, 0.3F, 0.3F};
  Calibrate(c, raw, 3);
  EXPECT_FLOAT_EQ(raw[0], 1);
  EXPECT_FLOAT_EQ(raw[1], 0);
  EXPECT_FLOAT_EQ(raw[3], 0.4F);
  EXPECT_FLOAT_EQ(raw[4], 0.3F);
}

}  // namespace
}  // namespace penstock::sdk
