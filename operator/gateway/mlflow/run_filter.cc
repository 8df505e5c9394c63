#include "operator/gateway/mlflow/run_filter.h"

#include <algorithm>

namespace penstock::gateway {
namespace {

using metadata::TrackedRun;

const SearchedBy& ByOfRuns() {
  static const SearchedBy kBy{.texts = {"status", "run_id", "run_name", "user_id"},
                              .numbers = {"start_time", "end_time"},
                              .values = true,
                              .same = {{"created", "start_time"}}};
  return kBy;
}

MaybeValue TimeOf(const std::optional<TimePoint>& time) {
  if (!time) return std::nullopt;
  return NumberValue(std::chrono::duration_cast<Milliseconds>(time->time_since_epoch()).count());
}

MaybeValue ValueOf(const TrackedRun& run, const Comparison& key) {
  switch (key.of) {
    case Comparison::Of::kParameter:
      return TextIn(run.parameters, key.name);
    case Comparison::Of::kTag:
      return TextIn(run.tags, key.name);
    case Comparison::Of::kMetric:
      return MetricIn(run.metrics, key.name);
    case Comparison::Of::kAttribute:
      break;
  }
  if (key.name == "status") return SearchedValue{StatusOf(run), std::nullopt};
  if (key.name == "run_id") return SearchedValue{run.record.uid, std::nullopt};
  if (key.name == "run_name") return SearchedValue{NameOf(run), std::nullopt};
  if (key.name == "user_id") return SearchedValue{run.record.user, std::nullopt};
  return TimeOf(key.name == "start_time" ? run.record.started : run.record.finished);
}

}  // namespace

Result<Comparisons> ParseRunFilter(const std::string& text) {
  return ParseComparisons(text, ByOfRuns());
}

bool Matches(const Comparisons& filter, const TrackedRun& run) {
  return std::all_of(filter.begin(), filter.end(),
                     [&](const Comparison& c) { return Holds(ValueOf(run, c), c); });
}

Result<Order> ParseRunOrder(const std::string& text) { return ParseOrder(text, ByOfRuns()); }

void Sort(std::vector<TrackedRun>& runs, const std::vector<Order>& orders) {
  std::stable_sort(runs.begin(), runs.end(), [&](const TrackedRun& a, const TrackedRun& b) {
    for (const Order& order : orders) {
      const int sign = CompareValues(ValueOf(a, order.by), ValueOf(b, order.by), order.down);
      if (sign != 0) return sign < 0;
    }
    return false;
  });
}

std::string StatusOf(const TrackedRun& run) {
  const std::string& phase = run.record.phase;
  if (phase == "Succeeded") return "FINISHED";
  if (phase == "Failed") return "FAILED";
  if (phase == "Cancelled") return "KILLED";
  return phase == "Pending" ? "SCHEDULED" : "RUNNING";
}

std::string NameOf(const TrackedRun& run) {
  const auto named = run.tags.find("mlflow.runName");
  return named == run.tags.end() ? run.record.name : named->second;
}

}  // namespace penstock::gateway
