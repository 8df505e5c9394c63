#include "components/model_format/calibration.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace penstock::sdk {
namespace {

// The nearest that a float32 probability other than 0 and 1 comes to them: logit stays finite.
constexpr double kEdge = 1e-7;

double Logit(double p) {
  p = std::clamp(p, kEdge, 1 - kEdge);
  return std::log(p / (1 - p));
}

double Between(const std::vector<double>& x, const std::vector<double>& y, double p) {
  const auto above = std::upper_bound(x.begin(), x.end(), p);
  if (above == x.begin()) return y.front();
  if (above == x.end()) return y.back();
  const auto i = std::size_t(above - x.begin());
  const double share = (p - x[i - 1]) / (x[i] - x[i - 1]);
  return y[i - 1] + share * (y[i] - y[i - 1]);
}

Result<void> CheckCurve(const std::vector<double>& x, const std::vector<double>& y) {
  if (x.empty() || x.size() != y.size()) {
    return Invalid("calibration: x and y must be lists of equal length, not empty");
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || (i > 0 && x[i] <= x[i - 1])) {
      return Invalid("calibration: x must ascend");
    }
    if (!(y[i] >= 0 && y[i] <= 1) || (i > 0 && y[i] < y[i - 1])) {
      return Invalid("calibration: y must be from 0 to 1 and not descend");
    }
  }
  return {};
}

}  // namespace

const char* Name(CalibrationMethod method) {
  switch (method) {
    case CalibrationMethod::kPlatt:
      return "platt";
    case CalibrationMethod::kIsotonic:
      return "isotonic";
    case CalibrationMethod::kNone:
      break;
  }
  return "none";
}

Result<void> CheckCalibration(const Calibration& c, std::size_t curves) {
  const std::string many = "calibration: there must be " + std::to_string(curves) + " curves";
  if (c.method == CalibrationMethod::kPlatt) {
    if (c.slope.size() != curves || c.offset.size() != curves) return Invalid(many);
    for (std::size_t i = 0; i < curves; ++i) {
      if (!std::isfinite(c.slope[i]) || c.slope[i] <= 0) {
        return Invalid("calibration: slope must be above 0, or it would turn answers round");
      }
      if (!std::isfinite(c.offset[i])) return Invalid("calibration: offset must be a number");
    }
  }
  if (c.method == CalibrationMethod::kIsotonic) {
    if (c.x.size() != curves || c.y.size() != curves) return Invalid(many);
    for (std::size_t i = 0; i < curves; ++i) {
      if (auto ok = CheckCurve(c.x[i], c.y[i]); !ok) return ok;
    }
  }
  return {};
}

double CalibratedOne(const Calibration& c, std::size_t curve, double p) {
  if (c.method == CalibrationMethod::kPlatt) {
    return 1 / (1 + std::exp(-(c.slope[curve] * Logit(p) + c.offset[curve])));
  }
  if (c.method == CalibrationMethod::kIsotonic) return Between(c.x[curve], c.y[curve], p);
  return p;
}

void Calibrate(const Calibration& c, std::span<float> raw, std::size_t width) {
  if (c.method == CalibrationMethod::kNone) return;
  std::vector<double> row(width);
  for (std::size_t at = 0; at + width <= raw.size(); at += width) {
    double sum = 0;
    for (std::size_t k = 0; k < width; ++k) {
      row[k] = CalibratedOne(c, k, double(raw[at + k]));
      sum += row[k];
    }
    if (width > 1 && !(sum > 0)) continue;
    for (std::size_t k = 0; k < width; ++k) raw[at + k] = float(width > 1 ? row[k] / sum : row[k]);
  }
}

}  // namespace penstock::sdk
