#include "components/launcher/workspace.h"

#include <cerrno>
#include <fstream>
#include <system_error>

#include "components/launcher/source_fetch.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
namespace {

std::string Text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Not synced: the folder lives as long as the pod, and is made again after it.
Result<void> Write(const fs::path& path, const std::string& text) {
  std::error_code ec;
  fs::remove(path, ec);
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) return FromErrno("writing " + path.string(), errno);
  return {};
}

Json InputsJson(const Workspace& ws, const TaskDocument& task) {
  Json all = Json::object();
  const auto by_path = InputsAskedByPath(task);
  for (const auto& i : task.inputs) {
    Json& j = all[i.name] = Json{{"type", i.type}};
    if (i.artifact) {
      j["path"] = ws.Input(i.name).string();
      j["digest"] = i.artifact->digest;
    } else {
      j["uri"] = i.uri;
      if (by_path.contains(i.name)) j["path"] = ws.Input(i.name).string();
    }
    if (!i.fingerprint.empty()) j["fingerprint"] = i.fingerprint;
  }
  return all;
}

Json OutputsJson(const Workspace& ws, const TaskDocument& task) {
  Json all = Json::object();
  for (const auto& o : task.outputs)
    all[o.name] = Json{{"path", ws.Output(o.name).string()}, {"type", o.type}};
  return all;
}

}  // namespace

Result<void> Workspace::Prepare(const TaskDocument& task) const {
  for (const char* name : {"code", "packages", "not-reusable", "metrics.jsonl"})
    if (auto removed = artifacts::RemoveTree(dir_ / name); !removed) return removed;
  for (const char* name :
       {"inputs", "parameters", "outputs", "results", "fingerprints", "tmp", "home", "workspace"}) {
    if (auto removed = artifacts::RemoveTree(dir_ / name); !removed) return removed;
    std::error_code ec;
    fs::create_directories(dir_ / name, ec);
    if (ec) return FromErrno("creating folder " + (dir_ / name).string(), ec.value());
  }
  for (const auto& [name, value] : task.parameters.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : Text(value);
    if (auto written = Write(Parameter(name), text); !written) return written;
  }
  if (auto w = Write(parameters_json(), Text(task.parameters)); !w) return w;
  if (auto w = Write(inputs_json(), Text(InputsJson(*this, task))); !w) return w;
  return Write(outputs_json(), Text(OutputsJson(*this, task)));
}

Result<void> Workspace::WriteFingerprint(const std::string& input, const std::string& text) const {
  return Write(Fingerprint(input), text);
}

}  // namespace penstock::launcher
