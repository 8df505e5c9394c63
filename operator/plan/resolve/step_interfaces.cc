#include "operator/plan/resolve/step_interfaces.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "operator/api/codec.h"
#include "operator/plan/resolve/references.h"

namespace penstock::plan {
namespace {

using api::ValueType;
using Version = std::vector<std::uint64_t>;

// nullopt when it is not one to three numbers.
std::optional<Version> ParseVersion(const std::string& text) {
  Version out;
  const char* at = text.data();
  const char* end = at + text.size();
  while (true) {
    std::uint64_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{} || out.size() == 3) return std::nullopt;
    out.push_back(number);
    if (next == end) return out;
    if (*next != '.') return std::nullopt;
    at = next + 1;
  }
}

bool IsPrefix(const Version& prefix, const Version& version) {
  return prefix.size() <= version.size() &&
         std::equal(prefix.begin(), prefix.end(), version.begin());
}

std::string Existing(const std::vector<api::Component>& candidates) {
  std::vector<std::pair<Version, std::string>> versions;
  for (const auto& c : candidates)
    if (auto v = ParseVersion(c.spec.version)) versions.emplace_back(*v, c.spec.version);
  std::sort(versions.begin(), versions.end());
  std::string out;
  for (const auto& [v, text] : versions) out += (out.empty() ? "" : ", ") + text;
  return out;
}

ValueType TypeOf(const Json& value) {
  if (value.is_boolean()) return ValueType::kBoolean;
  if (value.is_number_integer()) return ValueType::kInteger;
  if (value.is_number()) return ValueType::kNumber;
  if (value.is_array()) return ValueType::kList;
  return value.is_object() ? ValueType::kObject : ValueType::kString;
}

const api::StepSpec* StepOf(const api::PipelineSpec& spec, const std::string& name) {
  const api::StepSpec* found = ByName(spec.steps, name);
  return found != nullptr ? found : ByName(spec.finally, name);
}

// Of what a step gives, by a reference $(steps.s.outputs.o); "": not known.
std::string OutputType(const api::PipelineSpec& spec, const StepComponents& known,
                       const std::string& text) {
  const auto parsed = ParseTemplate(text);
  const Reference* whole = parsed ? parsed->Whole() : nullptr;
  if (whole == nullptr || !whole->IsJust({"steps", "*", "outputs", "*"})) return "";
  const api::StepSpec* step = StepOf(spec, whole->path[1]);
  if (step == nullptr) return "";
  if (step->for_each) return "file";  // gathered
  const StepInterface from = InterfaceOf(*step, known);
  const auto* output = from.outputs ? ByName(*from.outputs, whole->path[3]) : nullptr;
  return output == nullptr ? "" : output->type;
}

// What is known of a value before a run: its type, unless it is untyped. Spec is ParameterSpec or
// ResultSpec.
template <typename Spec>
Spec Declared(const api::PipelineSpec& spec, const StepComponents& known, const std::string& name,
              const Json& value) {
  Spec d;
  d.name = name;
  d.type = TypeOf(value);
  if (!value.is_string()) {
    d.untyped = value.is_object() && value.contains("firstOf");
    return d;
  }
  const auto parsed = ParseTemplate(value.get_ref<const std::string&>());
  const Reference* whole = parsed ? parsed->Whole() : nullptr;
  if (whole == nullptr) return d;
  d.untyped = true;
  if (whole->IsJust({"parameters", "*"})) {
    const auto* from = ByName(spec.parameters, whole->path[1]);
    if (from == nullptr) return d;
    d.type = from->type;
    d.untyped = from->untyped;
  } else if (whole->IsJust({"steps", "*", "results", "*"})) {
    const api::StepSpec* step = StepOf(spec, whole->path[1]);
    const StepInterface from = step ? InterfaceOf(*step, known) : StepInterface{};
    const auto* result = from.results ? ByName(*from.results, whole->path[3]) : nullptr;
    if (result == nullptr) return d;
    d.type = step->for_each ? ValueType::kList : result->type;
    d.untyped = !step->for_each && result->untyped;
  }
  return d;
}

class Finder {
 public:
  Finder(const Surroundings* around, Findings& out) : around_(around), out_(out) {}

  Interfaces Find(const api::PipelineSpec& spec, int depth) {
    Interfaces found;
    // A Pipeline in place takes what steps before it give.
    const std::vector<ListedStep> steps = StepsOf(spec);
    std::vector<std::size_t> order = TopologicalOrder(DependencyGraph(spec));
    if (order.empty())
      for (std::size_t i = 0; i < steps.size(); ++i) order.push_back(i);
    for (const std::size_t i : order) {
      const api::StepSpec& step = *steps[i].step;
      const std::string& path = steps[i].path;
      if (step.component) AddComponent(step, path, found);
      if (IsGate(step)) found.specs.emplace(step.name, GateInterface(step));
      if (step.pipeline && !step.pipeline->name.empty())
        AddNamed(*step.pipeline, step.name, path + ".pipeline", depth, found);
      if (step.pipeline && step.pipeline->name.empty())
        AddInPlace(spec, step, path + ".pipeline", depth, found);
    }
    return found;
  }

