#include "operator/views/run/run_difference.h"

#include <set>

#include "operator/views/run/run_ingredients.h"

namespace penstock::views {
namespace {

Json Entry(const std::string& step, const Difference& d) {
  return {{"step", step}, {"what", d.what}, {"before", d.before}, {"after", d.after}};
}

// In the order of the later run, then what only the other has.
std::vector<std::string> StepsOf(const KnownRun& before, const KnownRun& after) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const KnownRun* run : {&after, &before}) {
    if (run->resolved) {
      for (const auto& step : run->resolved->steps) {
        if (seen.insert(step.name).second) names.push_back(step.name);
      }
    }
    for (const auto& step : run->run.status.steps) {
      if (seen.insert(step.name).second) names.push_back(step.name);
    }
  }
  return names;
}

Ingredients NumbersOf(const KnownRun& run, const std::string& step) {
  const api::StepStatus* status = run.Step(step);
  if (status == nullptr) return {};
  Ingredients numbers;
  for (const auto& [name, value] : Leaves(Json(status->results))) {
    if (value.is_number() || value.is_boolean()) numbers[name] = value;
  }
  return numbers;
}

void AddStep(const KnownRun& before, const KnownRun& after, const std::string& step, Json& all) {
  const bool was = before.Step(step) != nullptr, is = after.Step(step) != nullptr;
  if (was != is) {
    all["steps"].push_back(
        Entry(step, {"step", was ? Json("there") : Json(), is ? Json("there") : Json()}));
    return;
  }
  for (const Difference& d : Compare(IngredientsOf(before, step), IngredientsOf(after, step))) {
    all["steps"].push_back(Entry(step, d));
  }
  const Ingredients old = NumbersOf(before, step), now = NumbersOf(after, step);
  std::map<std::string, Difference> metrics;
  for (const auto& [name, value] : old) metrics[name] = {name, value, Json()};
  for (const auto& [name, value] : now) {
    metrics[name].what = name;
    metrics[name].after = value;
  }
  for (const auto& [name, metric] : metrics) all["metrics"].push_back(Entry(step, metric));
}

Ingredients ParametersOf(const KnownRun& run) {
  return Leaves(Json(run.resolved ? run.resolved->parameters : run.run.spec.parameters));
}

}  // namespace

Json DiffRuns(const KnownRun& before, const KnownRun& after) {
  Json all{{"before", before.run.meta.name}, {"after", after.run.meta.name}};
  for (const char* part : {"parameters", "steps", "metrics"}) all[part] = Json::array();
  for (const Difference& d : Compare(ParametersOf(before), ParametersOf(after))) {
    all["parameters"].push_back(Entry("", d));
  }
  for (const std::string& step : StepsOf(before, after)) AddStep(before, after, step, all);
  return all;
}

}  // namespace penstock::views
