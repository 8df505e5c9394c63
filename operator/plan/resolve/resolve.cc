#include "operator/plan/resolve/resolve.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "operator/base/sha256.h"
#include "operator/plan/resolve/code_fetch.h"
#include "operator/plan/resolve/component_version.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/step_merge.h"
#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

struct Picked {
  StepComponents specs;                      // by step
  std::map<std::string, std::string> names;  // step -> object name
};

Picked PickComponents(const api::PipelineSpec& spec, const Surroundings& around, Findings& out) {
  Picked picked;
  std::map<std::pair<std::string, bool>, std::vector<api::Component>> known;
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    const api::StepSpec& step = spec.steps[i];
    if (!step.component) continue;
    const auto key = std::pair(step.component->name, step.component->library);
    const std::string path = api::ItemPath("spec.steps", i) + ".component";
    if (!known.contains(key))
      known[key] = around.components ? around.components(key.first, key.second)
                                     : std::vector<api::Component>{};
    auto component = PickComponent(*step.component, known[key]);
    if (!component) {
      out.Add(path, component.error().message);
      continue;
    }
    CheckComponentSpec(component->spec, path + "(" + component->meta.name + ").container", out);
    picked.names[step.name] = component->meta.name;
    picked.specs.emplace(step.name, std::move(component->spec));
  }
  return picked;
}

