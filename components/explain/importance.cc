#include "components/explain/importance.h"

#include <algorithm>
#include <cmath>

namespace penstock::explain {

GlobalImportance::GlobalImportance(std::vector<std::string> inputs, std::size_t outputs)
    : inputs_(std::move(inputs)),
      outputs_(outputs),
      absolute_(inputs_.size()),
      squares_(inputs_.size()),
      signed_(inputs_.size()),
      errors_(inputs_.size()) {}

void GlobalImportance::Add(const Explained& explained) {
  const std::size_t n = inputs_.size();
  std::vector<double> of_row(n);
  for (std::size_t i = 0; i < explained.size(); ++i) {
    double sum = explained.bases[i];
    for (std::size_t k = 0; k < n; ++k) {
      const double phi = explained.contributions[i * n + k];
      sum += phi;
      of_row[k] += std::abs(phi) / double(outputs_);
      signed_[k] += phi;
      if (!explained.errors.empty()) errors_[k] += explained.errors[i * n + k];
    }
    const double p = explained.predictions[i];
    residual_ = std::max(residual_, std::abs(sum - p) / std::max(1.0, std::abs(p)));
    if (i % outputs_ + 1 < outputs_) continue;
    for (std::size_t k = 0; k < n; ++k) {
      absolute_[k] += of_row[k];
      squares_[k] += of_row[k] * of_row[k];
      of_row[k] = 0;
    }
    ++rows_;
  }
}

std::vector<InputImportance> GlobalImportance::Inputs() const {
  std::vector<InputImportance> inputs;
  const auto n = double(std::max<std::int64_t>(1, rows_));
  for (std::size_t k = 0; k < inputs_.size(); ++k) {
    const double mean = absolute_[k] / n;
    const double variance = std::max(0.0, squares_[k] / n - mean * mean);
    inputs.push_back({inputs_[k], mean, std::sqrt(variance / n), outputs_ == 1 ? signed_[k] / n : 0,
                      errors_[k] / n / double(outputs_)});
  }
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const auto& a, const auto& b) { return a.mean_absolute > b.mean_absolute; });
  return inputs;
}

Json ToJson(const std::vector<InputImportance>& importance) {
  Json json = Json::array();
  for (const auto& i : importance) {
    json.push_back({{"input", i.input},
                    {"meanAbsolute", i.mean_absolute},
                    {"standardError", i.error},
                    {"mean", i.mean},
                    {"samplingError", i.sampling_error}});
  }
  return json;
}

}  // namespace penstock::explain
