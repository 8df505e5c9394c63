// What stands between a back end's answer and the model's: a link, and a calibration that was
// fitted on out-of-fold answers. Every back end has it, as it is done after it. Value types; pure.
//
//   link: log                            answer = exp(raw); regressions only
//   calibration:
//     method: platt                      p = 1 / (1 + exp(-(slope * logit(raw) + offset)))
//     slope: [1.2]
//     offset: [-0.1]
//   calibration:
//     method: isotonic                   linear between the points (x, y), constant beyond them
//     x: [[0.1, 0.4, 0.9]]
//     y: [[0, 0.5, 1]]
//
// One curve of two classes; of more, one a class, the answers then divided by their sum (where that
// is 0: as they were). Platt: Advances in Large Margin Classifiers (1999), 61-74, with slope = -A,
// offset = -B; isotonic: Zadrozny and Elkan, KDD 2002.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "operator/base/result.h"

namespace penstock::sdk {

enum class Link : std::uint8_t { kIdentity, kLog };

enum class CalibrationMethod : std::uint8_t { kNone, kPlatt, kIsotonic };
[[nodiscard]] const char* Name(CalibrationMethod method);  // "none", "platt", "isotonic"

struct Calibration {
  CalibrationMethod method = CalibrationMethod::kNone;
  std::vector<double> slope;  // kPlatt: of each curve; > 0
  std::vector<double> offset;
  std::vector<std::vector<double>> x;  // kIsotonic: of each curve; ascending, none twice
  std::vector<std::vector<double>> y;  // as long as x; not descending, in [0, 1]
  bool operator==(const Calibration&) const = default;
};

// `curves`: 1, or the number of classes where there are more than two. Invalid names the field.
[[nodiscard]] Result<void> CheckCalibration(const Calibration& calibration, std::size_t curves);

// Probabilities in place, `width` a row. The calibration must have passed the check.
void Calibrate(const Calibration& calibration, std::span<float> raw, std::size_t width);
[[nodiscard]] double CalibratedOne(const Calibration& calibration, std::size_t curve, double p);

}  // namespace penstock::sdk