std::map<std::string, Json> ParameterValues(const std::vector<api::ParameterSpec>& declared,
                                            const std::map<std::string, Json>& given,
                                            Findings& out) {
  std::map<std::string, Json> values;
  for (auto& error : CheckGiven(declared, given)) out.errors.push_back(std::move(error));
  for (const api::ParameterSpec& p : declared) {
    const std::string path = api::ChildPath("spec.parameters", p.name);
    const auto it = given.find(p.name);
    if (it != given.end() && !it->second.is_null()) {
      values[p.name] = it->second;
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

bool IsPipelineParameter(const Reference& r) { return r.Is({"parameters", "*"}); }

class StepResolver {
 public:
  StepResolver(const std::string& pipeline, const api::PipelineSpec& spec, const Picked& picked,
               const Surroundings& around, const std::map<std::string, Json>& values, Findings& out)
      : pipeline_(pipeline),
        spec_(spec),
        picked_(picked),
        around_(around),
        values_(values),
        out_(out),
        code_(spec, around, out) {
    for (const auto& s : spec.steps) steps_.emplace(s.name, &s);
  }

  ResolvedStep Resolve(std::size_t index) {
    const api::StepSpec& step = spec_.steps[index];
    path_ = api::ItemPath("spec.steps", index);
    const auto it = picked_.specs.find(step.name);
    component_ = it == picked_.specs.end() ? nullptr : &it->second;
    ResolvedStep r = MergeStep(step, component_, spec_.defaults);
    if (component_ != nullptr) r.component = picked_.names.at(step.name);
    CheckResources(r.resources, path_ + ".resources", out_);
    ResolveInputs(step, r);
    ResolveParameters(step, r);
    code_.Resolve(r, path_ + ".container.code");
    for (const std::size_t on : DependsOn(index)) {
      const std::string& name = spec_.steps[on].name;
      if (std::none_of(r.depends_on.begin(), r.depends_on.end(),
                       [&](const auto& d) { return d.step == name; }))
        r.depends_on.push_back({name, api::DependencyOutcome::kSucceeded});
    }
    return r;
  }

  void SetGraph(Graph graph) { graph_ = std::move(graph); }
  // The steps that fetch the code of those that were resolved.
  std::vector<ResolvedStep> TakeFetches() { return code_.Take(); }

 private:
  const std::set<std::size_t>& DependsOn(std::size_t index) const { return graph_[index]; }

  Result<Json> Value(const Reference& r) const { return values_.at(r.path[1]); }

  void ResolveInputs(const api::StepSpec& step, ResolvedStep& r) {
    for (const auto& [name, text] : step.inputs) {
      ResolvedInput input;
      input.name = name;
      if (component_ != nullptr)
        for (const auto& declared : component_->inputs)
          if (declared.name == name) {
            input.type = declared.type;
            input.optional = declared.optional;
          }
      const std::string path = api::ChildPath(path_ + ".inputs", name);
      if (auto parsed = ParseTemplate(text)) FillInput(*parsed, path, input);
      r.inputs.push_back(std::move(input));
    }
  }

  void FillInput(const Template& text, const std::string& path, ResolvedInput& input) {
    const Reference* whole = text.Whole();
    if (whole != nullptr && whole->Is({"steps"})) {
      input.step = whole->path[1];
      input.output = whole->path[3];
      if (input.type.empty() || input.type == "file") {
        const auto from = InterfaceOf(*steps_.at(input.step), picked_.specs);
        for (const auto& o : *from.outputs)
          if (o.name == input.output) input.type = o.type;
      }
      return;
    }
    if (whole != nullptr && whole->Is({"pipelines"})) return FillPublished(*whole, path, input);
    auto uri = Expand(text, [this](const Reference& r) { return Value(r); });
    if (!uri) return out_.Add(path, uri.error().message);
    if (uri->empty()) {
      if (!input.optional) out_.Add(path, "is required, but the parameter was not given");
      return;
    }
    if (auto wrong = CheckSource(*uri)) out_.Add(path, *wrong);
    if (!IsDigest(*uri)) {
      input.uri = *uri;
      return;
    }
    input.artifact = ArtifactRef{*uri, false, 0};
    input.put_by_hand = true;
    if (input.type.empty()) input.type = "file";
  }

  void FillPublished(const Reference& r, const std::string& path, ResolvedInput& input) {
    const auto published = around_.pipeline_output ? around_.pipeline_output(r.path[1], r.path[3])
                                                   : std::optional<api::PublishedOutput>{};
    if (!published) {
      if (!input.optional)
        out_.Add(path, r.Text() + ": Pipeline " + r.path[1] + " has published no output '" +
                           r.path[3] + "' yet; run it first");
      return;
    }
    if (!input.type.empty() && input.type != "file" && published->type != input.type)
      out_.Add(path, "takes a " + input.type + ", but " + r.Text() + " is a " + published->type);
    if (input.type.empty() || input.type == "file") input.type = published->type;
    input.artifact = ArtifactRef{published->digest, published->folder, published->bytes};
    input.of_own_pipeline = r.path[1] == pipeline_;
  }

  void ResolveParameters(const api::StepSpec& step, ResolvedStep& r) {
    for (const auto& [name, text] : step.parameters) {
      auto value = ExpandKnown(
          text, [this](const Reference& ref) { return Value(ref); }, IsPipelineParameter);
      if (!value) {
        out_.Add(api::ChildPath(path_ + ".parameters", name), value.error().message);
        continue;
      }
      AddParameter(name, *value, r);
    }
    if (component_ != nullptr) {
      for (const api::ParameterSpec& p : component_->parameters) {
        if (r.parameters.contains(p.name)) continue;
        if (p.default_value && !p.default_value->is_null())
          r.parameters[p.name] = {*p.default_value, false, p};
        else if (!p.optional && !p.default_value)
          out_.Add(api::ChildPath(path_ + ".parameters", p.name),
                   "is required, but what it refers to was not given");
      }
      return;
    }
    // What the container says of the pipeline's parameters.
    for (const std::string& name : ContainerParameters(r.container)) {
      if (r.parameters.contains(name) || step.parameters.contains(name)) continue;
      const auto it = values_.find(name);
      if (it != values_.end() && !it->second.is_null())
        r.parameters[name] = {it->second, false, {}};
    }
  }

  void AddParameter(const std::string& name, const Json& value, ResolvedStep& r) {
    if (value.is_null()) return;  // not given: the Component's default
    ResolvedParameter p;
    if (component_ != nullptr)
      for (const auto& declared : component_->parameters)
        if (declared.name == name) p.spec = declared;
    std::vector<FoundReference> left;
    std::vector<api::FieldError> ignored;
    CollectReferences(value, "", left, ignored);
    p.pending = !left.empty();
    p.value = value;
    if (!p.pending) {
      auto plain = ExpandAll(value, [](const Reference&) -> Result<Json> { return Json(); });
      if (plain) p.value = *plain;
      const std::string path = api::ChildPath(path_ + ".parameters", name);
      if (p.spec) {
        if (auto wrong = CheckValue(*p.spec, p.value)) out_.Add(path, *wrong);
      } else if (CanonicalText(p.value).size() > kMaxValueBytes) {
        out_.Add(path, "is over 64 KiB; hand it over as an input instead");
      }
    }
    r.parameters[name] = std::move(p);
  }

  const std::string& pipeline_;
  const api::PipelineSpec& spec_;
  const Picked& picked_;
  const Surroundings& around_;
  const std::map<std::string, Json>& values_;
  Findings& out_;
  CodeFetches code_;
  std::map<std::string, const api::StepSpec*> steps_;
  Graph graph_;
  std::string path_;
  const api::ComponentSpec* component_ = nullptr;
};

}  // namespace

const ResolvedStep* ResolvedRun::Find(const std::string& name) const {
  const auto it =
      std::find_if(steps.begin(), steps.end(), [&](const auto& s) { return s.name == name; });
  return it == steps.end() ? nullptr : &*it;
}

const api::OutputSpec* ResolvedStep::Output(const std::string& output) const {
  const auto it =
      std::find_if(outputs.begin(), outputs.end(), [&](const auto& o) { return o.name == output; });
  return it == outputs.end() ? nullptr : &*it;
}

std::vector<OutputRef> ResolvedStep::Takes() const {
  std::vector<OutputRef> taken;
  for (const ResolvedInput& input : inputs)
    if (!input.step.empty()) taken.push_back({input.step, input.output});
  if (code_from) taken.push_back(*code_from);
  return taken;
}

Resolution Check(const api::PipelineSpec& spec, const Surroundings& around) {
  Findings out;
  const Picked picked = PickComponents(spec, around, out);
  CheckSpec(spec, picked.specs, out);
  return {std::nullopt, std::move(out.errors), std::move(out.warnings)};
}

Resolution Resolve(const std::string& pipeline_name, const api::PipelineSpec& spec,
                   const std::map<std::string, Json>& given, const Surroundings& around) {
  Findings out;
  const Picked picked = PickComponents(spec, around, out);
  CheckSpec(spec, picked.specs, out);
  const auto values = ParameterValues(spec.parameters, given, out);
  if (!out.errors.empty()) return {std::nullopt, std::move(out.errors), std::move(out.warnings)};

  ResolvedRun run;
  run.pipeline = pipeline_name;
  run.parameters = values;
  run.parallelism = spec.parallelism;
  run.outputs = spec.outputs;
  run.warnings = out.warnings;
  StepResolver resolver(pipeline_name, spec, picked, around, values, out);
  Graph graph = DependencyGraph(spec);
  const auto order = TopologicalOrder(graph);
  resolver.SetGraph(std::move(graph));
  std::vector<ResolvedStep> steps;
  for (const std::size_t i : order) steps.push_back(resolver.Resolve(i));
  run.steps = resolver.TakeFetches();
  std::move(steps.begin(), steps.end(), std::back_inserter(run.steps));
  if (run.steps.size() > api::kMaxSteps)
    out.Add("spec.steps", "with those that fetch code.git there are over " +
                              std::to_string(api::kMaxSteps) + " steps; split the pipeline");
  if (!out.errors.empty()) return {std::nullopt, std::move(out.errors), std::move(out.warnings)};
  return {std::move(run), {}, std::move(out.warnings)};
}

}  // namespace penstock::plan
