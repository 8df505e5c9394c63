// What a step gave in earlier runs of its Pipeline, of which the newest that is still there stands
// in for it where it fails.
#include <algorithm>
#include <utility>

#include "operator/controllers/run_facts.h"
#include "operator/plan/step/last_good.h"

namespace penstock::controllers {

Result<bool> RunFacts::AreThere(const plan::LastGood& last) const {
  for (const api::StepOutput& o : last.outputs) {
    auto exists = context_.store.Use(run_.ns, ArtifactRef{o.digest, o.folder, o.bytes});
    if (!exists && !IsSure(exists.error().kind))
      return Wrap("the output '" + o.name + "' of run " + last.run, exists.error());
    if (!exists || !*exists) return false;
  }
  return true;
}

Result<bool> RunFacts::FetchLastGood(const plan::LastGoodRequest& request) {
  const auto run = context_.snapshots.runs.Get(run_);
  if (run == nullptr || run->meta.uid != run_uid_) return true;  // deleted while this waited
  const plan::ResolvedStep& step = *request.resolved->Find(request.step);
  plan::LastGoodAnswer answer;
  answer.why_none = plan::WhyNoEarlierRun(*run);
  std::vector<plan::LastGood> all;
  const auto note = [&](const api::PipelineRun& other) {
    if (auto last = plan::GivenIn(other, *run, step)) all.push_back(*std::move(last));
  };
  if (answer.why_none.empty()) {
    for (const auto& other : context_.snapshots.runs.List(run_.ns)) note(*other);
    if (context_.settings.earlier_runs) {
      auto earlier = context_.settings.earlier_runs(run_.ns, run->spec.pipeline_ref);
      if (!earlier) return earlier.error();
      for (const api::PipelineRun& other : *earlier) note(other);
    }
    answer.why_none = "no run of the Pipeline that is kept has succeeded in this step";
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.time > b.time; });
  for (plan::LastGood& last : all) {
    auto there = AreThere(last);
    if (!there) return there.error();
    answer.why_none = "of what it gave in earlier runs nothing is in the store any more";
    if (!*there) continue;
    answer.found = std::move(last);
    break;
  }
  const std::lock_guard lock(mutex_);
  last_good_[request.step] = std::make_shared<const plan::LastGoodAnswer>(std::move(answer));
  return true;
}

}  // namespace penstock::controllers
