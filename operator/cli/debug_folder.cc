#include "operator/cli/debug_folder.h"

#include "operator/artifacts/store.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

// For sh, whatever the path holds.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

// Fetches the artifact for the eyes, and puts it into the folder's own store for the launcher.
Result<void> Supply(const ArtifactRef& artifact, const fs::path& target,
                    const artifacts::Store& store, const std::string& ns,
                    const FetchArtifact& fetch) {
  std::error_code ignored;
  if (!fs::exists(target, ignored)) {
    fs::create_directories(target.parent_path(), ignored);
    if (Result<void> got = fetch(artifact, target); !got) return got;
  }
  const Result<ArtifactRef> put = store.Put(ns, target);
  if (!put) return put.error();
  return {};
}

std::string Script(const fs::path& root, const fs::path& launcher, bool has_config) {
  std::string script = "#!/bin/sh\n# Runs the step again; its files are left in work/.\nset -e\n";
  script += "chmod -R u+w " + Quoted((root / "work").string()) + " 2>/dev/null || true\n";
  script += "rm -rf " + Quoted((root / "work").string()) + "\n";
  script += "mkdir " + Quoted((root / "work").string()) + "\n";
  script += "PATH=" + Quoted(launcher.parent_path().string()) + ":$PATH exec " +
            Quoted(launcher.string()) + " run --task " + Quoted((root / "task.json").string());
  if (has_config) script += " --task-config " + Quoted((root / "task-config.json").string());
  script += " --dir " + Quoted((root / "work").string()) + " --termination-log " +
            Quoted((root / "termination-log").string()) + "\n";
  return script;
}

}  // namespace

Result<DebugFolder> MakeDebugFolder(const fs::path& root, const Json& pod,
                                    const std::string& config, const fs::path& launcher,
                                    const FetchArtifact& fetch) {
  const std::string text =
      pod.at("metadata").value("annotations", Json::object()).value("penstock.dev/task", "");
  Result<Json> task = ParseJson(text, "the pod's task");
  if (!task) return task.error();
  Json merged = *task;  // as the launcher merges them
  if (!config.empty()) {
    const Result<Json> more = ParseJson(config, "the task's ConfigMap");
    if (!more) return more.error();
    Json parameters = merged.value("parameters", Json::object());
    parameters.update(more->value("parameters", Json::object()));
    merged.update(*more);
    merged["parameters"] = std::move(parameters);
  }
  const std::string ns = merged.value("namespace", "");
  const artifacts::Store store(root / "store");
  for (const Json& input : merged.value("inputs", Json::array())) {
    if (!input.contains("artifact") || input["artifact"].is_null()) continue;
    const std::string name = input.value("name", "");
    const Result<void> got =
        Supply(input["artifact"].get<ArtifactRef>(), root / "inputs" / name, store, ns, fetch);
    if (!got) return Wrap("input " + name, got.error());
  }
  if (merged.contains("code") && !merged["code"].is_null()) {
    const Result<void> got =
        Supply(merged["code"].get<ArtifactRef>(), root / "code", store, ns, fetch);
    if (!got) return Wrap("code", got.error());
  }
  (*task)["store"] = {{"folder", (root / "store").string()}};
  task->erase("timeoutMs");
  const fs::path script = root / "run";
  for (const auto& [path, content] :
       {std::pair{root / "task.json", task->dump(1)},
        std::pair{root / "parameters.json", merged["parameters"].dump(1) + "\n"},
        std::pair{script, Script(root, launcher, !config.empty())}}) {
    if (Result<void> wrote = WriteFileAtomically(path, content); !wrote) return wrote.error();
  }
  if (!config.empty()) {
    const Result<void> wrote = WriteFileAtomically(root / "task-config.json", config);
    if (!wrote) return wrote.error();
  }
  std::error_code error;
  fs::permissions(script, fs::perms::owner_all, error);
  if (error) return FromErrno(script.string(), error.value());
  return DebugFolder{root};
}

}  // namespace penstock::cli
