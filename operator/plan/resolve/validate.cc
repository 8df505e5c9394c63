#include <algorithm>
#include <set>

#include "operator/api/codec.h"
#include "operator/base/json_member.h"
#include "operator/plan/locks/lock_check.h"
#include "operator/plan/resolve/pod_values.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/resolve/schedule_check.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/step_interfaces.h"
#include "operator/plan/resolve/step_merge.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/plan/resolve/when_check.h"

namespace penstock::plan {
namespace {

constexpr const char* kIdentifierRule =
    "a name is a letter, then letters, digits, '_' and '-', at most 40";
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
  if (retry.max_duration && retry.max_duration->count() <= 0)
    out.Add(path + ".maxDuration", "must be above 0");
  for (std::size_t i = 0; i < retry.user.on_exit_codes.size(); ++i)
    if (retry.user.on_exit_codes[i] == 0)
      out.Add(api::ItemPath(path + ".user.onExitCodes", i),
              "0 is no failure; say exit codes of 1 to 255");
}

void CheckTimeouts(const api::TimeoutSpec& t, const std::string& path, Findings& out) {
  if (t.attempt && t.attempt->count() <= 0) out.Add(path + ".attempt", "must be above 0");
  if (t.pending && t.pending->count() <= 0) out.Add(path + ".pending", "must be above 0");
}

void CheckType(const std::string& type, const std::string& path, Findings& out) {
  if (!kArtifactTypes.contains(type))
    out.Add(path + ".type", "'" + type +
                                "' is no type; take dataset, statistics, schema, transform, "
                                "model, metrics, report or file");
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

void CheckStep(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  if (!IsDnsLabel(step.name, 40))
    c.out.Add(path + ".name", "'" + step.name.substr(0, 80) +
                                  "' is no step name: lower-case letters, digits and '-', a letter "
                                  "or digit at both ends, at most 40");
  // One that waits cannot be looped, whatever the loop says.
  if (step.for_each && !IsGate(step)) CheckLoop(c, step, path + ".forEach");
  if (step.component.has_value() + step.container.has_value() + step.pipeline.has_value() +
          step.approval.has_value() + step.wait.has_value() + int{!step.containers.empty()} !=
      1)
    c.out.Add(path,
              "a step has exactly one of component, container, containers, pipeline, approval and "
              "wait");
  CheckNames(step.outputs, path + ".outputs", c.out);
  CheckNames(step.results, path + ".results", c.out);
  for (std::size_t i = 0; i < step.outputs.size(); ++i)
    CheckType(step.outputs[i].type, api::ItemPath(path + ".outputs", i), c.out);
  if (IsGate(step)) {
    CheckGate(c, step, path);
  } else {
    CheckInputs(c, step, path);
    CheckParameters(c, step, path);
  }
  CheckDependsOn(c, step, path);
  CheckPodReferences(c, step, path);
  CheckResources(step.resources, path + ".resources", c.out);
  CheckBudgets(step.retry, path + ".retry", c.out);
  if (step.for_each && (step.retry.max_duration || c.spec.defaults.retry.max_duration))
    c.out.Add(path + ".retry.maxDuration",
              std::string("is not for a step with forEach: when an item began first is not kept; "
                          "say retry.user.limit") +
                  (step.retry.max_duration ? ""
                                           : ", and maxDuration of the steps it is for in "
                                             "place of the defaults"));
  CheckTimeouts(step.timeouts, path + ".timeouts", c.out);
  for (const StepProgram& p : ProgramsOf(step)) {
    CheckProgram(c, step, *p.spec, path + p.path);
    if (p.spec->command.empty())
      c.out.warnings.push_back(path + p.path +
                               ".command is left out: the operator must be allowed to ask the "
                               "image's registry for its entry point");
  }
  CheckOwnVolumes(c, step, path);
  if (step.component) CheckComponentEnv(c, step, path);
  if (step.pipeline) CheckNested(c, step, path);
  CheckPod(c, step, path);
  CheckOnFailure(c, step, path);
}

void CheckCycles(const CheckContext& c) {
  const auto cycle = FindCycle(DependencyGraph(c.spec));
  if (cycle.empty()) return CheckNeverRuns(c);
  std::string names;
  const auto steps = StepsOf(c.spec);
  for (const std::size_t i : cycle) names += (names.empty() ? "" : " -> ") + steps[i].step->name;
  c.out.Add("spec.steps", "steps depend on each other in a circle: " + names +
                              "; each waits for the next, so none can start");
}

void WarnUnused(const CheckContext& c) {
  std::set<std::string> used;
  for (const ListedStep& listed : StepsOf(c.spec))
    for (const FoundReference& f : ReferencesOf(*listed.step))
      if (f.reference.Is({"parameters", "*"})) used.insert(f.reference.path[1]);
  for (const ListedStep& listed : StepsOf(c.spec)) used.merge(WhenParameters(listed.step->when));
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said by the checks
  for (const api::PipelineResult& r : c.spec.results)
    if (r.value) CollectReferences(*r.value, "", found, ignored);
  for (const PodPlace& place : PlacesOf(c.spec.defaults))
    CollectReferences(place.value, "", found, ignored);
  for (const auto& [key, value] : c.spec.run_labels) CollectReferences(value, "", found, ignored);
  for (const FoundReference& f : found)
    if (f.reference.Is({"parameters", "*"})) used.insert(f.reference.path[1]);
  for (const ListedStep& listed : StepsOf(c.spec))
    for (const FoundReference& f : ReferencesOf(*listed.step))
      if (f.reference.Is({"inputs", "*"})) used.insert("inputs." + f.reference.path[1]);
  for (std::size_t i = 0; i < c.spec.inputs.size(); ++i)
    if (!c.spec.inputs[i].name.empty() && !used.contains("inputs." + c.spec.inputs[i].name))
      c.out.warnings.push_back(api::ItemPath("spec.inputs", i) + ": no step uses the input '" +
                               c.spec.inputs[i].name + "'");
  for (std::size_t i = 0; i < c.spec.parameters.size(); ++i)
    if (!c.spec.parameters[i].name.empty() && !used.contains(c.spec.parameters[i].name))
      c.out.warnings.push_back(api::ItemPath("spec.parameters", i) +
                               ": no step uses the parameter '" + c.spec.parameters[i].name + "'");
}

}  // namespace

std::string KindOf(const api::StepSpec& step) {
  if (IsGate(step)) return step.approval ? "approval" : "wait";
  return step.pipeline ? "pipeline" : "component";
}

std::vector<StepProgram> ProgramsOf(const api::StepSpec& step) {
  std::vector<StepProgram> programs;
  if (step.container) programs.push_back({&*step.container, ".container"});
  for (std::size_t i = 0; i < step.containers.size(); ++i)
    programs.push_back({&step.containers[i].program, api::ItemPath(".containers", i)});
  return programs;
}

void CheckEntryPoints(const api::PipelineSpec& spec, Findings& out) {
  for (const ListedStep& s : StepsOf(spec))
    for (const StepProgram& p : ProgramsOf(*s.step))
      if (p.spec->command.empty())
        out.Add(s.path + p.path + ".command",
                "is required: the launcher starts it, and cannot see the image's own entry point; "
                "an operator that may ask registries can (registries.ask of the chart)");
}

StepInterface InterfaceOf(const api::StepSpec& step, const StepComponents& components) {
  if (step.container || !step.containers.empty()) return {&step.outputs, &step.results};
  const auto it = components.find(step.name);
  if (it == components.end()) return {};
  return {&it->second.outputs, &it->second.results};
}

std::vector<ListedStep> StepsOf(const api::PipelineSpec& spec) {
  std::vector<ListedStep> all;
  all.reserve(spec.steps.size() + spec.finally.size());
  for (std::size_t i = 0; i < spec.steps.size(); ++i)
    all.push_back({&spec.steps[i], api::ItemPath("spec.steps", i), false});
  for (std::size_t i = 0; i < spec.finally.size(); ++i)
    all.push_back({&spec.finally[i], api::ItemPath("spec.finally", i), true});
  return all;
}

Graph DependencyGraph(const api::PipelineSpec& spec) {
  const auto steps = StepsOf(spec);
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < steps.size(); ++i) index.emplace(steps[i].step->name, i);
  Graph graph(steps.size());
  const auto add = [&](std::size_t from, const std::string& on) {
    if (const auto it = index.find(on); it != index.end()) graph[from].insert(it->second);
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const api::Dependency& d : steps[i].step->depends_on) add(i, d.step);
    for (const auto& [step, outcome] : ImpliedNeeds(*steps[i].step)) add(i, step);
  }
  return graph;
}

