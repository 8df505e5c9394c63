// penstock debug: look into one step, here with its inputs (--local) or in its pod's twin
// (--shell).
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <ostream>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/debug/debug_environment.h"
#include "operator/cli/debug/debug_folder.h"
#include "operator/cli/debug/debug_pod.h"
#include "operator/cli/gateway/artifact_upload.h"
#include "operator/cli/history/item_pods.h"
#include "operator/cli/history/step_makers.h"
#include "operator/cli/objects/state.h"
#include "operator/cli/objects/table.h"
#include "operator/kube/resources.h"
#include "operator/local/pod_launch.h"
#include "operator/os/child_process.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

// Replaces this process; returns only when that failed.
int Become(std::vector<std::string> argv, Session& session) {
  session.out << std::flush;
  std::vector<char*> pointers;
  for (std::string& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  return session.Fail(kFailed, FromErrno("start " + argv[0], errno).message);
}

// The step's pod; of one that came from the cache that of the run that made it.
Result<std::string> PodOf(const RunArchive& archive, const RunPlace& place,
                          const DebugOptions& options, const Session& session) {
  const Result<KnownRun> run = archive.Find(options.run);
  if (!run) return run.error();
  Result<std::vector<StepPod>> pods = PodsOf(run->object, options.step);
  if (!pods) return pods.error();
  if (pods->at(0).looped && !pods->at(0).item)
    return NotFound("step " + options.step + " is a loop: name an item of it, " + options.step +
                    ".0 the first");
  if (auto found = FindItems(archive, *run, place, session, *pods); !found) return found.error();
  if (const std::string& within = pods->at(0).run; !within.empty())
    return NotFound("step " + options.step + " is a Pipeline: debug a step of its run " + within);
  if (auto found = FindMakers(archive, *run, *pods, "how it ran", session); !found)
    return found.error();
  if (!pods->at(0).pod.empty()) return pods->at(0).pod;
  return NotFound("step " + options.step +
                  " was taken from the cache: nothing ran; `run --no-cache` makes it again");
}

// The pod of the step, from the state folder.
Result<Json> LocalPod(const State& state, const DebugOptions& options, const Session& session) {
  const Result<std::string> pod = PodOf(RunArchive(state), {&state, nullptr}, options, session);
  if (!pod) return pod.error();
  const fs::path file = local::PathsOf(state.root(), kLocalNamespace, *pod).folder / "pod.json";
  const Result<std::string> text = ReadFile(file);
  if (!text) return Wrap("step " + options.step, text.error());
  return ParseJson(*text, file.string());
}

// The large parameters' ConfigMap, as the runner wrote it for the pod.
std::string LocalConfig(const State& state, const std::string& pod) {
  const fs::path folder = local::PathsOf(state.root(), kLocalNamespace, pod).folder;
  const Result<std::string> text = ReadFile(folder / "volumes" / "penstock-config" / "config.json");
  return text ? *text : "";
}

Result<Json> DataOf(const Result<Json>& config_map) {
  if (!config_map) return config_map.error();
  return config_map->value("data", Json::object());
}

int Explain(const DebugFolder& folder, const DebugOptions& options, Session& session) {
  session.out << "step " << options.step << " stands in " << folder.root.string() << "\n"
              << "its command: " << OneLine(folder.command) << "\n";
  if (folder.has_code) {
    session.out << "its code, for you to edit: " << (folder.root / "code").string() << "\n";
  }
  session.out << "run it with: " << (folder.root / "run").string() << "\n";
  if (!options.shell) return kOk;
  const std::string shell = session.Env("SHELL").empty() ? "/bin/sh" : session.Env("SHELL");
  if (chdir(folder.root.c_str()) != 0) {
    return session.Fail(kFailed, FromErrno(folder.root.string(), errno).message);
  }
  return Become({shell}, session);
}

int DebugHere(const DebugOptions& options, const State& state, const Json& pod,
              const std::string& config, const FetchArtifact& fetch,
              const ConfigMapData& config_map, Session& session) {
  const Result<fs::path> launcher = FindOurProgram(session, "penstock-launcher");
  if (!launcher) return session.Fail(kFailed, launcher.error().message);
  const std::string name = pod["metadata"].value("name", "");
  const fs::path root =
      options.folder.empty() ? state.root() / "debug" / name : session.directory / options.folder;
  if (!options.folder.empty()) {
    if (auto ours = ClaimDebugFolder(root, name); !ours)
      return session.Fail(kFailed, ours.error().message);
  }
  local::RemoveFolder(root / "work");
  const Result<std::string> exports = ExportLines(pod, session.env, config_map);
  if (!exports) return session.Fail(kFailed, exports.error().message);
  const Result<DebugFolder> folder = MakeDebugFolder(root, pod, config, *launcher, *exports, fetch);
  if (!folder) return session.Fail(kFailed, folder.error().message);
  return Explain(*folder, options, session);
}

int DebugOnCluster(const Cluster& cluster, const Json& pod, Session& session) {
  const Json twin = DebugTwin(pod);
  const Result<Json> made = cluster.client->Create(kube::kPods, cluster.namespace_, twin);
  if (!made && made.error().kind != ErrorKind::kAlreadyExists) {
    return session.Fail(kFailed, made.error().message);
  }
  const std::string name = twin["metadata"].value("name", "");
  const std::string container = twin["spec"]["containers"][0].value("name", "step");
  const std::vector<std::string> words = {"kubectl", "exec", "-it",     "-n", cluster.namespace_,
                                          name,      "-c",   container, "--", "/bin/sh"};
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  session.out << "pod/" << name
              << " created: the step's image, task and mounts, asleep for an hour\n"
              << "  " << line << "\n"
              << "  kubectl delete pod -n " << cluster.namespace_ << " " << name << "\n";
  if (!session.terminal || !FindProgram("kubectl", session.Env("PATH"))) return kOk;
  session.out << std::flush;
  const auto ready = AwaitRunning(*cluster.client, cluster.namespace_, name, session.interrupted);
  if (!ready) return session.Fail(kFailed, ready.error().message);
  std::vector<std::string> argv = words;
  if (!session.flags.kubeconfig.empty()) {
    argv.insert(argv.begin() + 1, {"--kubeconfig", session.flags.kubeconfig});
  }
  if (!session.flags.context.empty()) {
    argv.insert(argv.begin() + 1, {"--context", session.flags.context});
  }
  return Become(std::move(argv), session);
}

int DebugLocalRun(const DebugOptions& options, const State& state, Session& session) {
  const Result<Json> pod = LocalPod(state, options, session);
  if (!pod) return session.Fail(kFailed, pod.error().message);
  const artifacts::Store store = state.store();
  const auto fetch = [&](const ArtifactRef& artifact, const fs::path& target) {
    return store.Get(kLocalNamespace, artifact, target);
  };
  const auto config_map = [&](const std::string& name) {
    return DataOf(state.Get(kube::kConfigMaps, name));
  };
  const std::string config = LocalConfig(state, (*pod)["metadata"].value("name", ""));
  return DebugHere(options, state, *pod, config, fetch, config_map, session);
}

// A step of the cluster, in a folder of this machine.
int DebugFetched(const DebugOptions& options, const Cluster& cluster, const Json& pod,
                 Session& session) {
  Result<std::unique_ptr<Gateway>> gateway =
      Gateway::Open({options.gateway, "", ""}, cluster, session);
  if (!gateway) return session.Fail(kFailed, gateway.error().message);
  const Result<std::string> config = TaskConfigOf(*cluster.client, pod);
  if (!config) return session.Fail(kFailed, config.error().message);
  const auto fetch = [&](const ArtifactRef& artifact, const fs::path& target) {
    return (*gateway)->transport().Fetch(artifact, target);
  };
  const auto config_map = [&](const std::string& name) {
    return DataOf(cluster.client->Get(kube::kConfigMaps, cluster.namespace_, name));
  };
  return DebugHere(options, State::Of(session), pod, *config, fetch, config_map, session);
}

}  // namespace

int Debug(const DebugOptions& options, Session& session) {
  if (const std::optional<State> state = State::IfLocal(session)) {
    return DebugLocalRun(options, *state, session);
  }
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const Result<std::string> name = PodOf(RunArchive(*cluster->client, cluster->namespace_),
                                         {nullptr, &*cluster}, options, session);
  if (!name) return session.Fail(kFailed, name.error().message);
  const Result<Json> pod = cluster->client->Get(kube::kPods, cluster->namespace_, *name);
  if (!pod) return session.Fail(kFailed, pod.error().message);
  return options.local ? DebugFetched(options, *cluster, *pod, session)
                       : DebugOnCluster(*cluster, *pod, session);
}

}  // namespace penstock::cli