 private:
  void AddComponent(const api::StepSpec& step, const std::string& path, Interfaces& found) {
    if (around_ == nullptr) return;
    const auto key = std::pair(step.component->name, step.component->library);
    if (!components_.contains(key))
      components_[key] = around_->components ? around_->components(key.first, key.second)
                                             : std::vector<api::Component>{};
    auto component = PickComponent(*step.component, components_[key]);
    if (!component) return out_.Add(path + ".component", component.error().message);
    CheckComponentSpec(component->spec, path + ".component(" + component->meta.name + ").container",
                       out_);
    if (component->spec.service_account_token && !step.component->library)
      out_.Add(path + ".component",
               "the Component " + component->meta.name +
                   " says serviceAccountToken, which only those of the library may; mount a "
                   "projected serviceAccountToken volume in a container step instead");
    found.names[step.name] = component->meta.name;
    found.specs.emplace(step.name, std::move(component->spec));
  }

  void AddNamed(const api::NestedPipeline& wanted, const std::string& step, const std::string& path,
                int depth, Interfaces& found) {
    if (around_ == nullptr || !around_->pipeline || depth >= kMaxNesting) return;
    const auto pipeline = around_->pipeline(wanted.name, wanted.library);
    if (pipeline == nullptr) {
      if (around_->knows_pipelines)
        out_.Add(path + ".name",
                 "there is no Pipeline " + wanted.name +
                     (wanted.library ? " in the library (library: true)" : " in this namespace") +
                     "; create it, or say library: " + (wanted.library ? "false" : "true"));
      return;
    }
    Findings its_own;  // told where it stands
    const Interfaces inner = Finder(around_, its_own).Find(pipeline->spec, depth + 1);
    found.specs.emplace(step, AsInterface(wanted.name, pipeline->spec, inner.specs));
  }

  void AddInPlace(const api::PipelineSpec& outer, const api::StepSpec& step,
                  const std::string& path, int depth, Interfaces& found) {
    if (depth + 1 >= kMaxNesting)
      return out_.Add(path, "pipelines stand within each other at most " +
                                std::to_string(kMaxNesting) + " deep");
    const api::PipelineSpec spec = InPlaceSpec(outer, step, found.specs);
    Findings within;
    const Interfaces inner = Finder(around_, within).Find(spec, depth + 1);
    CheckSpec(spec, inner.specs, within);
    // What the step gives is told at the step.
    const auto is_given = [](const std::string& at) {
      return at.starts_with("spec.parameters") || at.starts_with("spec.inputs") ||
             at.starts_with("spec.defaults");
    };
    for (auto& error : within.errors)
      if (!is_given(error.path)) out_.Add(path + error.path.substr(4), std::move(error.message));
    for (const std::string& warning : within.warnings)
      if (!is_given(warning)) out_.warnings.push_back(path + warning.substr(4));
    api::ComponentSpec interface = AsInterface(step.name, spec, inner.specs);
    // Only what the step gives itself is to be given to it.
    std::erase_if(interface.parameters,
                  [&](const auto& p) { return !step.parameters.contains(p.name); });
    found.specs.emplace(step.name, std::move(interface));
  }

  static api::ComponentSpec AsInterface(const std::string& name, const api::PipelineSpec& spec,
                                        const StepComponents& known) {
    api::ComponentSpec interface;
    interface.name = name;
    interface.inputs = spec.inputs;
    interface.parameters = spec.parameters;
    for (const auto& [output, text] : spec.outputs)
      interface.outputs.push_back({output, OutputType(spec, known, text), true, ""});
    for (const api::PipelineResult& result : spec.results)
      interface.results.push_back(
          Declared<api::ResultSpec>(spec, known, result.name, result.value.value_or(Json())));
    return interface;
  }

  const Surroundings* around_;
  Findings& out_;
  std::map<std::pair<std::string, bool>, std::vector<api::Component>> components_;
};

// Whether a loop has an item whatever a run is given.
bool MayBeEmpty(const api::ForEachSpec& loop) {
  const auto items =
      ListItems(loop, [](const Reference& r) -> Result<Json> { return Invalid(r.Text()); });
  return !items || items->empty();
}

// Whether a run that goes well starts each step.
std::vector<bool> AlwaysStart(const api::PipelineSpec& spec) {
  const Graph graph = DependencyGraph(spec);
  const std::vector<ListedStep> steps = StepsOf(spec);
  std::vector<bool> always(steps.size());
  for (const std::size_t i : TopologicalOrder(graph)) {
    const auto& deps = steps[i].step->depends_on;
    const auto& loop = steps[i].step->for_each;
    const bool may_be_left_out = !steps[i].step->when.empty() || (loop && MayBeEmpty(*loop));
    always[i] = !may_be_left_out &&
                std::all_of(deps.begin(), deps.end(),
                            [](const api::Dependency& d) {
                              return d.outcome == api::DependencyOutcome::kSucceeded;
                            }) &&
                std::all_of(graph[i].begin(), graph[i].end(), [&](auto on) { return always[on]; });
  }
  return always;
}

class EndlessFinder {
 public:
  EndlessFinder(const std::string& pipeline, const Surroundings& around)
      : pipeline_(pipeline), around_(around) {}

