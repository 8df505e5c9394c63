#include <algorithm>
#include <set>

#include "operator/base/sha256.h"
#include "operator/plan/resolve/code_fetch.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/protocol/volume_path.h"

namespace penstock::plan {
namespace {

// What the references in a command may name.
struct Scope {
  std::set<std::string> inputs, outputs, results, parameters;
  std::set<std::string> artifacts;  // inputs that are no URIs for certain
  bool inputs_known = true;
  bool has_code = false;
};

std::string List(const std::set<std::string>& names) {
  std::string out;
  for (const auto& n : names)
    if (!n.empty()) out += (out.empty() ? "it has " : ", ") + n;
  return out.empty() ? "it has none" : out;
}

// What to write in place of a reference that a command cannot hold.
std::string InsteadOf(const Reference& r) {
  if (r.path.size() == 4 && r.Is({"steps", "*", "results"}))
    return "results go through parameters: add `parameters: {" + r.path[3] + ": " + r.Text() +
           "}` to the step and write $(parameters." + r.path[3] +
           ") here (inside a program's text: an env variable that has it as its value)";
  if (r.path.size() == 4 && r.Is({"steps", "*", "outputs"}))
    return "outputs go through inputs: add `inputs: {" + r.path[3] + ": " + r.Text() +
           "}` to the step and write $(inputs." + r.path[3] + ".path) here";
  if (r.Is({"item"}))
    return "there are no loops yet; write a step for each item, or give the list as a parameter" +
           std::string(". Where it is the shell's or the program's own, write $") + r.Text();
  const std::string own = "; where it is the shell's or the program's own, write $" + r.Text();
  if (r.path.size() == 1) return "there is nothing of that name" + own;
  return "it is not known here; a command may use $(inputs.i.path), $(outputs.o.path), "
         "$(results.r.path), $(parameters.x), $(parameters.x.path), $(code.path) and $(run.name)" +
         own;
}

void CheckOne(const Scope& scope, const FoundReference& f, Findings& out) {
  const Reference& r = f.reference;
  const std::size_t n = r.path.size();
  const auto unknown = [&](const std::string& what, const std::set<std::string>& names) {
    if (!names.contains(r.path[1]))
      out.Add(f.path,
              r.Text() + ": the step has no " + what + " '" + r.path[1] + "'; " + List(names));
  };
  if (n == 3 && (r.Is({"inputs", "*", "path"}) || r.Is({"inputs", "*", "uri"}))) {
    unknown("input", scope.inputs);
    if (r.path[2] == "uri" && scope.artifacts.contains(r.path[1]))
      out.Add(f.path,
              r.Text() + ": the input is an artifact; write $(inputs." + r.path[1] + ".path)");
  } else if (n == 3 && r.Is({"outputs", "*", "path"})) {
    unknown("output", scope.outputs);
  } else if (n == 3 && r.Is({"results", "*", "path"})) {
    unknown("result", scope.results);
  } else if ((n == 2 && r.Is({"parameters"})) || (n == 3 && r.Is({"parameters", "*", "path"}))) {
    if (!scope.parameters.contains(r.path[1]))
      out.Add(f.path, r.Text() + ": neither the step nor the pipeline has a parameter '" +
                          r.path[1] + "'; " + List(scope.parameters));
  } else if (n == 2 && r.Is({"code", "path"})) {
    if (!scope.has_code) out.Add(f.path, r.Text() + ": the container has no code; add code");
  } else if (!(n == 2 && (r.Is({"run", "name"}) || r.Is({"step", "name"})))) {
    out.Add(f.path, r.Text() + ": " + InsteadOf(r));
  }
}

void CheckText(const Scope& scope, const Json& text, const std::string& path, Findings& out) {
  std::vector<FoundReference> found;
  CollectReferences(text, path, found, out.errors);
  for (const FoundReference& f : found) CheckOne(scope, f, out);
}

bool IsParameterText(const Reference& r) { return r.Is({"parameters"}) && r.path.size() == 2; }

// The lint: a parameter inside program text is code that its giver writes.
void CheckProgramText(const api::ContainerSpec& container, const std::string& path, Findings& out) {
  std::vector<std::string> words = container.command;
  words.insert(words.end(), container.args.begin(), container.args.end());
  for (const std::size_t i : ProgramTexts(words)) {
    const bool in_args = i >= container.command.size();
    const std::string at = api::ItemPath(path + (in_args ? ".args" : ".command"),
                                         in_args ? i - container.command.size() : i);
    const auto parsed = ParseTemplate(words[i]);
    if (!parsed) continue;  // said elsewhere
    for (const Reference& r : parsed->References()) {
      if (!IsParameterText(r) && !r.Is({"inputs", "*", "uri"})) continue;
      out.Add(at, r.Text() +
                      " inside a program's text would be run as code; give it an env variable "
                      "({name: X, value: \"" +
                      r.Text() + "\"}) and write \"$X\" in the text");
      break;
    }
  }
}

void CheckEnv(const Scope& scope, const std::vector<Json>& env, const std::string& path,
              Findings& out) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < env.size(); ++i) {
    const std::string at = api::ItemPath(path, i);
    const std::string name = TextAt(env[i], "name");
    if (name.empty() || name.find_first_of(std::string("=\0", 2)) != std::string::npos)
      out.Add(at + ".name", "'" + name + "' cannot name a variable");
    else if (!names.insert(name).second)
      out.Add(at + ".name", "'" + name + "' stands there twice");
    const bool from = env[i].contains("valueFrom") && !env[i].at("valueFrom").is_null();
    if (!env[i].contains("value")) continue;
    if (from) out.Add(at, "has both value and valueFrom; remove one");
    if (CanonicalText(env[i].at("value")).size() > kMaxValueBytes)
      out.Add(at + ".value", "is over 64 KiB; hand it over as an input instead");
    CheckText(scope, env[i].at("value"), at + ".value", out);
  }
}

