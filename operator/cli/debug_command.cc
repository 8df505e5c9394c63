// penstock debug: look into one step, here with its inputs (--local) or in its pod's twin
// (--shell).
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <ostream>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/artifact_upload.h"
#include "operator/cli/commands.h"
#include "operator/cli/debug_folder.h"
#include "operator/cli/debug_pod.h"
#include "operator/cli/objects/state.h"
#include "operator/cli/run_lookup.h"
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

// The pod of the step, from the state folder or the cluster.
Result<Json> LocalPod(const State& state, const Json& run, const std::string& step) {
  const Result<std::vector<StepPod>> pods = PodsOf(run, step);
  if (!pods) return pods.error();
  const fs::path file =
      local::PathsOf(state.root(), kLocalNamespace, pods->at(0).pod).folder / "pod.json";
  const Result<std::string> text = ReadFile(file);
  if (!text) return Wrap("step " + step, text.error());
  return ParseJson(*text, file.string());
}

// The large parameters' ConfigMap, as the runner wrote it for the pod.
std::string LocalConfig(const State& state, const std::string& pod) {
  const fs::path folder = local::PathsOf(state.root(), kLocalNamespace, pod).folder;
  const Result<std::string> text = ReadFile(folder / "volumes" / "penstock-config" / "config.json");
  return text ? *text : "";
}

int Explain(const DebugFolder& folder, const DebugOptions& options, Session& session) {
  session.out << "step " << options.step << " stands in " << folder.root.string() << "\n"
              << "run it with: " << (folder.root / "run").string() << "\n";
  if (!options.shell) return kOk;
  const std::string shell = session.Env("SHELL").empty() ? "/bin/sh" : session.Env("SHELL");
  if (chdir(folder.root.c_str()) != 0) {
    return session.Fail(kFailed, FromErrno(folder.root.string(), errno).message);
  }
  return Become({shell}, session);
}

int DebugHere(const DebugOptions& options, const State& state, const Json& pod,
              const std::string& config, const FetchArtifact& fetch, Session& session) {
  const Result<fs::path> launcher = FindOurProgram(session, "penstock-launcher");
  if (!launcher) return session.Fail(kFailed, launcher.error().message);
  const std::string name = pod["metadata"].value("name", "");
  const fs::path root =
      options.folder.empty() ? state.root() / "debug" / name : session.directory / options.folder;
  local::RemoveFolder(options.folder.empty() ? root : root / "work");
  const Result<DebugFolder> folder = MakeDebugFolder(root, pod, config, *launcher, fetch);
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
  const std::vector<std::string> words = {"kubectl", "exec", "-it",  "-n", cluster.namespace_,
                                          name,      "-c",   "step", "--", "/bin/sh"};
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

}  // namespace

int Debug(const DebugOptions& options, Session& session) {
  const State home = State::Of(session);
  if (const std::optional<State> state = State::IfLocal(session)) {
    const Result<Json> run = state->FindRun(options.run);
    if (!run) return session.Fail(kFailed, run.error().message);
    const Result<Json> pod = LocalPod(*state, *run, options.step);
    if (!pod) return session.Fail(kFailed, pod.error().message);
    const artifacts::Store store = state->store();
    const auto fetch = [&](const ArtifactRef& artifact, const fs::path& target) {
      return store.Get(kLocalNamespace, artifact, target);
    };
    return DebugHere(options, *state, *pod,
                     LocalConfig(*state, (*pod)["metadata"].value("name", "")), fetch, session);
  }
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const Result<Json> run = FindClusterRun(*cluster, options.run);
  if (!run) return session.Fail(kFailed, run.error().message);
  const Result<std::vector<StepPod>> pods = PodsOf(*run, options.step);
  if (!pods) return session.Fail(kFailed, pods.error().message);
  const Result<Json> pod = cluster->client->Get(kube::kPods, cluster->namespace_, pods->at(0).pod);
  if (!pod) return session.Fail(kFailed, pod.error().message);
  if (!options.local) return DebugOnCluster(*cluster, *pod, session);

  Result<std::unique_ptr<Gateway>> gateway =
      Gateway::Open({options.gateway, "", ""}, *cluster, session);
  if (!gateway) return session.Fail(kFailed, gateway.error().message);
  const Result<std::string> config = TaskConfigOf(*cluster->client, *pod);
  if (!config) return session.Fail(kFailed, config.error().message);
  const auto fetch = [&](const ArtifactRef& artifact, const fs::path& target) {
    return (*gateway)->transport().Fetch(artifact, target);
  };
  return DebugHere(options, home, *pod, *config, fetch, session);
}

}  // namespace penstock::cli
