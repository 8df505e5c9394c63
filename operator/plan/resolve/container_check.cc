#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

#include "operator/base/sha256.h"
#include "operator/plan/elsewhere/other_engines.h"
#include "operator/plan/resolve/code_fetch.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/plan/resolve/value_schema.h"
#include "operator/protocol/volume_path.h"

namespace penstock::plan {
namespace {

// What the references in a command may name.
struct Scope {
  std::set<std::string> inputs, outputs, results, parameters;
  std::map<std::string, Json> schemas;  // of parameters, where they are declared
  std::set<std::string> artifacts;      // inputs that are no URIs for certain
  bool in_loop = false;
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
  if (r.Is({"steps", "*", "results", "*"})) {
    Reference value = r;  // [*] stands where the words are made
    value.all = false;
    return "results go through parameters: add `parameters: {" + r.path[3] + ": " + value.Text() +
           "}` to the step and write $(parameters." + r.path[3] + (r.all ? "[*]" : "") +
           ") here (inside a program's text: an env variable that has it as its value)";
  }
  if (r.IsJust({"steps", "*", "outputs", "*"}))
    return "outputs go through inputs: add `inputs: {" + r.path[3] + ": " + r.Text() +
           "}` to the step and write $(inputs." + r.path[3] + ".path) here";
  if (r.Is({"each"}))
    return "the step has no forEach" +
           std::string(". Where it is the shell's or the program's own, write $") + r.Text();
  if (r.Is({"item"}))
    return "the item of a step with forEach is $(each.value), its number $(each.index)" +
           std::string(". Where it is the shell's or the program's own, write $") + r.Text();
  if (const std::string ours = WordOfTekton(r); !ours.empty()) return "here it is " + ours;
  const std::string own = "; where it is the shell's or the program's own, write $" + r.Text();
  if (r.path.size() == 1) return "there is nothing of that name" + own;
  return "it is not known here; a command may use $(inputs.i.path), $(outputs.o.path), "
         "$(results.r.path), $(parameters.x), $(parameters.x.path), $(workspace.path), "
         "$(code.path) and $(run.name)" +
         own;
}

void CheckOne(const Scope& scope, const FoundReference& f, Findings& out) {
  const Reference& r = f.reference;
  const auto unknown = [&](const std::string& what, const std::set<std::string>& names) {
    if (!names.contains(r.path[1]))
      out.Add(f.path,
              r.Text() + ": the step has no " + what + " '" + r.path[1] + "'; " + List(names));
  };
  if (r.all && !f.in_list)
    return out.Add(f.path, r.Text() +
                               ": [*] makes a word of each item, so it stands as a whole word of "
                               "command or args");
  if (r.IsJust({"inputs", "*", "path"}) || r.IsJust({"inputs", "*", "uri"})) {
    unknown("input", scope.inputs);
    if (r.path[2] == "uri" && scope.artifacts.contains(r.path[1]))
      out.Add(f.path,
              r.Text() + ": the input is an artifact; write $(inputs." + r.path[1] + ".path)");
  } else if (r.IsJust({"outputs", "*", "path"})) {
    unknown("output", scope.outputs);
  } else if (r.IsJust({"results", "*", "path"})) {
    unknown("result", scope.results);
  } else if (r.Is({"parameters", "*"})) {
    if (!scope.parameters.contains(r.path[1]))
      out.Add(f.path, r.Text() + ": neither the step nor the pipeline has a parameter '" +
                          r.path[1] + "'; " + List(scope.parameters));
    const auto schema = scope.schemas.find(r.path[1]);
    if (schema == scope.schemas.end() || r.IsJust({"parameters", "*", "path"})) return;
    if (const auto part = SchemaBelow(schema->second, r, 2); !part)
      out.Add(f.path, part.error().message);
  } else if (scope.in_loop && (r.IsJust({"each", "index"}) || r.Is({"each", "value"}))) {
    return;
  } else if (r.IsJust({"code", "path"})) {
    if (!scope.has_code) out.Add(f.path, r.Text() + ": the container has no code; add code");
  } else if (r.Is({"run", "*"})) {
    CheckRunReference(r, f.path, out);
  } else if (!r.IsJust({"step", "name"}) && !r.IsJust({"workspace", "path"})) {
    out.Add(f.path, r.Text() + ": " + InsteadOf(r));
  }
}

// `is_word`: an item of command or args, which [*] may be.
void CheckText(const Scope& scope, const Json& text, const std::string& path, Findings& out,
               bool is_word = false) {
  if (text.is_string())
    if (const auto theirs = BracesOfOthers(text.get_ref<const std::string&>()))
      out.warnings.push_back(path + ": " + *theirs);
  std::vector<FoundReference> found;
  CollectReferences(text, path, found, out.errors);
  for (FoundReference& f : found) f.in_list = is_word && f.whole;
  for (const FoundReference& f : found) CheckOne(scope, f, out);
}

bool IsParameterText(const Reference& r) {
  return r.Is({"each", "value"}) ||
         (r.Is({"parameters"}) && !r.IsJust({"parameters", "*", "path"}));
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

bool IsRunVolume(const CheckContext& c, const std::string& name) {
  return std::any_of(c.spec.volumes.begin(), c.spec.volumes.end(),
                     [&](const api::RunVolume& v) { return v.name == name; });
}

Scope ScopeOf(const CheckContext& c, const api::StepSpec& step) {
  Scope scope;
  for (const auto& [name, source] : step.inputs) {
    scope.inputs.insert(name);
    const auto is_artifact = [](const std::string& text) {
      const auto parsed = ParseTemplate(text);
      const Reference* whole = parsed ? parsed->Whole() : nullptr;
      return IsDigest(text) || (whole != nullptr &&
                                (whole->Is({"steps", "*", "outputs"}) || whole->Is({"pipelines"})));
    };
    if (std::any_of(source.first_of.begin(), source.first_of.end(), is_artifact))
      scope.artifacts.insert(name);
  }
  scope.in_loop = step.for_each.has_value();
  for (const auto& [name, value] : step.parameters) scope.parameters.insert(name);
  for (const auto& o : step.outputs) scope.outputs.insert(o.name);
  for (const auto& r : step.results) scope.results.insert(r.name);
  if (!step.component)
    for (const auto& [name, spec] : c.parameters) {
      scope.parameters.insert(name);
      if (!step.parameters.contains(name)) scope.schemas[name] = SchemaOf(*spec);
    }
  scope.has_code = step.container && step.container->code && step.container->code->HasFolder();
  return scope;
}

template <typename Add>
void EachTemplate(const api::ContainerSpec& k, const std::string& path, Add add) {
  for (std::size_t i = 0; i < k.command.size(); ++i)
    add(Json(k.command[i]), api::ItemPath(path + ".command", i), true);
  for (std::size_t i = 0; i < k.args.size(); ++i)
    add(Json(k.args[i]), api::ItemPath(path + ".args", i), true);
  add(Json(k.working_dir), path + ".workingDir", false);
}

struct Interpreter {
  std::string_view name;
  std::string_view flags;  // letters whose argument is program text
  bool combined = false;   // -ec is -e -c
};
constexpr std::array<Interpreter, 21> kInterpreters{
    {{"sh", "c", true},     {"bash", "c", true}, {"dash", "c", true}, {"ash", "c", true},
     {"zsh", "c", true},    {"ksh", "c", true},  {"fish", "c", true}, {"su", "c", true},
     {"python", "c", true}, {"pypy", "c", true}, {"pwsh", "c", true}, {"perl", "eE", true},
     {"ruby", "e", true},   {"node", "ep"},      {"Rscript", "e"},    {"R", "e"},
     {"lua", "e"},          {"php", "r"},        {"psql", "c"},       {"mysql", "e"},
     {"duckdb", "c"}}};

// "/usr/bin/python3.11" is python.
const Interpreter* InterpreterOf(std::string_view word) {
  word = word.substr(word.rfind('/') + 1);
  while (!word.empty() &&
         (std::isdigit(static_cast<unsigned char>(word.back())) != 0 || word.back() == '.'))
    word.remove_suffix(1);
  for (const Interpreter& i : kInterpreters)
    if (i.name == word) return &i;
  return nullptr;
}

bool AsksForText(const Interpreter& i, std::string_view word) {
  if (word == "--eval" || word == "--command" || word == "--print" || word == "-Command")
    return true;
  if (word.size() < 2 || word[0] != '-' || word[1] == '-') return false;
  const std::string_view letters = word.substr(1);
  if (!i.combined) return letters.size() == 1 && i.flags.find(letters[0]) != i.flags.npos;
  return i.flags.find(letters.back()) != i.flags.npos;
}

}  // namespace

std::vector<std::size_t> ProgramTexts(const std::vector<std::string>& words) {
  std::vector<std::size_t> out;
  const Interpreter* interpreter = nullptr;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (interpreter != nullptr && AsksForText(*interpreter, words[i]) && i + 1 < words.size()) {
      out.push_back(i + 1);
      ++i;
    } else if (const Interpreter* found = InterpreterOf(words[i])) {
      interpreter = found;  // also behind env, timeout, nice, sudo
    }
  }
  return out;
}

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

void CheckOwnVolumes(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  std::set<std::string> volumes;
  for (std::size_t i = 0; i < step.volumes.size(); ++i) {
    const std::string name = TextAt(step.volumes[i], "name");
    const std::string at = api::ItemPath(path + ".volumes", i) + ".name";
    CheckVolume(step.volumes[i], api::ItemPath(path + ".volumes", i), c.out);
    if (!IsDnsLabel(name, 63)) c.out.Add(at, "'" + name + "' is no DNS label");
    if (name.rfind("penstock-", 0) == 0)
      c.out.Add(at, "names that begin with penstock- are the operator's; choose another");
    if (!volumes.insert(name).second) c.out.Add(at, "'" + name + "' stands there twice");
    if (IsRunVolume(c, name))
      c.out.Add(at, "'" + name + "' is a volume of the pipeline; give the step's another name");
  }
}

void CheckMounts(const CheckContext& c, const api::StepSpec& step, const std::vector<Json>& mounts,
                 const std::string& mounts_path) {
  const auto known = [&](const std::string& name) {
    return IsRunVolume(c, name) ||
           std::any_of(step.volumes.begin(), step.volumes.end(),
                       [&](const Json& v) { return TextAt(v, "name") == name; });
  };
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const std::string at = api::ItemPath(mounts_path, i);
    const std::string name = TextAt(mounts[i], "name");
    const std::string where = TextAt(mounts[i], "mountPath");
    if (!known(name))
      c.out.Add(at + ".name", "the step has no volume '" + name +
                                  "'; add it to the step's volumes, or to the pipeline's where it "
                                  "is made for the run");
    if (where == "/penstock" || where.rfind("/penstock/", 0) == 0)
      c.out.Add(at + ".mountPath", "/penstock is the operator's; mount it somewhere else");
    const std::string sub_path = TextAt(mounts[i], "subPath");
    if (const auto why = WhyNoPathInVolume(sub_path); !sub_path.empty() && !why.empty())
      c.out.Add(at + ".subPath", why);
    if (mounts[i].contains("subPathExpr"))
      c.out.Add(at + ".subPathExpr", "is expanded by the kubelet; use subPath");
  }
}

