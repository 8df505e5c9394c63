#include "components/launcher/command.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/protocol/reference.h"

namespace penstock::launcher {
namespace {

constexpr const char* kThreadVariables[] = {"OMP_NUM_THREADS", "MKL_NUM_THREADS",
                                            "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"};

template <typename List>
const typename List::value_type* Find(const List& list, const std::string& name) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const auto& x) { return x.name == name; });
  return it == list.end() ? nullptr : &*it;
}

// Gives references their values.
class Values {
 public:
  Values(const TaskDocument& task, const Workspace& ws) : task_(task), ws_(ws) {}

  Result<Json> operator()(const Reference& r) const {
    if (r.IsJust({"inputs", "*", "*"})) return InputValue(r);
    if (r.IsJust({"outputs", "*", "path"}) && Find(task_.outputs, r.path[1]))
      return Json(ws_.Output(r.path[1]).string());
    if (r.IsJust({"results", "*", "path"}) && Find(task_.results, r.path[1]))
      return Json(ws_.ResultFile(r.path[1]).string());
    if (r.IsJust({"workspace", "path"})) return Json(ws_.shared().string());
    if (r.IsJust({"parameters", "*", "path"})) return ParameterPath(r);
    if (r.Is({"parameters", "*"})) return Select(task_.parameters.value(r.path[1], Json()), r, 2);
    if (r.IsJust({"code", "path"}) && task_.code) return Json(ws_.code().string());
    if (r.IsJust({"run", "name"})) return Json(task_.run);
    if (r.IsJust({"step", "name"})) return Json(task_.step);
    if ((r.Is({"run", "*"}) || r.Is({"each", "*"})) && task_.values.contains(r.path[0]))
      return Select(task_.values.at(r.path[0]).value(r.path[1], Json()), r, 2);
    return Invalid(r.Text() + " names nothing that this step has");
  }

 private:
  Result<Json> InputValue(const Reference& r) const {
    const TaskInput* input = Find(task_.inputs, r.path[1]);
    const bool path = r.path[2] == "path";
    if (!path && r.path[2] != "uri") return Invalid(r.Text() + ": an input has a path or a uri");
    if (input == nullptr) return Json();
    if (!path && input->artifact)
      return Invalid(r.Text() + ": the input is an artifact; use $(inputs." + input->name +
                     ".path)");
    return Json(path ? ws_.Input(input->name).string() : input->uri);
  }
  Result<Json> ParameterPath(const Reference& r) const {
    if (!task_.parameters.contains(r.path[1]))
      return Invalid(r.Text() + ": the parameter was not given, so it has no file");
    return Json(ws_.Parameter(r.path[1]).string());
  }

  const TaskDocument& task_;
  const Workspace& ws_;
};

Result<void> CheckPiece(const std::string& what, const std::string& value) {
  if (value.size() >= kMaxArgument)
    return Invalid(
        what + " would have " + std::to_string(value.size()) +
        " bytes; a program takes at most 128 KiB in one piece: use $(parameters.x.path), "
        "which is a file");
  if (value.find('\0') != std::string::npos)
    return Invalid(what + " holds a NUL byte; use $(parameters.x.path), which is a file");
  return {};
}

// What only a run can know is the task's fault, not the store's.
Error Blamed(const std::string& what, Error error) {
  if (error.kind == ErrorKind::kNotFound) error.kind = ErrorKind::kInvalid;
  return Wrap(what, std::move(error));
}

Result<std::string> ExpandOne(const std::string& what, const std::string& text,
                              const Values& values) {
  auto parsed = ParseTemplate(text);
  if (!parsed) return Wrap(what, parsed.error());
  auto value = Expand(*parsed, values);
  if (!value) return Blamed(what, value.error());
  if (auto good = CheckPiece(what, *value); !good) return good.error();
  return value;
}

