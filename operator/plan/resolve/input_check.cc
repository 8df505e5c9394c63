#include <algorithm>

#include "operator/plan/elsewhere/other_engines.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/plan/resolve/value_schema.h"

namespace penstock::plan {
namespace {

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

// Of a loop it is the list of what its items gave.
Json ResultSchema(const CheckContext& c, const Reference& r, const api::ResultSpec& result) {
  Json one = SchemaOf(result);
  if (!c.steps.at(r.path[1])->for_each) return one;
  return {{"type", "list"}, {"items", std::move(one)}};
}

// `file` is the type that promises nothing: it takes everything.
void CheckInputType(const CheckContext& c, const api::StepSpec& step, const std::string& name,
                    const std::string& from_type, const std::string& from,
                    const std::string& path) {
  const api::ComponentSpec* component = ComponentOf(c, step);
  const api::InputSpec* input = component ? ByName(component->inputs, name) : nullptr;
  if (input == nullptr || input->type == "file" || input->type == from_type) return;
  if (from_type.empty()) return;  // not known
  c.out.Add(path, "takes a " + input->type + ", but " + from + " is a " + from_type);
}

// What else may stand in an input's text: it becomes a URI or a digest.
void CheckInputText(const CheckContext& c, const FoundReference& f) {
  const Reference& r = f.reference;
  if (CheckEach(c, r, f.path)) return;
  if (r.Is({"parameters", "*"})) {
    if (KnowsParameter(c, r, f.path) && r.IsJust({"parameters", "*"}) &&
        !c.parameters.at(r.path[1])->untyped &&
        c.parameters.at(r.path[1])->type != api::ValueType::kString)
      c.out.Add(f.path,
                r.Text() + ": an input's URI or digest comes from a parameter of type string");
  } else if (r.Is({"steps", "*", "results", "*"})) {
    const api::ResultSpec* result = CheckResultReference(c, r, f.path);
    if (result != nullptr && r.IsJust({"steps", "*", "results", "*"}) &&
        (result->type != api::ValueType::kString || c.steps.at(r.path[1])->for_each))
      c.out.Add(f.path, r.Text() + ": an input's URI or digest comes from a result of type string");
  } else if (r.Is({"run", "*"})) {
    CheckRunReference(r, f.path, c.out);
  } else {
    c.out.Add(f.path, r.Text() +
                          " cannot stand here; an input is $(steps.s.outputs.o), "
                          "$(pipelines.p.outputs.o), $(inputs.i), $(parameters.x), "
                          "$(steps.s.results.r), a digest or a "
                          "URI");
  }
}

void CheckOneInput(const CheckContext& c, const api::StepSpec& step, const std::string& name,
                   const std::string& text, const std::string& path) {
  auto parsed = ParseTemplate(text);
  if (!parsed) return c.out.Add(path, parsed.error().message);
  const Reference* whole = parsed->Whole();
  if (whole != nullptr && whole->Is({"steps"}) && !whole->Is({"steps", "*", "results"})) {
    if (const auto* output = CheckOutputReference(c, *whole, path)) {
      const bool gathered = c.steps.at(whole->path[1])->for_each.has_value();
      CheckInputType(c, step, name, gathered ? "file" : output->type,
                     whole->Text() + (gathered ? ", gathered from all items," : ""), path);
    }
    return;
  }
  if (whole != nullptr && whole->IsJust({"pipelines", "*", "outputs", "*"})) return;
  if (whole != nullptr && whole->IsJust({"inputs", "*"})) {
    const auto* input = ByName(c.spec.inputs, whole->path[1]);
    if (input == nullptr)
      return c.out.Add(path, whole->Text() + ": the pipeline has no input '" + whole->path[1] +
                                 "'; " + Names(c.spec.inputs));
    // What it is given may be of any type where it says nothing more.
    if (input->type != "file") CheckInputType(c, step, name, input->type, whole->Text(), path);
    return;
  }
  if (whole != nullptr && whole->Is({"models"}))
    return c.out.Add(path, whole->Text() +
                               ": there is no model registry in this version; name a "
                               "pipeline's output: $(pipelines.p.outputs.o)");
  for (const Reference& r : parsed->References()) {
    if (r.all)
      c.out.Add(path, r.Text() + ": an input is one artifact; [*] stands in lists only");
    else
      CheckInputText(c, {r, whole != nullptr, false, false, path});
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
  if (value.is_string())
    if (const auto theirs = BracesOfOthers(value.get_ref<const std::string&>()))
      c.out.warnings.push_back(path + ": " + *theirs);
  std::vector<FoundReference> found;
  CollectReferences(value, path, found, c.out.errors);
  for (const FoundReference& f : found) CheckValueReference(c, spec, f, path);
  if (spec == nullptr || !found.empty()) return;
  auto literal = ExpandAll(value, [](const Reference&) -> Result<Json> { return Json(); });
  if (auto wrong = CheckValue(*spec, literal ? *literal : value)) c.out.Add(path, *wrong);
}

}  // namespace

void CheckValueReference(const CheckContext& c, const api::ParameterSpec* spec,
                         const FoundReference& f, const std::string& path) {
  const Reference& r = f.reference;
  if (r.all && !f.in_list)
    c.out.Add(f.path, r.Text() +
                          ": [*] puts all items into a list, so it stands as a whole item of "
                          "one: [" +
                          r.Text() + "]");
  const bool all_of_it = spec != nullptr && !spec->untyped && f.whole && f.path == path;
  // Of a parameter or result so declared, of which the reference means a part.
  const auto fits = [&](const Json& declared, std::size_t names) {
    const auto part = SchemaBelow(declared, r, names);
    if (!part) return c.out.Add(f.path, part.error().message);
    const std::string type = part->is_object() && !r.all ? part->value("type", "") : "";
    if (all_of_it && !type.empty() && type != Name(spec->type) &&
        !(type == "integer" && spec->type == api::ValueType::kNumber))
      c.out.Add(path, r.Text() + " is a " + type + ", but the parameter is a " + Name(spec->type));
  };
  if (CheckEach(c, r, f.path)) return;
  if (r.Is({"parameters", "*"})) {
    if (KnowsParameter(c, r, f.path)) fits(SchemaOf(*c.parameters.at(r.path[1])), 2);
  } else if (r.Is({"steps", "*", "results", "*"})) {
    const api::ResultSpec* result = CheckResultReference(c, r, f.path);
    if (result != nullptr) fits(ResultSchema(c, r, *result), 4);
  } else if (r.IsJust({"steps", "*", "status"})) {
    if (!c.steps.contains(r.path[1]))
      c.out.Add(f.path, r.Text() + ": there is no step '" + r.path[1] + "'");
    fits({{"type", "string"}}, 3);
  } else if (r.IsJust({"steps", "*", "exitCode"})) {
    const auto of = c.steps.find(r.path[1]);
    if (of == c.steps.end() || !HasExitCode(*of->second))
      c.out.Add(f.path, r.Text() + ": there is no step '" + r.path[1] +
                            "' with a program, and without forEach, which has an exit code");
    fits({{"type", "integer"}}, 3);
  } else if (r.IsJust({"steps", "*", "address"})) {
    const auto of = c.steps.find(r.path[1]);
    if (of == c.steps.end() || !of->second->daemon)
      c.out.Add(f.path, r.Text() + ": there is no step '" + r.path[1] +
                            "' with daemon, and no other has an address");
    fits({{"type", "string"}}, 3);
  } else if (r.Is({"run", "*"})) {
    CheckRunReference(r, f.path, c.out);
  } else if (const std::string ours = WordOfTekton(r); !ours.empty()) {
    c.out.Add(f.path, r.Text() + ": here it is " + ours);
  } else {
    c.out.Add(f.path, r.Text() +
                          " cannot stand in a parameter; it may hold $(parameters.x), "
                          "$(steps.s.results.r), $(steps.s.status), $(steps.s.exitCode), "
                          "$(steps.s.address) of a daemon and $(run.name)" +
                          (r.Is({"steps", "*", "outputs"}) ? "; an output is an input" : ""));
  }
}

void CheckRunReference(const Reference& r, const std::string& path, Findings& out) {
  for (const char* name : {"name", "uid", "namespace", "pipeline", "scheduledTime", "creationTime"})
    if (r.IsJust({"run", name})) return;
  // What the end of the other steps tells stands where that is known.
  const bool at_end = path.starts_with("spec.finally[") || path.starts_with("spec.results[");
  for (const char* name : {"status", "failures", "duration"})
    if (r.Is({"run", name})) {
      if (!at_end)
        out.Add(path, r.Text() +
                          " is known when all steps of spec.steps have ended: it can stand in a "
                          "step of finally and in results");
      return;
    }
  out.Add(path,
          r.Text() +
              ": of a run there is $(run.name), $(run.uid), $(run.namespace), "
              "$(run.pipeline), $(run.creationTime) and $(run.scheduledTime); in finally also "
              "$(run.status), "
              "$(run.failures) and "
              "$(run.duration)");
}

const api::ResultSpec* CheckResultReference(const CheckContext& c, const Reference& r,
                                            const std::string& path) {
  const auto step = c.steps.find(r.path[1]);
  if (step == c.steps.end()) {
    c.out.Add(path, r.Text() + ": there is no step '" + r.path[1] + "'");
    return nullptr;
  }
  const StepInterface from = InterfaceOf(*step->second, c.components);
  if (from.results == nullptr) return nullptr;
  const api::ResultSpec* result = ByName(*from.results, r.path[3]);
  if (result == nullptr)
    c.out.Add(path, r.Text() + ": step " + r.path[1] + " has no result '" + r.path[3] + "'; " +
                        Names(*from.results));
  return result;
}

const api::OutputSpec* CheckOutputReference(const CheckContext& c, const Reference& r,
                                            const std::string& path) {
  if (!r.IsJust({"steps", "*", "outputs", "*"})) {
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
  // The list of a loop's results is a file too, whatever its size.
  static const api::OutputSpec kListFile{"", "file", false, ""};
  if (output == nullptr && step->second->for_each && from.results != nullptr &&
      ByName(*from.results, r.path[3]) != nullptr)
    return &kListFile;
  if (output == nullptr)
    c.out.Add(path, r.Text() + ": step " + r.path[1] + " has no output '" + r.path[3] + "'; " +
                        Names(*from.outputs));
  return output;
}

void CheckInputs(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  const api::ComponentSpec* component = ComponentOf(c, step);
  for (const auto& [name, source] : step.inputs) {
    const std::string at = api::ChildPath(path + ".inputs", name);
    if (!IsIdentifier(name))
      c.out.Add(at, "an input's name is a letter, then letters, digits, '_' and '-', at most 40");
    if (component != nullptr && ByName(component->inputs, name) == nullptr)
      c.out.Add(at, "the " + KindOf(step) + " " + component->name + " has no such input; " +
                        Names(component->inputs));
    const bool chooses = source.first_of.size() > 1;
    for (std::size_t i = 0; i < source.first_of.size(); ++i)
      CheckOneInput(c, step, name, source.first_of[i],
                    chooses ? api::ItemPath(at + ".firstOf", i) : at);
    const bool in_place = step.pipeline && step.pipeline->name.empty();
    if (source.optional && component != nullptr && !in_place)
      c.out.Add(at + ".optional", "the " + KindOf(step) + " " + component->name +
                                      " says itself which of its inputs may be absent; remove it");
  }
  if (component == nullptr) return;
  for (const api::InputSpec& input : component->inputs)
    if (!input.optional && !step.inputs.contains(input.name))
      c.out.Add(path + ".inputs", "the " + KindOf(step) + " " + component->name +
                                      " needs the input '" + input.name + "' (" + input.type + ")");
}

void CheckParameters(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  const api::ComponentSpec* component = ComponentOf(c, step);
  for (const auto& [name, value] : step.parameters) {
    const std::string at = api::ChildPath(path + ".parameters", name);
    if (!IsIdentifier(name))
      c.out.Add(at,
                "a parameter's name is a letter, then letters, digits, '_' and '-', at most 40");
    const auto* spec = component ? ByName(component->parameters, name) : nullptr;
    if (component != nullptr && spec == nullptr) {
      c.out.Add(at, "the " + KindOf(step) + " " + component->name + " has no such parameter; " +
                        Names(component->parameters));
      continue;
    }
    CheckOneParameter(c, spec, value, at);
  }
  if (component == nullptr) return;
  for (const api::ParameterSpec& p : component->parameters) {
    const auto given = step.parameters.find(p.name);
    const bool absent = given == step.parameters.end() || given->second.is_null();
    if (absent && !p.optional && !p.default_value && p.value_from.is_null())
      c.out.Add(path + ".parameters", "the " + KindOf(step) + " " + component->name +
                                          " needs the parameter '" + p.name + "' (" + Name(p.type) +
                                          ")");
  }
}

void CheckPipelineResults(const CheckContext& c) {
  for (std::size_t i = 0; i < c.spec.results.size(); ++i) {
    const api::PipelineResult& result = c.spec.results[i];
    const std::string at = api::ItemPath("spec.results", i) + ".value";
    if (result.value) CheckOneParameter(c, nullptr, *result.value, at);
  }
}

void CheckPipelineOutputs(const CheckContext& c) {
  for (const auto& [name, text] : c.spec.outputs) {
    const std::string at = api::ChildPath("spec.outputs", name);
    if (!IsIdentifier(name))
      c.out.Add(at, "an output's name is a letter, then letters, digits, '_' and '-', at most 40");
    auto parsed = ParseTemplate(text);
    if (!parsed) {
      c.out.Add(at, parsed.error().message);
    } else if (const Reference* whole = parsed->Whole()) {
      static_cast<void>(CheckOutputReference(c, *whole, at));
    } else {
      c.out.Add(at, "'" + text.substr(0, 80) + "' is no output; write $(steps.s.outputs.o)");
    }
  }
  for (std::size_t i = 0; i < c.spec.registers.size(); ++i) {
    const std::string& output = c.spec.registers[i].output;
    if (c.spec.outputs.contains(output)) continue;
    std::string names;
    for (const auto& [name, text] : c.spec.outputs) names += (names.empty() ? "" : ", ") + name;
    c.out.Add(api::ItemPath("spec.registers", i) + ".output",
              "the pipeline has no output " + output +
                  (names.empty() ? ": add it to spec.outputs" : "; it has " + names));
  }
}

}  // namespace penstock::plan