void CheckProgram(const CheckContext& c, const api::StepSpec& step, const api::ContainerSpec& k,
                  const std::string& at) {
  if (k.image.empty()) c.out.Add(at + ".image", "is required");
  const Scope scope = ScopeOf(c, step);
  EachTemplate(k, at, [&](const Json& text, const std::string& where, bool is_word) {
    CheckText(scope, text, where, c.out, is_word);
  });
  CheckProgramText(k, at, c.out);
  CheckEnv(scope, k.env, at + ".env", c.out);
  CheckMounts(c, step, k.volume_mounts, at + ".volumeMounts");
  if (k.code && k.code->git) CheckGit(*k.code->git, at + ".code.git", c.out);
  if (k.code && k.code->requirements) CheckInstall(k, at, c.out);
}

void CheckComponentEnv(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  Scope scope = ScopeOf(c, step);
  if (const auto it = c.components.find(step.name); it != c.components.end()) {
    for (const auto& i : it->second.inputs) scope.inputs.insert(i.name);
    for (const auto& o : it->second.outputs) scope.outputs.insert(o.name);
    for (const auto& r : it->second.results) scope.results.insert(r.name);
    for (const auto& p : it->second.parameters) {
      scope.parameters.insert(p.name);
      scope.schemas[p.name] = SchemaOf(p);
    }
    CheckEnv(scope, step.env, path + ".env", c.out);
  }
  CheckMounts(c, step, step.volume_mounts, path + ".volumeMounts");
}

