#include "operator/views/run/cache_story.h"

#include <algorithm>

#include "operator/base/sha256.h"
#include "operator/plan/attempt/cache_key.h"
#include "operator/views/run/run_ingredients.h"
#include "operator/views/run/step_makers.h"

namespace penstock::views {
namespace {

std::string NamesOfSteps(const KnownRun& run) {
  std::string names;
  const auto note = [&](const std::string& one) { names += (names.empty() ? "" : ", ") + one; };
  if (run.resolved)
    for (const plan::ResolvedStep& step : run.resolved->steps) note(step.name);
  else
    for (const api::StepStatus& step : run.run.status.steps) note(step.name);
  return names;
}

// Empty where a source told nothing.
std::string KeyOf(Json ingredients) {
  const auto sources = ingredients.at("sources").get<std::map<std::string, std::string>>();
  ingredients.erase("sources");
  std::string base = Sha256Hex(CanonicalJson(ingredients));
  return sources.empty() ? base : plan::WithSources(base, sources);
}

Json DifferencesOf(const Ingredients& before, const Ingredients& now) {
  if (before.empty() || now.empty()) return nullptr;  // a spec is not kept
  Json told = Json::array();
  for (const Difference& d : Compare(before, now))
    told.push_back({{"what", d.what}, {"before", d.before}, {"after", d.after}});
  return told;
}

}  // namespace

std::vector<std::size_t> ComparedWith(const KnownRun& run, const std::string& step,
                                      const std::vector<KnownRun>& older, std::size_t most) {
  std::vector<std::size_t> found;
  const api::StepStatus* status = run.Step(step);
  if (status != nullptr && status->cached)
    if (const Maker maker = MakerOf(*status, older); maker.run != nullptr)
      found.push_back(static_cast<std::size_t>(maker.run - older.data()));
  for (std::size_t i = 0; i < older.size() && found.size() < most; ++i) {
    if (older[i].run.spec.pipeline_ref != run.run.spec.pipeline_ref) continue;
    const api::StepStatus* then = older[i].Step(step);
    if (then == nullptr || then->phase != api::StepPhase::kSucceeded) continue;
    if (std::find(found.begin(), found.end(), i) == found.end()) found.push_back(i);
  }
  return found;
}

Result<Json> ExplainCache(const KnownRun& run, const std::string& step,
                          const std::vector<KnownRun>& older,
                          const std::vector<std::size_t>& compared_with) {
  const api::StepStatus* status = run.Step(step);
  const plan::ResolvedStep* resolved = run.resolved ? run.resolved->Find(step) : nullptr;
  if (status == nullptr && resolved == nullptr)
    return NotFound("run " + run.run.meta.name + " has no step " + step + "; it has " +
                    NamesOfSteps(run));
  const api::StepStatus none;
  const api::StepStatus& s = status == nullptr ? none : *status;
  Json told{{"run", run.run.meta.name},
            {"pipeline", run.run.spec.pipeline_ref},
            {"step", step},
            {"phase", api::Name(s.phase)},
            {"cached", s.cached},
            {"cachedFrom", s.cached ? MakerOf(s, older).name : ""},
            {"reason", s.reason},
            {"cacheKey", s.cache_key},
            {"cacheMiss", s.cache_miss},
            {"looped", resolved != nullptr ? resolved->loop.has_value() : s.items.has_value()},
            {"ingredients", nullptr},
            {"comparedWith", Json::array()}};
  // Neither has a key: what runs in the one, and who decides the other, is told elsewhere.
  if (resolved != nullptr && (resolved->nested || resolved->HasNoPod())) {
    told["noKey"] = resolved->nested ? "it is a Pipeline: its steps have keys of their own"
                                     : "it has no program";
    return told;
  }
  const Json all = KeyIngredients(run, step);
  if (!all.is_null()) {
    told["ingredients"] = Leaves(all);
    if (!s.cache_key.empty()) told["ingredientsMakeTheKey"] = KeyOf(all) == s.cache_key;
  }
  const Ingredients now = IngredientsOf(run, step);
  for (const std::size_t index : compared_with) {
    const KnownRun& other = older[index];
    const api::StepStatus* then = other.Step(step);
    told["comparedWith"].push_back(
        {{"run", other.run.meta.name},
         {"cacheKey", then == nullptr ? "" : then->cache_key},
         {"cacheMiss", then == nullptr ? "" : then->cache_miss},
         {"madeIt", s.cached && other.run.meta.name == told["cachedFrom"]},
         {"differences", DifferencesOf(IngredientsOf(other, step), now)}});
  }
  return told;
}

}  // namespace penstock::views
