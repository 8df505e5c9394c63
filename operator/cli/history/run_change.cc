#include "operator/cli/history/run_change.h"

#include "operator/cli/history/difference_text.h"
#include "operator/plan/step/run_outcome.h"

namespace penstock::cli {
namespace {

// Why the source of a step's input counts as changed; empty: it holds what it held.
std::string SourceNews(const plan::ResolvedInput& input, const api::StepStatus* before,
                       const AskSource& ask) {
  const sources::Fingerprint now = ask(input.uri);
  if (now.value.empty()) {
    return input.uri + " tells nothing of what it holds" +
           (now.why_none.empty() ? "" : " (" + now.why_none + ")");
  }
  const auto was = before == nullptr ? std::map<std::string, std::string>::const_iterator()
                                     : before->sources.find(input.name);
  if (before == nullptr || was == before->sources.end()) {
    return "it is not known what " + input.uri + " held then";
  }
  if (was->second == now.value) return "";
  return input.uri + " holds something else: was " + ShortValue(was->second) + ", is " +
         ShortValue(now.value);
}

}  // namespace

KnownRun* LastSucceeded(const KnownRun& run, std::vector<KnownRun>& older) {
  for (KnownRun& other : older) {
    if (other.run.spec.pipeline_ref == run.run.spec.pipeline_ref &&
        plan::OutcomeOf(other.run) == plan::RunOutcome::kSucceeded &&
        !plan::UsedLastGood(other.run)) {  // a step of which has failed
      return &other;
    }
  }
  return nullptr;
}

RunChange WhatChanged(const KnownRun& run, const KnownRun* last, const AskSource& ask) {
  if (last == nullptr) return {"", {"no run of it has succeeded yet"}};
  RunChange change{last->run.meta.name, {}};
  if (!last->resolved || !run.resolved) {
    change.why.push_back("what " + (last->resolved ? run : *last).run.meta.name +
                         " was made of is not kept");
    return change;
  }
  for (const Difference& d :
       Compare(IngredientsOf(*last->resolved), IngredientsOf(*run.resolved))) {
    change.why.push_back(Describe(d));
  }
  for (const plan::ResolvedStep& step : run.resolved->steps) {
    for (const plan::ResolvedInput& input : step.inputs) {
      if (input.uri.empty()) continue;
      std::string news = SourceNews(input, last->Step(step.name), ask);
      if (!news.empty()) change.why.push_back("step " + step.name + ": " + std::move(news));
    }
  }
  return change;
}

}  // namespace penstock::cli
