#include <algorithm>
#include <set>

#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

constexpr const char* kIdentifierRule =
    "a name is a letter, then letters, digits and '_', at most 40";
const std::set<std::string> kArtifactTypes{"dataset", "statistics", "schema", "transform",
                                           "model",   "metrics",    "report", "file"};

template <typename T>
void CheckNames(const std::vector<T>& list, const std::string& path, Findings& out) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = api::ItemPath(path, i) + ".name";
    if (!IsIdentifier(list[i].name))
      out.Add(at, "'" + list[i].name.substr(0, 80) + "' is no name: " + kIdentifierRule);
    else if (!names.insert(list[i].name).second)
      out.Add(at, "'" + list[i].name + "' stands there twice");
  }
}

void CheckDeclarations(const CheckContext& c) {
  const auto& list = c.spec.parameters;
  CheckNames(list, "spec.parameters", c.out);
  for (std::size_t i = 0; i < list.size(); ++i)
    if (auto wrong = CheckDeclaration(list[i]))
      c.out.Add(api::ItemPath("spec.parameters", i) + wrong->field, wrong->message);
}

void CheckBudgets(const api::RetrySpec& retry, const std::string& path, Findings& out) {
  const auto check = [&](const api::RetryBudget& b, const char* name) {
    const std::string at = path + "." + name;
    if (b.limit && (*b.limit < 0 || *b.limit > 100)) out.Add(at + ".limit", "is not in 0 to 100");
    if (b.backoff && b.max_backoff && *b.backoff > *b.max_backoff)
      out.Add(at + ".backoff", "is above maxBackoff");
  };
  check(retry.user, "user");
  check(retry.out_of_memory, "outOfMemory");
  check(retry.infrastructure, "infrastructure");
  check(retry.timeout, "timeout");
}

void CheckTimeouts(const api::TimeoutSpec& t, const std::string& path, Findings& out) {
  if (t.attempt && t.attempt->count() <= 0) out.Add(path + ".attempt", "must be above 0");
  if (t.pending && t.pending->count() <= 0) out.Add(path + ".pending", "must be above 0");
}

void CheckDependsOn(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < step.depends_on.size(); ++i) {
    const std::string at = api::ItemPath(path + ".dependsOn", i) + ".step";
    const std::string& on = step.depends_on[i].step;
    if (!c.steps.contains(on)) c.out.Add(at, "there is no step '" + on + "'");
    if (!seen.insert(on).second) c.out.Add(at, "'" + on + "' stands there twice");
  }
}

void CheckStep(const CheckContext& c, const api::StepSpec& step, std::size_t index) {
  const std::string path = api::ItemPath("spec.steps", index);
  if (!IsDnsLabel(step.name, 40))
    c.out.Add(path + ".name", "'" + step.name.substr(0, 80) +
                                  "' is no step name: lower-case letters, digits and '-', a letter "
                                  "or digit at both ends, at most 40");
  if (step.component.has_value() == step.container.has_value())
    c.out.Add(path, "a step has exactly one of component and container");
  CheckNames(step.outputs, path + ".outputs", c.out);
  CheckNames(step.results, path + ".results", c.out);
  for (std::size_t i = 0; i < step.outputs.size(); ++i)
    if (!kArtifactTypes.contains(step.outputs[i].type))
      c.out.Add(api::ItemPath(path + ".outputs", i) + ".type",
                "'" + step.outputs[i].type +
                    "' is no type; take dataset, statistics, schema, transform, model, metrics, "
                    "report or file");
  CheckInputs(c, step, path);
  CheckParameters(c, step, path);
  CheckDependsOn(c, step, path);
  CheckResources(step.resources, path + ".resources", c.out);
  CheckBudgets(step.retry, path + ".retry", c.out);
  CheckTimeouts(step.timeouts, path + ".timeouts", c.out);
  if (step.container) CheckContainer(c, step, path);
  if (step.component) CheckComponentEnv(c, step, path);
}

void CheckCycles(const CheckContext& c) {
  const auto cycle = FindCycle(DependencyGraph(c.spec));
  if (cycle.empty()) return CheckNeverRuns(c);
  std::string names;
  for (const std::size_t i : cycle) names += (names.empty() ? "" : " -> ") + c.spec.steps[i].name;
  c.out.Add("spec.steps", "steps depend on each other in a circle: " + names +
                              "; each waits for the next, so none can start");
}

