#include "components/launcher/task_file.h"

#include <cctype>
#include <set>

#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::launcher {
namespace {

constexpr std::size_t kMaxName = 63;

bool IsName(const std::string& name) {
  if (name.empty() || name.size() > kMaxName ||
      std::isalpha(static_cast<unsigned char>(name[0])) == 0)
    return false;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-') return false;
  return true;
}

template <typename List>
Result<void> CheckNames(const char* what, const List& list) {
  std::set<std::string> seen;
  for (const auto& item : list) {
    if (!IsName(item.name))
      return Invalid("task." + std::string(what) + ": '" + item.name.substr(0, 80) +
                     "' is no name");
    if (!seen.insert(item.name).second)
      return Invalid("task." + std::string(what) + ": '" + item.name + "' stands there twice");
  }
  return {};
}

Result<Json> ReadJson(const std::filesystem::path& path, std::size_t limit) {
  auto text = ReadFile(path, limit);
  if (!text) {
    Error e = text.error();
    e.kind = ErrorKind::kInvalid;  // the pod's volumes are wrong, and stay so
    return Wrap("the task", e);
  }
  return ParseJson(*text, path.string());
}

}  // namespace

Result<Json> MergeTask(const Json& task, const Json& config) {
  if (!task.is_object()) return Invalid("the task document is no object");
  if (!config.is_object()) return Invalid("the task's config is no object");
  Json merged = task;
  for (const auto& [key, value] : config.items()) {
    if (key != "parameters") {
      merged[key] = value;
      continue;
    }
    if (!value.is_object()) return Invalid("the task config's parameters are no object");
    if (merged["parameters"].is_null()) merged["parameters"] = Json::object();
    if (!merged["parameters"].is_object()) return Invalid("task.parameters must be an object");
    for (const auto& [name, parameter] : value.items()) merged["parameters"][name] = parameter;
  }
  return merged;
}

Result<TaskDocument> LoadTask(const std::filesystem::path& task,
                              const std::filesystem::path& config) {
  auto document = ReadJson(task, kMaxTaskConfigBytes);
  if (!document) return document.error();
  if (!config.empty()) {
    auto more = ReadJson(config, kMaxTaskConfigBytes);
    if (!more) return more.error();
    document = MergeTask(*document, *more);
    if (!document) return document.error();
  }
  auto parsed = ParseTask(document->dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!parsed) return parsed;
  if (auto good = CheckTask(*parsed); !good) return good.error();
  return parsed;
}

Result<void> CheckTask(const TaskDocument& t) {
  if (auto good = CheckNames("inputs", t.inputs); !good) return good;
  if (auto good = CheckNames("outputs", t.outputs); !good) return good;
  if (auto good = CheckNames("results", t.results); !good) return good;
  for (const auto& [name, value] : t.parameters.items())
    if (!IsName(name)) return Invalid("task.parameters: '" + name.substr(0, 80) + "' is no name");
  if (t.timeout_ms < 0) return Invalid("task.timeoutMs is below 0");
  if (t.grace_ms < 0) return Invalid("task.graceMs is below 0");
  std::vector<TaskEnv> variables = t.env;
  for (const TaskTurn& turn : t.turns)
    variables.insert(variables.end(), turn.env.begin(), turn.env.end());
  for (const auto& e : variables)
    if (e.name.empty() || e.name.find('=') != std::string::npos ||
        e.name.find('\0') != std::string::npos)
      return Invalid("task.env: '" + e.name.substr(0, 80) + "' cannot name a variable");
  return {};
}

}  // namespace penstock::launcher
