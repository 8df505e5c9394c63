#include "operator/plan/resolve/resolve.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "operator/base/json.h"
#include "operator/plan/locks/lock_check.h"
#include "operator/plan/resolve/pod_values.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/schedule_check.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/step_interfaces.h"
#include "operator/plan/resolve/step_resolver.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/plan/resolve/when_check.h"

namespace penstock::plan {
namespace {

// Of a parameter that comes from a ConfigMap; null: it may be absent, and is.
Result<Json> ConfiguredValue(const api::ParameterSpec& p, const Surroundings& around) {
  const Json& source = p.value_from.at("configMapKeyRef");
  const std::string name = TextAt(source, "name");
  const std::string key = TextAt(source, "key");
  const std::string where = "ConfigMap " + name + ", key " + key;
  const auto text = around.config_value ? around.config_value(name, key)
                                        : Result<std::string>(NotFound("it is not looked up here"));
  if (!text && p.optional && text.error().kind == ErrorKind::kNotFound) return Json();
  if (!text) return Wrap(where, text.error());
  Json value = *text;
  if (p.type != api::ValueType::kString) {
    auto parsed = ParseJson(*text, where);
    if (!parsed) return Invalid(parsed.error().message + "; it must be of type " + Name(p.type));
    value = std::move(*parsed);
  }
  if (auto wrong = CheckValue(p, value)) return Invalid(where + ": " + *wrong);
  return value;
}

std::map<std::string, Json> ParameterValues(const std::vector<api::ParameterSpec>& declared,
                                            const std::map<std::string, Json>& given,
                                            const Surroundings& around, Findings& out) {
  std::map<std::string, Json> values;
  for (auto& error : CheckGiven(declared, given)) out.errors.push_back(std::move(error));
  for (std::size_t i = 0; i < declared.size(); ++i) {
    const api::ParameterSpec& p = declared[i];
    const std::string path = api::ChildPath("spec.parameters", p.name);
    const auto it = given.find(p.name);
    if (it != given.end() && !it->second.is_null()) {
      values[p.name] = it->second;
    } else if (!p.value_from.is_null()) {
      auto value = ConfiguredValue(p, around);
      if (value)
        values[p.name] = std::move(*value);
      else
        out.Add(api::ItemPath("spec.parameters", i) + ".valueFrom", value.error().message);
    } else if (p.default_value && !p.default_value->is_null()) {
      values[p.name] = *p.default_value;
    } else if (p.optional || p.default_value) {
      values[p.name] = Json();  // null: not given
    } else {
      out.Add(path, std::string("is required (") + Name(p.type) + ") and was not given");
    }
  }
  return values;
}

// Whether the inputs that a run is given are those that it may have and must have.
void CheckGivenInputs(const std::vector<api::InputSpec>& declared,
                      const std::map<std::string, std::string>& given, Findings& out) {
  const auto is_declared = [&](const std::string& name) {
    return std::any_of(declared.begin(), declared.end(),
                       [&](const auto& i) { return i.name == name; });
  };
  for (const auto& [name, source] : given) {
    const std::string path = api::ChildPath("spec.inputs", name);
    if (!is_declared(name)) out.Add(path, "the pipeline has no such input");
    if (auto wrong = CheckSource(source)) out.Add(path, *wrong);
  }
  for (const api::InputSpec& input : declared)
    if (!input.optional && !given.contains(input.name))
      out.Add(api::ChildPath("spec.inputs", input.name),
              "is required (" + input.type + ") and was not given");
}

std::vector<std::string> NumbersInConditions(const api::PipelineSpec& spec) {
  std::set<std::string> named;
  for (const ListedStep& s : StepsOf(spec)) named.merge(WhenParameters(s.step->when));
  std::vector<std::string> numbers;
  for (const api::ParameterSpec& p : spec.parameters)
    if (p.type == api::ValueType::kNumber && named.contains(p.name)) numbers.push_back(p.name);
  return numbers;
}

void ResolveResults(const api::PipelineSpec& spec, const std::map<std::string, Json>& values,
                    Findings& out, ResolvedRun& run) {
  for (std::size_t i = 0; i < spec.results.size(); ++i) {
    const api::PipelineResult& result = spec.results[i];
    auto value = ExpandKnown(
        *result.value, [&](const Reference& r) { return Select(values.at(r.path[1]), r, 2); },
        IsPipelineParameter);
    if (!value)
      out.Add(api::ItemPath("spec.results", i) + ".value", value.error().message);
    else
      run.results.push_back({result.name, std::move(*value), ""});
  }
}

// The parameters that a run's label names.
std::set<std::string> ParametersOf(const std::string& label) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said by the checks
  CollectReferences(label, "", found, ignored);
  std::set<std::string> names;
  for (const FoundReference& f : found)
    if (f.reference.Is({"parameters", "*"})) names.insert(f.reference.path[1]);
  return names;
}

// A run's label with its parameters put in; null of a parameter that is not given.
Result<Json> LabelOf(const std::string& text, const std::map<std::string, Json>& values) {
  auto value =
      ExpandAll(Json(text), [&](const Reference& r) { return Select(values.at(r.path[1]), r, 2); });
  if (!value || value->is_null()) return value;
  std::string label = CanonicalText(*value);
  const std::string why = WhyNoLabelValue(label);
  if (why.empty()) return Json(std::move(label));
  const std::set<std::string> named = ParametersOf(text);
  std::string names;
  for (const std::string& name : named) names += (names.empty() ? "'" : ", '") + name + "'";
  if (named.empty()) return Invalid(why);
  return Invalid(why + "; give another value to " +
                 (named.size() == 1 ? "the parameter " : "one of the parameters ") + names);
}

void ResolveLabels(const api::PipelineSpec& spec, const std::map<std::string, Json>& values,
                   Findings& out, ResolvedRun& run) {
  for (const auto& [key, text] : spec.run_labels) {
    auto label = LabelOf(text, values);
    if (!label)
      out.Add(api::ChildPath("spec.runLabels", key), label.error().message);
    else if (!label->is_null())
      run.labels[key] = label->get<std::string>();
  }
}

// Of labels that a run has which gives no other values to their parameters.
void WarnOfDefaultLabels(const api::PipelineSpec& spec, Findings& out) {
  std::map<std::string, Json> values;
  for (const api::ParameterSpec& p : spec.parameters)
    if (p.default_value && !p.default_value->is_null()) values[p.name] = *p.default_value;
  for (const auto& [key, text] : spec.run_labels) {
    const std::set<std::string> names = ParametersOf(text);
    if (!std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return values.contains(name); }))
      continue;
    if (const auto label = LabelOf(text, values); !label)
      out.warnings.push_back(api::ChildPath("spec.runLabels", key) + ": " + label.error().message);
  }
}

}  // namespace

