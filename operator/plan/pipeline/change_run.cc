#include "operator/plan/pipeline/change_run.h"

#include <algorithm>
#include <charconv>
#include <climits>
#include <tuple>

#include "operator/plan/pipeline/scheduled_run.h"
#include "operator/plan/pipeline/world.h"

namespace penstock::plan {

std::optional<int> NumberOf(const std::string& run, const std::string& pipeline,
                            const std::string& hash) {
  const std::string prefix = pipeline + "-" + hash + "-";
  if (!run.starts_with(prefix)) return std::nullopt;
  const char* const end = run.data() + run.size();
  int number = 0;
  const auto parsed = std::from_chars(run.data() + prefix.size(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || number == INT_MAX) return std::nullopt;
  return number;
}

std::optional<ChangeRun> AsChangeRun(const api::PipelineRun& run, const std::string& pipeline) {
  const std::string hash = LabelOf(run, kLabelRunHash);
  if (hash.empty() || LabelOf(run, kLabelCause) != kCauseChange) return std::nullopt;
  const auto number = NumberOf(run.meta.name, pipeline, hash);
  if (!number) return std::nullopt;
  return ChangeRun{&run, hash, *number, OutcomeOf(run)};
}

TimePoint LogicalTime(const api::PipelineRun& run) {
  const TimePoint time = api::ScheduledTime(run);
  return std::min(time, run.meta.created.value_or(time));
}

void SortAsAskedFor(std::vector<const api::PipelineRun*>& runs, const std::string& newest_hash) {
  const auto key = [&](const api::PipelineRun& r) {
    const std::string hash = LabelOf(r, kLabelRunHash);
    const bool newest = !hash.empty() && hash == newest_hash;
    const auto change = AsChangeRun(r, r.spec.pipeline_ref);
    return std::tuple(LogicalTime(r), newest, change ? change->hash : "",
                      change ? change->number : 0, r.meta.name);
  };
  std::sort(runs.begin(), runs.end(),
            [&](const auto* a, const auto* b) { return key(*a) < key(*b); });
}

std::string TriggerPrefix(const std::string& pipeline) { return pipeline + "-trigger"; }

std::string RunName(const std::string& pipeline, const std::string& hash, int n) {
  return pipeline + "-" + hash + "-" + std::to_string(n);
}

}  // namespace penstock::plan
