#include <algorithm>

#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

template <typename T>
const T* ByName(const std::vector<T>& list, const std::string& name) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const T& x) { return x.name == name; });
  return it == list.end() ? nullptr : &*it;
}

template <typename T>
std::string Names(const std::vector<T>& list) {
  std::string out;
  for (const T& x : list)
    if (!x.name.empty()) out += (out.empty() ? "it has " : ", ") + x.name;
  return out.empty() ? "it has none" : out;
}

const api::ComponentSpec* ComponentOf(const CheckContext& c, const api::StepSpec& step) {
  const auto it = c.components.find(step.name);
  return it == c.components.end() ? nullptr : &it->second;
}

bool KnowsParameter(const CheckContext& c, const Reference& r, const std::string& path) {
  if (c.parameters.contains(r.path[1])) return true;
  std::string names;
  for (const auto& [name, spec] : c.parameters) names += (names.empty() ? "" : ", ") + name;
  c.out.Add(path, r.Text() + ": the pipeline has no parameter '" + r.path[1] + "'; it has " +
                      (names.empty() ? "none" : names));
  return false;
}

// `file` is the type that promises nothing: it takes everything.
void CheckInputType(const CheckContext& c, const api::StepSpec& step, const std::string& name,
                    const std::string& from_type, const std::string& from,
                    const std::string& path) {
  const api::ComponentSpec* component = ComponentOf(c, step);
  const api::InputSpec* input = component ? ByName(component->inputs, name) : nullptr;
  if (input == nullptr || input->type == "file" || input->type == from_type) return;
  c.out.Add(path, "takes a " + input->type + ", but " + from + " is a " + from_type);
}

void CheckOneInput(const CheckContext& c, const api::StepSpec& step, const std::string& name,
                   const std::string& text, const std::string& path) {
  auto parsed = ParseTemplate(text);
  if (!parsed) return c.out.Add(path, parsed.error().message);
  const Reference* whole = parsed->Whole();
  if (whole != nullptr && whole->Is({"steps"})) {
    if (const auto* output = CheckOutputReference(c, *whole, path))
      CheckInputType(c, step, name, output->type, whole->Text(), path);
    return;
  }
  if (whole != nullptr && whole->Is({"pipelines", "*", "outputs", "*"}) && whole->path.size() == 4)
    return;
  if (whole != nullptr && whole->Is({"models"}))
    return c.out.Add(path, whole->Text() +
                               ": there is no model registry in this version; name a "
                               "pipeline's output: $(pipelines.p.outputs.o)");
  for (const Reference& r : parsed->References()) {
    if (r.Is({"parameters", "*"}) && r.path.size() == 2) {
      if (KnowsParameter(c, r, path) && c.parameters.at(r.path[1])->type != api::ValueType::kString)
        c.out.Add(path,
                  r.Text() + ": an input's URI or digest comes from a parameter of type string");
    } else {
      c.out.Add(path, r.Text() +
                          " cannot stand here; an input is $(steps.s.outputs.o), "
                          "$(pipelines.p.outputs.o), $(parameters.x), a digest or a URI");
    }
  }
  if (parsed->References().empty()) {
    auto literal = Expand(*parsed, [](const Reference&) -> Result<Json> { return Json(); });
    if (auto wrong = CheckSource(literal ? *literal : text)) c.out.Add(path, *wrong);
  }
}

void CheckOneParameter(const CheckContext& c, const api::ParameterSpec* spec, const Json& value,
                       const std::string& path) {
  if (value.is_null()) return;
  if (CanonicalText(value).size() > kMaxValueBytes)
    return c.out.Add(path, "is over 64 KiB; hand it over as an input instead");
  std::vector<FoundReference> found;
  CollectReferences(value, path, found, c.out.errors);
  for (const FoundReference& f : found) {
    const Reference& r = f.reference;
    if (r.Is({"parameters", "*"}) && r.path.size() == 2) {
      if (!KnowsParameter(c, r, f.path)) continue;
      const api::ValueType type = c.parameters.at(r.path[1])->type;
      if (spec != nullptr && f.whole && f.path == path && !Fits(type, spec->type))
        c.out.Add(path, r.Text() + " is a " + Name(type) + ", but the parameter is a " +
                            Name(spec->type));
    } else if (r.Is({"steps", "*", "results", "*"}) && r.path.size() == 4) {
      const auto step = c.steps.find(r.path[1]);
      if (step == c.steps.end()) {
        c.out.Add(f.path, r.Text() + ": there is no step '" + r.path[1] + "'");
        continue;
      }
      const StepInterface from = InterfaceOf(*step->second, c.components);
      if (from.results == nullptr) continue;
      const api::ResultSpec* result = ByName(*from.results, r.path[3]);
      if (result == nullptr)
        c.out.Add(f.path, r.Text() + ": step " + r.path[1] + " has no result '" + r.path[3] +
                              "'; " + Names(*from.results));
      else if (spec != nullptr && f.whole && f.path == path && !Fits(result->type, spec->type))
        c.out.Add(path, r.Text() + " is a " + Name(result->type) + ", but the parameter is a " +
                            Name(spec->type));
    } else if (!(r.Is({"run", "name"}) && r.path.size() == 2)) {
      c.out.Add(f.path, r.Text() +
                            " cannot stand in a parameter; it may hold $(parameters.x), "
                            "$(steps.s.results.r) and $(run.name)" +
                            (r.Is({"steps", "*", "outputs"}) ? "; an output is an input" : ""));
    }
  }
  if (spec == nullptr || !found.empty()) return;
  auto literal = ExpandAll(value, [](const Reference&) -> Result<Json> { return Json(); });
  if (auto wrong = CheckValue(*spec, literal ? *literal : value)) c.out.Add(path, *wrong);
}

}  // namespace