bool ResolvedRun::TakesLocks() const {
  return !locks.empty() || std::any_of(steps.begin(), steps.end(),
                                       [](const auto& step) { return !step.locks.empty(); });
}

bool ResolvedRun::TakesApprovals() const {
  return std::any_of(steps.begin(), steps.end(),
                     [](const auto& step) { return step.approval.has_value(); });
}

const ResolvedStep* ResolvedRun::Find(const std::string& name) const {
  const auto it =
      std::find_if(steps.begin(), steps.end(), [&](const auto& s) { return s.name == name; });
  return it == steps.end() ? nullptr : &*it;
}

std::vector<const api::ContainerSpec*> ResolvedStep::Programs() const {
  if (containers.empty()) return {&container};
  std::vector<const api::ContainerSpec*> programs;
  for (const api::StepContainer& c : containers) programs.push_back(&c.program);
  return programs;
}

const api::OutputSpec* ResolvedStep::Output(const std::string& output) const {
  const auto it =
      std::find_if(outputs.begin(), outputs.end(), [&](const auto& o) { return o.name == output; });
  return it == outputs.end() ? nullptr : &*it;
}

std::vector<const ResolvedSource*> ResolvedInput::Sources() const {
  std::vector<const ResolvedSource*> all{this};
  for (const ResolvedSource& source : otherwise) all.push_back(&source);
  return all;
}