// Of a volume, or of one source of a projected one: what the kubelet writes stays in the volume.
void CheckVolumeItems(const Json& source, const std::string& at, Findings& out) {
  for (const char* kind : {"configMap", "secret", "downwardAPI"}) {
    const auto of = source.find(kind);
    if (of == source.end() || !of->is_object()) continue;
    const auto items = of->find("items");
    if (items == of->end() || !items->is_array()) continue;
    for (std::size_t i = 0; i < items->size(); ++i) {
      const Json& item = (*items)[i];
      const std::string where = api::ItemPath(at + "." + kind + ".items", i);
      if (!item.is_object()) continue;
      if (const auto why = WhyNoFileInVolume(TextAt(item, "path")); !why.empty())
        out.Add(where + ".path", why);
      if (kind == std::string_view("downwardAPI")) continue;
      if (const auto why = WhyNoConfigKey(TextAt(item, "key")); !why.empty())
        out.Add(where + ".key", why);
    }
  }
}

void CheckVolume(const Json& volume, const std::string& at, Findings& out) {
  CheckVolumeItems(volume, at, out);
  const auto projected = volume.find("projected");
  if (projected == volume.end() || !projected->is_object()) return;
  const auto sources = projected->find("sources");
  if (sources == projected->end() || !sources->is_array()) return;
  for (std::size_t i = 0; i < sources->size(); ++i)
    if ((*sources)[i].is_object())
      CheckVolumeItems((*sources)[i], api::ItemPath(at + ".projected.sources", i), out);
}

void CheckMounts(const api::StepSpec& step, const std::vector<Json>& mounts,
                 const std::string& volumes_path, const std::string& mounts_path, Findings& out) {
  std::set<std::string> volumes;
  for (std::size_t i = 0; i < step.volumes.size(); ++i) {
    const std::string name = TextAt(step.volumes[i], "name");
    const std::string at = api::ItemPath(volumes_path, i) + ".name";
    CheckVolume(step.volumes[i], api::ItemPath(volumes_path, i), out);
    if (!IsDnsLabel(name, 63)) out.Add(at, "'" + name + "' is no DNS label");
    if (name.rfind("penstock-", 0) == 0)
      out.Add(at, "names that begin with penstock- are the operator's; choose another");
    if (!volumes.insert(name).second) out.Add(at, "'" + name + "' stands there twice");
  }
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const std::string at = api::ItemPath(mounts_path, i);
    const std::string name = TextAt(mounts[i], "name");
    const std::string where = TextAt(mounts[i], "mountPath");
    if (!volumes.contains(name))
      out.Add(at + ".name", "the step has no volume '" + name + "'; add it to the step's volumes");
    if (where == "/penstock" || where.rfind("/penstock/", 0) == 0)
      out.Add(at + ".mountPath", "/penstock is the operator's; mount it somewhere else");
    const std::string sub_path = TextAt(mounts[i], "subPath");
    if (const auto why = WhyNoPathInVolume(sub_path); !sub_path.empty() && !why.empty())
      out.Add(at + ".subPath", why);
    if (mounts[i].contains("subPathExpr"))
      out.Add(at + ".subPathExpr", "is expanded by the kubelet; use subPath");
  }
}