void CheckComponentSpec(const api::ComponentSpec& component, const std::string& path,
                        Findings& out) {
  const api::ContainerSpec& k = component.container;
  for (std::size_t i = 0; i < k.env.size(); ++i)
    if (k.env[i].contains("valueFrom"))
      out.Add(api::ItemPath(path + ".env", i),
              "a Component names no secrets or fields; the step's env says them");
  for (std::size_t i = 0; i < component.parameters.size(); ++i)
    if (!component.parameters[i].value_from.is_null())
      out.Add(api::ItemPath("spec.parameters", i) + ".valueFrom",
              "a Component names no ConfigMaps; the Pipeline's parameter says it");
  if (!k.env_from.empty())
    out.Add(path + ".envFrom", "a Component names no secrets; the step's envFrom says them");
  if (!k.volume_mounts.empty())
    out.Add(path + ".volumeMounts", "a Component has no volumes; the step mounts them");
  Scope scope;
  for (const auto& i : component.inputs) scope.inputs.insert(i.name);
  for (const auto& o : component.outputs) scope.outputs.insert(o.name);
  for (const auto& r : component.results) scope.results.insert(r.name);
  for (const auto& p : component.parameters) {
    scope.parameters.insert(p.name);
    scope.schemas[p.name] = SchemaOf(p);
  }
  scope.has_code = k.code.has_value();
  EachTemplate(k, path, [&](const Json& text, const std::string& where, bool is_word) {
    CheckText(scope, text, where, out, is_word);
  });
  CheckEnv(scope, k.env, path + ".env", out);
  CheckProgramText(k, path, out);
  if (k.command.empty()) out.Add(path + ".command", "is required: the launcher starts it");
  const auto refuse = [&](const std::string& text, const std::string& where) {
    if (text.find("$(") != std::string::npos)
      out.Add(where, "cannot hold references: what a Component runs is its own to say");
  };
  refuse(k.image, path + ".image");
  refuse(component.resources.dump(), path.substr(0, path.rfind('.')) + ".resources");
}

}  // namespace penstock::plan
