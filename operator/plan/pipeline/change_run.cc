#include "operator/plan/pipeline/change_run.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "operator/plan/pipeline/world.h"

namespace penstock::plan {
namespace {

std::string LabelOf(const api::PipelineRun& run, const char* key) {
  const auto it = run.meta.labels.find(key);
  return it == run.meta.labels.end() ? "" : it->second;
}

}  // namespace

std::optional<ChangeRun> AsChangeRun(const api::PipelineRun& run, const std::string& pipeline) {
  const std::string hash = LabelOf(run, kLabelRunHash);
  const std::string prefix = pipeline + "-" + hash + "-";
  if (hash.empty() || LabelOf(run, kLabelCause) != "Change" || run.meta.name.rfind(prefix, 0) != 0)
    return std::nullopt;
  const char* const end = run.meta.name.data() + run.meta.name.size();
  int number = 0;
  const auto parsed = std::from_chars(run.meta.name.data() + prefix.size(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return ChangeRun{&run, hash, number, OutcomeOf(run)};
}

void SortAsAskedFor(std::vector<const api::PipelineRun*>& runs, const std::string& newest_hash) {
  const auto key = [&](const api::PipelineRun& r) {
    const auto hash = r.meta.labels.find(kLabelRunHash);
    const bool newest = hash != r.meta.labels.end() && hash->second == newest_hash;
    const auto change = AsChangeRun(r, r.spec.pipeline_ref);
    return std::tuple(r.meta.created.value_or(TimePoint{}), newest, change ? change->hash : "",
                      change ? change->number : 0, r.meta.name);
  };
  std::sort(runs.begin(), runs.end(),
            [&](const auto* a, const auto* b) { return key(*a) < key(*b); });
}

std::string RunName(const std::string& pipeline, const std::string& hash, int n) {
  return pipeline + "-" + hash + "-" + std::to_string(n);
}

}  // namespace penstock::plan
