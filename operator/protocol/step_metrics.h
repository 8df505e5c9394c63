// What a step says of itself while it runs: lines of JSON that it writes into $PENSTOCK_METRICS,
// read by the launcher, kept beside the receipts, shown by the API. Bounded whatever is written.
//
//   {"name": "loss", "step": 120, "value": 0.31}        a point of a series
//   {"progress": {"done": 3, "total": 10}}              how far it is; the newest counts
//
// A value type; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock {

inline constexpr std::size_t kMaxSeries = 100;
inline constexpr std::size_t kMaxSeriesPoints =
    1'000;  // of one; above it every second one is left out
inline constexpr std::size_t kMaxMetricLine = 4 * 1024;
inline constexpr std::size_t kMaxMetricsBytes = 8 << 20;  // of the text of all

struct StepPoint {
  double step = 0;
  double value = 0;
  std::int64_t time_ms = 0;  // when it was read, Unix milliseconds
};

struct StepProgress {
  double done = 0;
  double total = 0;
  std::int64_t time_ms = 0;
  // Since the first one that was told.
  double first_done = 0;
  std::int64_t first_time_ms = 0;
  // What is left at the rate so far; nothing where there is none yet.
  [[nodiscard]] std::optional<std::int64_t> LeftMs() const;
};

class StepMetrics {
 public:
  // A line that is none of the above is counted (`ignored`) and left out.
  void AddLine(std::string_view line, std::int64_t now_ms);

  [[nodiscard]] bool empty() const { return series_.empty() && !progress_; }
  [[nodiscard]] const std::optional<StepProgress>& progress() const { return progress_; }
  // Thinned evenly, first and last point kept.
  [[nodiscard]] std::map<std::string, std::vector<StepPoint>> series() const;
  [[nodiscard]] std::uint64_t ignored() const { return ignored_; }

  [[nodiscard]] std::string Format() const;
  [[nodiscard]] static Result<StepMetrics> Parse(const std::string& text);
  // The progress alone of a text that Format made, whose megabytes of points are passed over.
  [[nodiscard]] static std::optional<StepProgress> ProgressIn(const std::string& text);

 private:
  struct Series {
    std::vector<StepPoint> points;  // each `stride`-th of those that came
    std::uint64_t stride = 1;
    std::uint64_t seen = 0;
    StepPoint last;
  };
  void AddPoint(const std::string& name, const StepPoint& point);
  std::map<std::string, Series> series_;
  std::optional<StepProgress> progress_;
  std::uint64_t ignored_ = 0;
};

}  // namespace penstock
