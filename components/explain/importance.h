// What the contributions of many rows say of the inputs. Value type; used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/explain/explainer.h"
#include "operator/base/json.h"

namespace penstock::explain {

struct InputImportance {
  std::string input;
  double mean_absolute = 0;   // over rows and outputs
  double error = 0;           // its standard error over the rows
  double mean = 0;            // with the sign, of one output; of several 0
  double sampling_error = 0;  // mean standard error of the contributions, of sampled
};

class GlobalImportance {
 public:
  GlobalImportance(std::vector<std::string> inputs, std::size_t outputs);

  void Add(const Explained& explained);
  // The most important first; of equals the input's order counts.
  [[nodiscard]] std::vector<InputImportance> Inputs() const;
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  // The largest |sum of contributions + base - prediction| / max(1, |prediction|) of a row so far.
  [[nodiscard]] double largest_residual() const { return residual_; }

 private:
  std::vector<std::string> inputs_;
  std::size_t outputs_;
  std::int64_t rows_ = 0;
  double residual_ = 0;
  std::vector<double> absolute_, squares_, signed_, errors_;  // sums by input
};

[[nodiscard]] Json ToJson(const std::vector<InputImportance>& importance);

}  // namespace penstock::explain
