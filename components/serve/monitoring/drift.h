// How far the values of live traffic are from those of training: the population stability index
//
//   PSI = sum over bins of (a - e) * ln(a / e)      a, e: a bin's share, live and in training
//
// (Siddiqi, Credit Risk Scorecards, 2006; 0.1 is usually called a shift, 0.25 a large one). Bins
// are those of the model's statistics.json: deciles for numbers, the 20 most frequent values and
// the rest for text, and one for nulls. A share counts as at least 0.0001. Live is a window that
// slides by halves. Timestamps are not watched: they always move.
//
// A sketch: the counts of the bins, nothing of any value. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "components/serve/engine/model_names.h"
#include "operator/base/json_fwd.h"
#include "operator/base/time.h"

namespace penstock::serve {

// The bins of one column in training. Immutable.
class DriftBins {
 public:
  // Nothing for a column that cannot be watched: timestamps, several values a row, statistics
  // without bins (of models trained before there were any).
  [[nodiscard]] static std::optional<DriftBins> Make(const Json& statistics);
  [[nodiscard]] std::size_t size() const { return expected_.size(); }
  [[nodiscard]] const std::vector<double>& expected() const { return expected_; }

  // The bin of each value, rows in order.
  [[nodiscard]] std::vector<std::uint16_t> Find(const InputTensor& input) const;
  [[nodiscard]] std::vector<std::uint16_t> Find(const Tensor& output) const;

 private:
  DriftBins() = default;
  [[nodiscard]] std::uint16_t Null() const { return std::uint16_t(expected_.size() - 1); }
  [[nodiscard]] std::uint16_t FindNumber(double value) const;
  [[nodiscard]] std::uint16_t FindText(std::string_view value) const;
  template <typename Values>
  [[nodiscard]] std::vector<std::uint16_t> FindAll(const Values& values, bool boolean,
                                                   const std::vector<std::uint8_t>& nulls) const;

  bool numbers_ = false;
  std::vector<double> edges_;                                  // numbers_
  std::vector<std::pair<std::string, std::uint16_t>> values_;  // sorted; else
  std::vector<double> expected_;                               // shares; the last is the nulls'
};

// Shares from counts against the expected ones; NaN when there are none.
[[nodiscard]] double Psi(const std::vector<double>& expected,
                         const std::vector<std::uint64_t>& counts);

class DriftMonitor {
 public:
  static constexpr std::uint64_t kEnoughRows = 200;  // below, the index is noise: NaN

  // `statistics`: the model's statistics.json. The clock must outlive the monitor.
  DriftMonitor(const Json& statistics, const Signature& signature,
               std::chrono::steady_clock::duration window, const Clock* clock);

  // One request's bins by watched column; empty vectors for columns that are not watched.
  using Bins = std::vector<std::vector<std::uint16_t>>;
  [[nodiscard]] Bins Find(const std::vector<InputTensor>& inputs) const;
  void Add(const Bins& inputs, const std::vector<Tensor>& outputs);

  // penstock_serve_drift_psi{kind="input|output",column="..."} and penstock_serve_drift_rows.
  [[nodiscard]] std::string MetricsText() const;
  [[nodiscard]] std::size_t watched() const;

 private:
  struct Column {
    std::string name;
    const char* kind = "input";
    std::optional<DriftBins> bins;
    std::vector<std::uint64_t> now;     // guarded by mutex_: this half of the window
    std::vector<std::uint64_t> before;  // guarded by mutex_: the half before it
  };
  void Slide() const;  // with mutex_ held
  static void Count(const std::vector<std::uint16_t>& found, Column* column);

  const std::chrono::steady_clock::duration half_;
  const Clock* const clock_;
  std::size_t inputs_ = 0;  // the first so many columns are inputs
  mutable std::mutex mutex_;
  mutable std::vector<Column> columns_;
  mutable std::chrono::steady_clock::time_point since_;  // guarded by mutex_
  mutable std::uint64_t rows_now_ = 0;
  mutable std::uint64_t rows_before_ = 0;
};

}  // namespace penstock::serve