void CheckSpec(const api::PipelineSpec& spec, const StepComponents& components, Findings& out) {
  CheckContext c{spec, components, {}, {}, out};
  for (const auto& p : spec.parameters) c.parameters.emplace(p.name, &p);
  if (spec.steps.empty()) out.Add("spec.steps", "a pipeline has at least one step");
  const auto steps = StepsOf(spec);
  for (const ListedStep& s : steps)
    if (!c.steps.emplace(s.step->name, s.step).second)
      out.Add(s.path + ".name", "the step '" + s.step->name + "' stands there twice");
  CheckDeclarations(c);
  CheckNames(spec.inputs, "spec.inputs", out);
  for (std::size_t i = 0; i < spec.inputs.size(); ++i)
    CheckType(spec.inputs[i].type, api::ItemPath("spec.inputs", i), out);
  CheckResources(spec.defaults.resources, "spec.defaults.resources", out);
  CheckBudgets(spec.defaults.retry, "spec.defaults.retry", out);
  CheckTimeouts(spec.defaults.timeouts, "spec.defaults.timeouts", out);
  CheckPodFields(spec.defaults.pod, "spec.defaults.pod", out);
  CheckRunVolumes(c);
  CheckRunLabels(c);
  for (api::FieldError& wrong : CheckLocks(spec, HeldByDaemons(spec)))
    out.errors.push_back(std::move(wrong));
  if (spec.timeouts.run && spec.timeouts.run->count() <= 0)
    out.Add("spec.timeouts.run", "must be above 0");
  for (const ListedStep& s : steps) CheckStep(c, *s.step, s.path);
  CheckFinally(c);
  CheckConditions(c);
  CheckDefaultReferences(c);
  CheckPipelineOutputs(c);
  CheckNames(spec.results, "spec.results", out);
  CheckPipelineResults(c);
  CheckSchedules(spec, out);
  CheckCycles(c);
  WarnUnused(c);
}