Scope ScopeOf(const CheckContext& c, const api::StepSpec& step) {
  Scope scope;
  for (const auto& [name, text] : step.inputs) {
    scope.inputs.insert(name);
    const auto parsed = ParseTemplate(text);
    const Reference* whole = parsed ? parsed->Whole() : nullptr;
    if (IsDigest(text) || (whole != nullptr && (whole->Is({"steps"}) || whole->Is({"pipelines"}))))
      scope.artifacts.insert(name);
  }
  for (const auto& [name, value] : step.parameters) scope.parameters.insert(name);
  for (const auto& o : step.outputs) scope.outputs.insert(o.name);
  for (const auto& r : step.results) scope.results.insert(r.name);
  if (step.container) {
    for (const auto& [name, spec] : c.parameters) scope.parameters.insert(name);
    scope.has_code = step.container->code.has_value();
  }
  return scope;
}

template <typename Add>
void EachTemplate(const api::ContainerSpec& k, const std::string& path, Add add) {
  for (std::size_t i = 0; i < k.command.size(); ++i)
    add(Json(k.command[i]), api::ItemPath(path + ".command", i));
  for (std::size_t i = 0; i < k.args.size(); ++i)
    add(Json(k.args[i]), api::ItemPath(path + ".args", i));
  add(Json(k.working_dir), path + ".workingDir");
}

}  // namespace

void CheckContainer(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  const api::ContainerSpec& k = *step.container;
  const std::string at = path + ".container";
  if (k.image.empty()) c.out.Add(at + ".image", "is required");
  if (k.image.find("$(") != std::string::npos)
    c.out.Add(at + ".image", "cannot hold references; an image is part of the pipeline");
  if (k.command.empty())
    c.out.Add(at + ".command",
              "is required: the launcher starts it, and cannot see the image's own entrypoint");
  const Scope scope = ScopeOf(c, step);
  EachTemplate(k, at, [&](const Json& text, const std::string& where) {
    CheckText(scope, text, where, c.out);
  });
  CheckProgramText(k, at, c.out);
  CheckEnv(scope, k.env, at + ".env", c.out);
  CheckMounts(step, k.volume_mounts, path + ".volumes", at + ".volumeMounts", c.out);
  if (k.code) {
    const int ways = int{!k.code->path.empty()} + int{!k.code->artifact.empty()} +
                     int{k.code->git.has_value()} + int{k.code->config_map.has_value()};
    if (ways != 1) c.out.Add(at + ".code", "say exactly one of path, artifact, git and configMap");
    if (k.code->git) CheckGit(*k.code->git, at + ".code.git", c.out);
  }
}

void CheckComponentEnv(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  Scope scope = ScopeOf(c, step);
  if (const auto it = c.components.find(step.name); it != c.components.end()) {
    for (const auto& i : it->second.inputs) scope.inputs.insert(i.name);
    for (const auto& o : it->second.outputs) scope.outputs.insert(o.name);
    for (const auto& r : it->second.results) scope.results.insert(r.name);
    for (const auto& p : it->second.parameters) scope.parameters.insert(p.name);
    CheckEnv(scope, step.env, path + ".env", c.out);
  }
  CheckMounts(step, step.volume_mounts, path + ".volumes", path + ".volumeMounts", c.out);
}

void CheckComponentSpec(const api::ComponentSpec& component, const std::string& path,
                        Findings& out) {
  const api::ContainerSpec& k = component.container;
  for (std::size_t i = 0; i < k.env.size(); ++i)
    if (k.env[i].contains("valueFrom"))
      out.Add(api::ItemPath(path + ".env", i),
              "a Component names no secrets or fields; the step's env says them");
  if (!k.env_from.empty())
    out.Add(path + ".envFrom", "a Component names no secrets; the step's envFrom says them");
  if (!k.volume_mounts.empty())
    out.Add(path + ".volumeMounts", "a Component has no volumes; the step mounts them");
  Scope scope;
  for (const auto& i : component.inputs) scope.inputs.insert(i.name);
  for (const auto& o : component.outputs) scope.outputs.insert(o.name);
  for (const auto& r : component.results) scope.results.insert(r.name);
  for (const auto& p : component.parameters) scope.parameters.insert(p.name);
  scope.has_code = k.code.has_value();
  EachTemplate(k, path, [&](const Json& text, const std::string& where) {
    CheckText(scope, text, where, out);
  });
  CheckEnv(scope, k.env, path + ".env", out);
  CheckProgramText(k, path, out);
  if (k.command.empty()) out.Add(path + ".command", "is required: the launcher starts it");
}

}  // namespace penstock::plan
