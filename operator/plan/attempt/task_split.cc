#include "operator/plan/attempt/task_split.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "operator/base/json.h"

namespace penstock::plan {
namespace {

std::string Dump(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

struct Movable {
  std::size_t bytes;
  std::string field;
  std::string parameter;  // empty: the whole field
  [[nodiscard]] std::string Name() const {
    return parameter.empty() ? "the step's " + field : "the parameter '" + parameter + "'";
  }
};

// The same for every attempt, so that attempts share a ConfigMap. Largest first.
std::vector<Movable> Movables(const Json& task) {
  std::vector<Movable> out;
  for (const auto& [name, value] : task.at("parameters").items())
    out.push_back({Dump(value).size(), "parameters", name});
  for (const char* field : {"command", "args", "env", "turns", "inputs", "values"})
    if (task.contains(field)) out.push_back({Dump(task.at(field)).size(), field, ""});
  std::sort(out.begin(), out.end(), [](const Movable& a, const Movable& b) {
    return std::tie(b.bytes, a.field, a.parameter) < std::tie(a.bytes, b.field, b.parameter);
  });
  return out;
}

}  // namespace

Result<SplitTask> Split(const TaskDocument& task) {
  Json document = task;
  std::string text = Dump(document);
  if (text.size() <= kMaxTaskBytes) return SplitTask{std::move(text), ""};
  Json config = Json::object();
  const auto movables = Movables(document);
  std::size_t left = text.size();
  for (const Movable& m : movables) {
    if (left <= kMaxTaskBytes) break;
    if (m.parameter.empty()) {
      config[m.field] = document[m.field];
      document.erase(m.field);
    } else {
      config["parameters"][m.parameter] = document["parameters"][m.parameter];
      document["parameters"].erase(m.parameter);
    }
    left = left > m.bytes ? left - m.bytes : 0;
  }
  text = Dump(document);
  std::string rest = Dump(config);
  if (text.size() > kMaxTaskBytes || rest.size() > kMaxTaskConfigBytes)
    return Invalid("the task is over 900 KiB; " + movables.front().Name() + " alone has " +
                   std::to_string(movables.front().bytes / 1024) +
                   " KiB: hand it over as an input instead");
  return SplitTask{std::move(text), std::move(rest)};
}

}  // namespace penstock::plan