// A word of the command, or as many as the list has items that it spreads.
Result<void> AddWords(const std::string& what, const std::string& text, const Values& values,
                      std::vector<std::string>& argv) {
  auto parsed = ParseTemplate(text);
  if (!parsed) return Wrap(what, parsed.error());
  auto words = ExpandWord(*parsed, values);
  if (!words) return Blamed(what, words.error());
  for (std::string& word : *words) {
    if (auto good = CheckPiece(what, word); !good) return good;
    argv.push_back(std::move(word));
  }
  return {};
}

class Environment {
 public:
  explicit Environment(const std::vector<std::string>& inherited) {
    for (const auto& variable : inherited) {
      const std::size_t equals = variable.find('=', 1);
      if (equals != std::string::npos)
        map_[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
  }
  void Set(const std::string& name, const std::string& value) { map_[name] = value; }
  void SetIfAbsent(const std::string& name, const std::string& value) { map_.emplace(name, value); }
  [[nodiscard]] std::string Get(const std::string& name) const {
    const auto it = map_.find(name);
    return it == map_.end() ? "" : it->second;
  }
  [[nodiscard]] std::vector<std::string> List() const {
    std::vector<std::string> out;
    for (const auto& [name, value] : map_) out.push_back(name + "=" + value);
    return out;
  }

 private:
  std::map<std::string, std::string> map_;
};

}  // namespace

std::string ChildCommand::Variable(const std::string& name) const {
  for (const auto& variable : env)
    if (variable.size() > name.size() && variable.compare(0, name.size(), name) == 0 &&
        variable[name.size()] == '=')
      return variable.substr(name.size() + 1);
  return "";
}

Result<ChildCommand> MakeCommand(const TaskDocument& task, const Workspace& ws,
                                 const std::vector<std::string>& inherited, int cpus) {
  const Values values(task, ws);
  ChildCommand out;
  const auto add = [&](const char* what, const std::vector<std::string>& texts) -> Result<void> {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string which = std::string(what) + "[" + std::to_string(i) + "]";
      if (auto added = AddWords(which, texts[i], values, out.argv); !added) return added;
    }
    return {};
  };
  if (auto added = add("command", task.command); !added) return added.error();
  if (out.argv.empty() && !task.command.empty())
    return Invalid("command has no word: the list that it is made of is empty");
  if (auto added = add("args", task.args); !added) return added.error();
  auto working_dir = ExpandOne("workingDir", task.working_dir, values);
  if (!working_dir) return working_dir.error();
  out.working_dir = std::move(*working_dir);

  Environment env(inherited);
  for (const auto& e : task.env) {
    auto value = ExpandOne("env " + e.name, e.value, values);
    if (!value) return value.error();
    if (e.name.size() + value->size() + 2 > kMaxArgument)
      return Invalid("env " + e.name + " would be over 128 KiB with its name");
    env.Set(e.name, *value);
  }
  env.Set("PENSTOCK_DIR", ws.dir().string());
  env.Set("PENSTOCK_PARAMETERS", ws.parameters_json().string());
  env.Set("PENSTOCK_INPUTS", ws.inputs_json().string());
  env.Set("PENSTOCK_OUTPUTS", ws.outputs_json().string());
  env.Set("PENSTOCK_RESULTS", (ws.dir() / "results").string());
  env.Set("PENSTOCK_FINGERPRINTS", (ws.dir() / "fingerprints").string());
  env.Set("PENSTOCK_NOT_REUSABLE", ws.not_reusable().string());
  env.Set("PENSTOCK_METRICS", ws.metrics().string());
  env.Set("TMPDIR", ws.tmp().string());
  if (task.packages) {
    const std::string before = env.Get("PYTHONPATH");
    env.Set("PYTHONPATH", ws.packages().string() + (before.empty() ? "" : ":" + before));
  }
  const auto is_home = [](const TaskEnv& e) { return e.name == "HOME"; };
  // Programs that install or cache something begin there; the user of many images has "/".
  if (std::none_of(task.env.begin(), task.env.end(), is_home) &&
      ::access(env.Get("HOME").c_str(), W_OK) != 0)
    env.Set("HOME", ws.home().string());
  for (const char* name : kThreadVariables) env.SetIfAbsent(name, std::to_string(cpus));
  out.env = env.List();
  return out;
}

}  // namespace penstock::launcher
