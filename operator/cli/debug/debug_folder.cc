#include "operator/cli/debug/debug_folder.h"

#include "operator/artifacts/store.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/debug/debug_environment.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

// Folders come out of the store read-only; these are for their owner to edit and delete.
Result<void> MakeWritable(const fs::path& tree) {
  std::error_code error;
  const auto open = [&error](const fs::path& path) {
    fs::permissions(path, fs::perms::owner_write, fs::perm_options::add, error);
  };
  open(tree);
  if (!fs::is_directory(tree)) return {};
  for (fs::recursive_directory_iterator it(tree, error), end; !error && it != end;
       it.increment(error)) {
    if (!it->is_symlink()) open(it->path());
  }
  if (error) return FromErrno(tree.string(), error.value());
  return {};
}

// Fetches the artifact unless an earlier call has: what was edited meanwhile stays.
Result<void> Supply(const ArtifactRef& artifact, const fs::path& target,
                    const FetchArtifact& fetch) {
  std::error_code ignored;
  if (fs::exists(target, ignored)) return {};
  fs::create_directories(target.parent_path(), ignored);
  if (Result<void> got = fetch(artifact, target); !got) return got;
  return MakeWritable(target);
}

std::string CommandOf(const Json& task) {
  std::string line;
  for (const char* part : {"command", "args"}) {
    for (const Json& word : task.value(part, Json::array())) {
      const std::string text = word.get<std::string>();
      const bool plain = text.find_first_of(" '\"\\\n\t;&|<>*?") == std::string::npos;
      line += (line.empty() ? "" : " ") + (plain && !text.empty() ? text : ShellQuoted(text));
    }
  }
  return line;
}

// A comment of the script, each line of it.
std::string Comment(const std::string& text) {
  std::string comment = "#   ";
  for (const char c : text) comment += c == '\n' ? std::string("\n#   ") : std::string(1, c);
  return comment + "\n";
}

struct ScriptParts {
  fs::path root, launcher;
  std::string command, exports;
  bool has_config = false;
  bool has_code = false;
};

std::string Script(const ScriptParts& parts) {
  const auto path = [&](const char* name) { return ShellQuoted((parts.root / name).string()); };
  std::string script = "#!/bin/sh\n# Runs the step again";
  if (parts.has_code) script += ", with the code that stands in code/";
  script += "; its files are left in work/. Its command:\n" + Comment(parts.command) + "set -e\n";
  script += parts.exports;
  script += "chmod -R u+w " + path("work") + " 2>/dev/null || true\n";
  script += "rm -rf " + path("work") + "\nmkdir " + path("work") + "\n";
  script += "PATH=" + ShellQuoted(parts.launcher.parent_path().string()) + ":$PATH exec " +
            ShellQuoted(parts.launcher.string()) + " run --task " + path("task.json");
  if (parts.has_config) script += " --task-config " + path("task-config.json");
  if (parts.has_code) script += " --code " + path("code");
  return script + " --dir " + path("work") + " --termination-log " + path("termination-log") + "\n";
}

// Holds the name of the pod whose step the folder is.
constexpr const char* kMark = ".penstock-debug";

}  // namespace

Result<void> ClaimDebugFolder(const fs::path& root, const std::string& pod) {
  const std::string hint = "; choose a new folder by --folder, or leave it out";
  std::error_code error;
  const bool there = fs::symlink_status(root, error).type() != fs::file_type::not_found;
  error.clear();
  if (there && !fs::is_directory(root, error))
    return Invalid(root.string() + " is no folder" + hint);
  const auto mark = ReadFile(root / kMark);
  if (mark && *mark == pod + "\n") return {};
  if (mark)
    return Invalid(root.string() + " is of another pod, " + mark->substr(0, mark->find('\n')) +
                   ", with what was edited there" + hint);
  if (there && !fs::is_empty(root, error))
    return Invalid(root.string() + " holds files that are not of `penstock debug`" + hint);
  if (error) return FromErrno(root.string(), error.value());
  return WriteFileAtomically(root / kMark, pod + "\n");
}

Result<DebugFolder> MakeDebugFolder(const fs::path& root, const Json& pod,
                                    const std::string& config, const fs::path& launcher,
                                    const std::string& exports, const FetchArtifact& fetch) {
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
        Supply(input["artifact"].get<ArtifactRef>(), root / "inputs" / name, fetch);
    if (!got) return Wrap("input " + name, got.error());
    // The launcher takes inputs from a store; one that was edited is another artifact.
    const Result<ArtifactRef> put = store.Put(ns, root / "inputs" / name);
    if (!put) return Wrap("input " + name, put.error());
  }
  if (merged.contains("packages") && !merged["packages"].is_null()) {
    const fs::path packages = root / "packages";
    if (auto got = Supply(merged["packages"].get<ArtifactRef>(), packages, fetch); !got)
      return Wrap("packages", got.error());
    if (auto put = store.Put(ns, packages); !put) return Wrap("packages", put.error());
  }
  const bool has_code = merged.contains("code") && !merged["code"].is_null();
  if (has_code) {
    const Result<void> got = Supply(merged["code"].get<ArtifactRef>(), root / "code", fetch);
    if (!got) return Wrap("code", got.error());
  }
  (*task)["store"] = {{"folder", (root / "store").string()}};
  task->erase("timeoutMs");
  const fs::path script = root / "run";
  const ScriptParts parts{root, launcher, CommandOf(merged), exports, !config.empty(), has_code};
  for (const auto& [path, content] :
       {std::pair{root / "task.json", task->dump(1)},
        std::pair{root / "parameters.json", merged["parameters"].dump(1) + "\n"},
        std::pair{script, Script(parts)}}) {
    if (Result<void> wrote = WriteFileAtomically(path, content); !wrote) return wrote.error();
  }
  if (!config.empty()) {
    const Result<void> wrote = WriteFileAtomically(root / "task-config.json", config);
    if (!wrote) return wrote.error();
  }
  std::error_code error;
  fs::permissions(script, fs::perms::owner_all, error);
  if (error) return FromErrno(script.string(), error.value());
  return DebugFolder{root, parts.command, has_code};
}

}  // namespace penstock::cli