const api::OutputSpec* CheckOutputReference(const CheckContext& c, const Reference& r,
                                            const std::string& path) {
  if (!(r.Is({"steps", "*", "outputs", "*"}) && r.path.size() == 4)) {
    c.out.Add(path, r.Text() + " is no output; write $(steps.<step>.outputs.<output>)");
    return nullptr;
  }
  const auto step = c.steps.find(r.path[1]);
  if (step == c.steps.end()) {
    c.out.Add(path, r.Text() + ": there is no step '" + r.path[1] + "'");
    return nullptr;
  }
  const StepInterface from = InterfaceOf(*step->second, c.components);
  if (from.outputs == nullptr) return nullptr;
  const api::OutputSpec* output = ByName(*from.outputs, r.path[3]);
  if (output == nullptr)
    c.out.Add(path, r.Text() + ": step " + r.path[1] + " has no output '" + r.path[3] + "'; " +
                        Names(*from.outputs));
  return output;
}

void CheckInputs(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  const api::ComponentSpec* component = ComponentOf(c, step);
  for (const auto& [name, text] : step.inputs) {
    const std::string at = api::ChildPath(path + ".inputs", name);
    if (!IsIdentifier(name))
      c.out.Add(at, "an input's name is a letter, then letters, digits and '_', at most 40");
    if (component != nullptr && ByName(component->inputs, name) == nullptr)
      c.out.Add(at, "the component " + component->name + " has no such input; " +
                        Names(component->inputs));
    CheckOneInput(c, step, name, text, at);
  }
  if (component == nullptr) return;
  for (const api::InputSpec& input : component->inputs)
    if (!input.optional && !step.inputs.contains(input.name))
      c.out.Add(path + ".inputs", "the component " + component->name + " needs the input '" +
                                      input.name + "' (" + input.type + ")");
}

void CheckParameters(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  const api::ComponentSpec* component = ComponentOf(c, step);
  for (const auto& [name, value] : step.parameters) {
    const std::string at = api::ChildPath(path + ".parameters", name);
    if (!IsIdentifier(name))
      c.out.Add(at, "a parameter's name is a letter, then letters, digits and '_', at most 40");
    const auto* spec = component ? ByName(component->parameters, name) : nullptr;
    if (component != nullptr && spec == nullptr) {
      c.out.Add(at, "the component " + component->name + " has no such parameter; " +
                        Names(component->parameters));
      continue;
    }
    CheckOneParameter(c, spec, value, at);
  }
  if (component == nullptr) return;
  for (const api::ParameterSpec& p : component->parameters) {
    const auto given = step.parameters.find(p.name);
    const bool absent = given == step.parameters.end() || given->second.is_null();
    if (absent && !p.optional && !p.default_value)
      c.out.Add(path + ".parameters", "the component " + component->name +
                                          " needs the parameter '" + p.name + "' (" + Name(p.type) +
                                          ")");
  }
}

void CheckPipelineOutputs(const CheckContext& c) {
  for (const auto& [name, text] : c.spec.outputs) {
    const std::string at = api::ChildPath("spec.outputs", name);
    if (!IsIdentifier(name))
      c.out.Add(at, "an output's name is a letter, then letters, digits and '_', at most 40");
    auto parsed = ParseTemplate(text);
    if (!parsed) {
      c.out.Add(at, parsed.error().message);
    } else if (const Reference* whole = parsed->Whole()) {
      static_cast<void>(CheckOutputReference(c, *whole, at));
    } else {
      c.out.Add(at, "'" + text.substr(0, 80) + "' is no output; write $(steps.s.outputs.o)");
    }
  }
}

}  // namespace penstock::plan