// Every template of a step in which $(parameters.x) may mean the pipeline's.
std::vector<FoundReference> ReferencesOf(const api::StepSpec& step) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said by the checks
  for (const auto& [name, text] : step.inputs) CollectReferences(text, "", found, ignored);
  for (const auto& [name, value] : step.parameters) CollectReferences(value, "", found, ignored);
  if (!step.container) return found;
  std::vector<FoundReference> inside;
  CollectReferences(Json(step.container->command), "", inside, ignored);
  CollectReferences(Json(step.container->args), "", inside, ignored);
  CollectReferences(Json(step.container->working_dir), "", inside, ignored);
  for (const Json& e : step.container->env)
    if (e.contains("value")) CollectReferences(e.at("value"), "", inside, ignored);
  for (FoundReference& f : inside)
    if (f.reference.Is({"parameters", "*"}) && !step.parameters.contains(f.reference.path[1]))
      found.push_back(std::move(f));
  return found;
}

void WarnUnused(const CheckContext& c) {
  std::set<std::string> used;
  for (const api::StepSpec& step : c.spec.steps)
    for (const FoundReference& f : ReferencesOf(step))
      if (f.reference.Is({"parameters", "*"})) used.insert(f.reference.path[1]);
  for (std::size_t i = 0; i < c.spec.parameters.size(); ++i)
    if (!c.spec.parameters[i].name.empty() && !used.contains(c.spec.parameters[i].name))
      c.out.warnings.push_back(api::ItemPath("spec.parameters", i) +
                               ": no step uses the parameter '" + c.spec.parameters[i].name + "'");
}

}  // namespace

std::string TextAt(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

StepInterface InterfaceOf(const api::StepSpec& step, const StepComponents& components) {
  if (step.container) return {&step.outputs, &step.results};
  const auto it = components.find(step.name);
  if (it == components.end()) return {};
  return {&it->second.outputs, &it->second.results};
}

Graph DependencyGraph(const api::PipelineSpec& spec) {
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < spec.steps.size(); ++i) index.emplace(spec.steps[i].name, i);
  Graph graph(spec.steps.size());
  const auto add = [&](std::size_t from, const std::string& on) {
    if (const auto it = index.find(on); it != index.end()) graph[from].insert(it->second);
  };
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    for (const api::Dependency& d : spec.steps[i].depends_on) add(i, d.step);
    for (const FoundReference& f : ReferencesOf(spec.steps[i]))
      if (f.reference.Is({"steps", "*"})) add(i, f.reference.path[1]);
  }
  return graph;
}

void CheckSpec(const api::PipelineSpec& spec, const StepComponents& components, Findings& out) {
  CheckContext c{spec, components, {}, {}, out};
  for (const auto& p : spec.parameters) c.parameters.emplace(p.name, &p);
  if (spec.steps.empty()) out.Add("spec.steps", "a pipeline has at least one step");
  for (std::size_t i = 0; i < spec.steps.size(); ++i)
    if (!c.steps.emplace(spec.steps[i].name, &spec.steps[i]).second)
      out.Add(api::ItemPath("spec.steps", i) + ".name",
              "the step '" + spec.steps[i].name + "' stands there twice");
  CheckDeclarations(c);
  CheckResources(spec.defaults.resources, "spec.defaults.resources", out);
  CheckBudgets(spec.defaults.retry, "spec.defaults.retry", out);
  CheckTimeouts(spec.defaults.timeouts, "spec.defaults.timeouts", out);
  for (std::size_t i = 0; i < spec.steps.size(); ++i) CheckStep(c, spec.steps[i], i);
  CheckPipelineOutputs(c);
  CheckCycles(c);
  WarnUnused(c);
}

std::vector<api::FieldError> Validate(const api::PipelineSpec& spec,
                                      std::vector<std::string>* warnings) {
  Findings out;
  CheckSpec(spec, {}, out);
  if (warnings != nullptr) *warnings = std::move(out.warnings);
  return std::move(out.errors);
}

}  // namespace penstock::plan
