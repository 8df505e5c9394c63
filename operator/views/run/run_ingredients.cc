#include "operator/views/run/run_ingredients.h"

#include <set>

#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/values/step_inputs.h"

namespace penstock::views {
namespace {

void AddLeaves(const Json& value, const std::string& path, Ingredients& leaves) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, entry] : value.items()) {
      AddLeaves(entry, path.empty() ? key : path + "." + key, leaves);
    }
    return;
  }
  if (value.is_array() && !value.empty()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      AddLeaves(value[i], path + "[" + std::to_string(i) + "]", leaves);
    }
    return;
  }
  leaves[path] = value;
}

// An empty list or object that is filled on the other side: what fills it is told by itself.
bool HidesOthers(const std::string& name, const Json& a, const Json& b,
                 const std::set<std::string>& names) {
  const auto is_empty = [](const Json& v) { return v.is_structured() && v.empty(); };
  if (!(a.is_null() && is_empty(b)) && !(b.is_null() && is_empty(a))) return false;
  const auto next = names.upper_bound(name + ".");
  const auto item = names.lower_bound(name + "[");
  return (next != names.end() && next->starts_with(name + ".")) ||
         (item != names.end() && item->starts_with(name + "["));
}

// The steps by name, so that one more step shifts nothing.
Json ByName(const Json& list) {
  Json named = Json::object();
  for (const Json& entry : list) named[entry.value("name", "")] = entry;
  return named;
}

}  // namespace

Ingredients Leaves(const Json& value) {
  Ingredients leaves;
  AddLeaves(value, "", leaves);
  return leaves;
}

Json KeyIngredients(const KnownRun& run, const std::string& name) {
  const plan::ResolvedStep* step = run.resolved ? run.resolved->Find(name) : nullptr;
  if (step == nullptr) return nullptr;
  const plan::StatusOf status_of = [&](const std::string& other) { return run.Step(other); };
  const plan::Ingredients gathered = plan::Gather(*step, {run.run, status_of});
  plan::CacheKeyInputs inputs{
      run.run.meta.namespace_, gathered.step ? &*gathered.step : step, gathered.parameters, {}, {}};
  inputs.values = gathered.values;
  if (gathered.code) inputs.own_code = gathered.code->digest;
  if (gathered.packages) inputs.packages = gathered.packages->digest;
  Json sources = Json::object();
  const api::StepStatus* status = run.Step(name);
  for (const TaskInput& input : gathered.inputs) {
    if (input.artifact) {
      inputs.input_identities[input.name] = input.artifact->digest;
      continue;
    }
    sources[input.name] = input.uri;
    if (status == nullptr) continue;
    const auto print = status->sources.find(input.name);
    if (print != status->sources.end()) {
      sources[input.name] = plan::SourceIdentity(input.uri, print->second);
    }
  }
  Json what = plan::CacheIngredients(inputs);
  what["sources"] = std::move(sources);
  return what;
}

Ingredients IngredientsOf(const KnownRun& run, const std::string& name) {
  Json what = KeyIngredients(run, name);
  if (what.is_null()) return {};
  what.erase("keyVersion");
  what.erase("namespace");
  return Leaves(what);
}

Ingredients IngredientsOf(const plan::ResolvedRun& resolved) {
  Json all = plan::EncodeResolved(resolved);
  Json steps = ByName(all["spec"].value("steps", Json::array()));
  for (std::size_t i = 0; i < resolved.steps.size(); ++i) {
    Json& step = steps[resolved.steps[i].name];
    for (const auto& [key, value] : all["steps"][i].items()) {
      if (key != "inputs") step[key] = value;
    }
    Json& inputs = step["inputs"] = Json::object();
    for (const plan::ResolvedInput& input : resolved.steps[i].inputs) {
      if (input.of_own_pipeline) continue;
      inputs[input.name] = input.artifact       ? Json(input.artifact->digest)
                           : !input.uri.empty() ? Json(input.uri)
                                                : Json(input.step + "." + input.output);
    }
  }
  all["spec"].erase("steps");
  return Leaves({{"parameters", all["parameters"]}, {"spec", all["spec"]}, {"steps", steps}});
}

std::vector<Difference> Compare(const Ingredients& before, const Ingredients& after) {
  std::set<std::string> names;
  for (const auto& [name, value] : before) names.insert(name);
  for (const auto& [name, value] : after) names.insert(name);
  std::vector<Difference> differences;
  const auto value = [](const Ingredients& all, const std::string& name) {
    const auto it = all.find(name);
    return it == all.end() ? Json() : it->second;
  };
  for (const std::string& name : names) {
    Json a = value(before, name), b = value(after, name);
    if (a == b || HidesOthers(name, a, b, names)) continue;
    differences.push_back({name, std::move(a), std::move(b)});
  }
  return differences;
}

}  // namespace penstock::views
