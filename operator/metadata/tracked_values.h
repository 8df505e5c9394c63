// Values and files that programs log, with a run or with a model.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "operator/base/json.h"

namespace penstock::metadata {

// A value of a metric; `value` may be no number, or infinite.
struct MetricPoint {
  std::string name;
  double value = 0;
  std::int64_t at = 0;  // Unix milliseconds, as the program says
  std::int64_t step = 0;
};
using NewestMetrics = std::map<std::string, MetricPoint>;  // the newest of each name

// Takes `p` in where it is newer: the one that is furthest on counts, not the one that came last.
void TakeNewer(const MetricPoint& p, NewestMetrics& newest);

// A blob of the namespace's store.
struct TrackedFile {
  std::string digest;  // sha256:...
  std::uint64_t bytes = 0;
};
using TrackedFiles = std::map<std::string, TrackedFile>;  // by path, as "model/weights.bin"

// How they stand in a table. What reads throws of what is none of theirs.
[[nodiscard]] std::string TextOf(double value);  // also of what JSON has no number for
[[nodiscard]] double NumberOf(const std::string& text);
[[nodiscard]] Json MetricsDocument(const NewestMetrics& metrics);
[[nodiscard]] NewestMetrics ReadMetrics(const Json& document);
[[nodiscard]] Json FilesDocument(const TrackedFiles& files);
[[nodiscard]] TrackedFiles ReadFiles(const Json& document);

}  // namespace penstock::metadata