  // True: `way_` leads back.
  bool Find(const api::PipelineSpec& spec) {
    const std::vector<bool> always = AlwaysStart(spec);
    const std::vector<ListedStep> steps = StepsOf(spec);
    for (std::size_t i = 0; i < steps.size(); ++i)
      if (always[i] && steps[i].step->pipeline && Follow(spec, *steps[i].step->pipeline))
        return true;
    return false;
  }
  [[nodiscard]] const std::string& way() const { return way_; }

 private:
  bool Follow(const api::PipelineSpec& outer, const api::NestedPipeline& nested) {
    if (nested.name.empty()) {
      api::PipelineSpec inner = outer;
      inner.steps = nested.steps;
      inner.finally.clear();
      return Find(inner);
    }
    const std::string before = way_;
    way_ += " -> " + nested.name;
    // The library's does not name one of a namespace: what it names, runs where it runs.
    if (nested.name == pipeline_ && !nested.library) return true;
    if (seen_.insert({nested.name, nested.library}).second) {
      const auto next = around_.pipeline(nested.name, nested.library);
      if (next != nullptr && Find(next->spec)) return true;
    }
    way_ = before;
    return false;
  }

  const std::string& pipeline_;
  const Surroundings& around_;
  std::string way_ = pipeline_;
  std::set<std::pair<std::string, bool>> seen_;
};

}  // namespace

Result<api::Component> PickComponent(const api::ComponentRef& wanted,
                                     const std::vector<api::Component>& candidates) {
  const auto prefix = ParseVersion(wanted.version);
  if (!prefix)
    return Invalid("version '" + wanted.version +
                   "' is none; write 1 for the highest 1.x.y, or 1.4.0 for exactly that");
  const api::Component* best = nullptr;
  Version best_version;
  for (const auto& c : candidates) {
    const auto version = ParseVersion(c.spec.version);
    if (!version || !IsPrefix(*prefix, *version)) continue;
    if (best != nullptr && *version <= best_version) continue;
    best = &c;
    best_version = *version;
  }
  if (best != nullptr) return *best;
  const std::string where =
      wanted.library ? "the library (library: true)" : "this namespace (library: false)";
  const std::string existing = Existing(candidates);
  if (existing.empty())
    return NotFound("there is no Component '" + wanted.name + "' in " + where +
                    "; apply one, or say library: " + (wanted.library ? "false" : "true"));
  return NotFound("there is no version " + wanted.version + " of Component '" + wanted.name +
                  "' in " + where + "; it has " + existing);
}

Interfaces InterfacesOf(const api::PipelineSpec& spec, const Surroundings* around, Findings& out) {
  return Finder(around, out).Find(spec, 0);
}

api::PipelineSpec InPlaceSpec(const api::PipelineSpec& outer, const api::StepSpec& step,
                              const StepComponents& known) {
  api::PipelineSpec spec;
  spec.defaults = outer.defaults;
  spec.steps = step.pipeline->steps;
  spec.outputs = step.pipeline->outputs;
  spec.results = step.pipeline->results;
  for (const auto& [name, value] : step.parameters) {
    auto& parameter =
        spec.parameters.emplace_back(Declared<api::ParameterSpec>(outer, known, name, value));
    parameter.optional = true;
  }
  for (const api::ParameterSpec& p : outer.parameters)
    if (!step.parameters.contains(p.name)) {
      spec.parameters.push_back(p);
      spec.parameters.back().value_from = Json();  // it is given
    }
  for (const auto& [name, source] : step.inputs) {
    const bool one = source.first_of.size() == 1;
    const std::string type = one ? OutputType(outer, known, source.first_of[0]) : "";
    spec.inputs.push_back({name, type.empty() ? "file" : type, source.optional, ""});
  }
  return spec;
}

std::string EndlessNesting(const std::string& pipeline, const api::PipelineSpec& spec,
                           const Surroundings& around) {
  if (pipeline.empty() || !around.pipeline) return "";
  EndlessFinder finder(pipeline, around);
  return finder.Find(spec) ? finder.way() : "";
}

std::string EndlessMessage(const std::string& way) {
  return "the pipeline runs itself without end: " + way +
         "; give a step on this way a condition under which it is left out";
}

}  // namespace penstock::plan