std::vector<OutputRef> ResolvedStep::Takes() const {
  std::vector<OutputRef> taken;
  for (const ResolvedInput& input : inputs)
    for (const ResolvedSource* source : input.Sources())
      if (!source->step.empty()) taken.push_back({source->step, source->output});
  if (code_from) taken.push_back(*code_from);
  if (packages_from) taken.push_back(*packages_from);
  return taken;
}

Resolution Check(const api::PipelineSpec& spec, const Surroundings& around) {
  Findings out;
  const Interfaces picked = InterfacesOf(spec, &around, out);
  CheckSpec(spec, picked.specs, out);
  if (around.pod_fields) CheckPodPolicy(spec, *around.pod_fields, out);
  if (!around.image) CheckEntryPoints(spec, out);
  for (api::FieldError& wrong : CheckLocksOfNamed(spec, HeldByDaemons(spec), around.pipeline))
    out.errors.push_back(std::move(wrong));
  if (out.errors.empty()) WarnOfDefaultLabels(spec, out);
  return {std::nullopt, std::move(out.errors), std::move(out.warnings)};
}

Resolution Resolve(const std::string& pipeline_name, const api::PipelineSpec& spec,
                   const std::map<std::string, Json>& given, const Surroundings& around,
                   const std::map<std::string, std::string>& inputs) {
  Findings out;
  const Interfaces picked = InterfacesOf(spec, &around, out);
  CheckSpec(spec, picked.specs, out);
  CheckTriggersOf(pipeline_name, spec, out);
  if (around.pod_fields) CheckPodPolicy(spec, *around.pod_fields, out);
  if (!around.image) CheckEntryPoints(spec, out);
  const auto values = ParameterValues(spec.parameters, given, around, out);
  CheckGivenInputs(spec.inputs, inputs, out);
  if (out.errors.empty())
    if (const std::string way = EndlessNesting(pipeline_name, spec, around); !way.empty())
      out.Add("spec.steps", EndlessMessage(way));
  for (api::FieldError& wrong : CheckLocksOfNamed(spec, HeldByDaemons(spec), around.pipeline))
    out.errors.push_back(std::move(wrong));
  if (!out.errors.empty()) return {std::nullopt, std::move(out.errors), std::move(out.warnings)};

  ResolvedRun run;
  run.pipeline = pipeline_name;
  run.parameters = values;
  run.inputs = inputs;
  run.number_parameters = NumbersInConditions(spec);
  run.parallelism = spec.parallelism;
  run.volumes = spec.volumes;
  run.locks = spec.locks;
  run.timeout = spec.timeouts.run;
  run.outputs = spec.outputs;
  ResolveResults(spec, values, out, run);
  ResolveLabels(spec, values, out, run);
  run.warnings = out.warnings;
  StepResolver resolver(pipeline_name, spec, picked, around, values, inputs, out);
  Graph graph = DependencyGraph(spec);
  const auto order = TopologicalOrder(graph);
  resolver.SetGraph(std::move(graph));
  std::vector<ResolvedStep> steps;
  for (const std::size_t i : order) steps.push_back(resolver.Resolve(i));
  run.steps = resolver.TakeFetches();
  std::move(steps.begin(), steps.end(), std::back_inserter(run.steps));
  std::stable_partition(run.steps.begin(), run.steps.end(),
                        [](const auto& s) { return !s.final_step; });
  if (run.steps.size() > api::kMaxSteps)
    out.Add("spec.steps",
            "with those that fetch code.git and install code.requirements there are over " +
                std::to_string(api::kMaxSteps) + " steps; split the pipeline");
  if (!out.errors.empty()) return {std::nullopt, std::move(out.errors), std::move(out.warnings)};
  return {std::move(run), {}, std::move(out.warnings)};
}

}  // namespace penstock::plan