std::vector<api::FieldError> Validate(const api::PipelineSpec& spec,
                                      std::vector<std::string>* warnings) {
  Findings out;
  CheckSpec(spec, InterfacesOf(spec, nullptr, out).specs, out);
  if (warnings != nullptr) *warnings = std::move(out.warnings);
  return std::move(out.errors);
}

// The steps of `finally` start when all others have ended, so that none of those can wait for them.
void CheckFinally(const CheckContext& c) {
  if (c.spec.finally.empty()) return;
  const auto steps = StepsOf(c.spec);
  const Graph graph = DependencyGraph(c.spec);
  for (std::size_t i = 0; i < c.spec.steps.size(); ++i)
    for (const std::size_t on : graph[i])
      if (steps[on].is_final)
        c.out.Add(steps[i].path, "waits for step '" + steps[on].step->name +
                                     "' of finally, which starts when all of spec.steps have "
                                     "ended; move one of the two");
}

std::vector<FoundReference> ReferencesOf(const api::StepSpec& step) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said by the checks
  if (step.for_each) CollectLoopReferences(*step.for_each, "forEach", found, ignored);
  for (const auto& [name, source] : step.inputs) {
    const std::size_t before = found.size();
    for (const std::string& text : source.first_of)
      CollectReferences(text, "inputs." + name, found, ignored);
    if (source.optional || source.first_of.size() > 1)
      for (std::size_t i = before; i < found.size(); ++i) found[i].either = true;
  }
  for (const auto& [name, value] : step.parameters)
    CollectReferences(value, "parameters." + name, found, ignored);
  if (step.approval) CollectReferences(step.approval->message, "approval.message", found, ignored);
  for (const PodPlace& place : PlacesOf(step))
    CollectReferences(place.value, place.path.substr(1), found, ignored);
  std::vector<FoundReference> inside;
  for (const StepProgram& p : ProgramsOf(step))
    CollectReferences(ContainerTemplates(*p.spec), p.path.substr(1), inside, ignored);
  if (step.pipeline && !step.pipeline->steps.empty())
    CollectReferences(api::Encode(*step.pipeline), "pipeline", inside, ignored);
  for (FoundReference& f : inside)
    if (f.reference.Is({"parameters", "*"}) && !step.parameters.contains(f.reference.path[1]))
      found.push_back(std::move(f));
  return found;
}

std::map<std::string, api::DependencyOutcome> ImpliedNeeds(const api::StepSpec& step) {
  std::map<std::string, api::DependencyOutcome> needs;
  for (const FoundReference& f : ReferencesOf(step)) {
    if (!f.reference.Is({"steps", "*"})) continue;
    auto& outcome = needs.emplace(f.reference.path[1], api::DependencyOutcome::kAny).first->second;
    if (!f.either && !f.reference.IsJust({"steps", "*", "status"}) &&
        !f.reference.IsJust({"steps", "*", "exitCode"}))
      outcome = api::DependencyOutcome::kSucceeded;
  }
  // A condition that asks how a step ended, or whether something is there, wants every end.
  for (const auto& [name, outcome] : WhenNeeds(step.when)) {
    const auto [need, is_new] = needs.emplace(name, outcome);
    if (outcome == api::DependencyOutcome::kAny) need->second = outcome;
  }
  return needs;
}

}  // namespace penstock::plan
