#include "operator/local/pod_launch.h"

#include <algorithm>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/local/pod_environment.h"
#include "operator/local/pod_volumes.h"
#include "operator/protocol/file_uri.h"
#include "operator/protocol/span_uri.h"
#include "operator/protocol/task.h"

namespace penstock::local {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTaskAnnotation = "penstock.dev/task";
constexpr const char* kLauncherName = "penstock-launcher";
constexpr const char* kLibraryImages[] = {"penstock/components", "penstock/git"};

// `text` with a leading path of the pod, or one after "--flag=", replaced by its place here.
std::string Translate(const std::string& text, const std::vector<Mount>& mounts) {
  std::size_t start = 0;
  if (text.starts_with("--") && text.find('=') != std::string::npos) start = text.find('=') + 1;
  for (const Mount& mount : mounts) {
    if (mount.inside.empty() || text.compare(start, mount.inside.size(), mount.inside) != 0) {
      continue;
    }
    const std::string rest = text.substr(start + mount.inside.size());
    if (!rest.empty() && rest[0] != '/') continue;
    std::string outside = mount.outside.string();
    while (outside.ends_with('/')) outside.pop_back();
    return text.substr(0, start) + outside + rest;
  }
  return text;
}

std::string SearchPath(const LaunchOptions& options, const Environment& environment) {
  std::string path;
  for (const fs::path& folder : options.program_folders) path += folder.string() + ":";
  const auto it = environment.find("PATH");
  return path + (it == environment.end() ? "/usr/local/bin:/usr/bin:/bin" : it->second);
}

std::vector<std::string> Lines(const Environment& environment) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : environment) lines.push_back(name + "=" + value);
  return lines;
}

// What the task's command reads outside of the pod's folder: the store, and files of file: inputs.
void AddTaskData(const Json& pod, PodLaunch& launch) {
  const std::string text =
      pod["metadata"].value("annotations", Json::object()).value(kTaskAnnotation, "");
  if (text.empty()) return;
  const Result<TaskDocument> task = ParseTask(text);
  if (!task) return;  // the launcher says what is wrong with it
  launch.store = task->store.folder;
  for (const TaskInput& input : task->inputs) {
    if (!IsFileUri(input.uri)) continue;
    if (const auto spans = ParseSpanUri(input.uri))
      launch.data.emplace_back("/" + CommonFolder(*spans));
    else if (const auto path = PathOfFileUri(input.uri))
      launch.data.emplace_back(*path);
  }
}

// $(NAME) of Kubernetes, then the paths. The launcher of the image is the one beside this program.
Result<std::vector<std::string>> CommandLine(const Json& container, const Environment& variables,
                                             const std::vector<Mount>& mounts,
                                             const LaunchOptions& options) {
  std::vector<std::string> argv;
  for (const char* part : {"command", "args"}) {
    for (const Json& word : container.value(part, Json::array())) {
      argv.push_back(Translate(ExpandVariables(word.get<std::string>(), variables), mounts));
    }
  }
  if (argv.empty()) {
    return Invalid("the container has no command, and a local run does not know that of the image");
  }
  if (fs::path(argv[0]).filename() == kLauncherName) argv[0] = options.launcher.string();
  return argv;
}

}  // namespace

PodPaths PathsOf(const fs::path& state, const std::string& ns, const std::string& pod) {
  const fs::path folder = state / "pods" / ns / pod;
  return {folder, folder / "termination-log", state / "logs" / ns / (pod + ".log")};
}

bool IsLibraryImage(const std::string& image) {
  std::string name = image.substr(0, image.find('@'));
  const std::size_t slash = name.rfind('/');
  const std::size_t colon = name.rfind(':');
  if (colon != std::string::npos && (slash == std::string::npos || colon > slash)) {
    name.resize(colon);
  }
  return std::any_of(
      std::begin(kLibraryImages), std::end(kLibraryImages),
      [&](const std::string& image) { return name == image || name.ends_with("/" + image); });
}

namespace {

Result<PodLaunch> PrepareOne(const Json& pod, const Json& container, bool alone,
                             const LaunchOptions& options, kube::Client& client) {
  const Json& meta = pod.at("metadata");
  PodLaunch launch;
  launch.paths = PathsOf(options.state, meta.value("namespace", ""), meta.value("name", ""));
  launch.container = container.value("name", "");
  launch.spec = container;
  if (!alone) launch.paths.termination_log += "-" + launch.container;
  launch.image = container.value("image", "");
  launch.library_image = IsLibraryImage(launch.image);
  const std::string where = "container " + launch.container;

  std::error_code error;
  fs::create_directories(launch.paths.log.parent_path(), error);
  if (error) return FromErrno("folder " + launch.paths.log.parent_path().string(), error.value());
  for (const auto& [path, text] : {std::pair{launch.paths.folder / "pod.json", pod.dump(1)},
                                   std::pair{launch.paths.termination_log, std::string()}}) {
    if (Result<void> wrote = WriteFileAtomically(path, text); !wrote) return wrote.error();
  }
  Result<PodVolumes> volumes =
      WriteVolumes(launch.paths, pod, container, options.host_environment, client);
  if (!volumes) return Wrap(where, volumes.error());
  const std::vector<Mount>& mounts = volumes->rewritten;
  Result<Environment> own = ContainerEnvironment(pod, container, options.host_environment, client);
  if (!own) return Wrap(where, own.error());
  for (auto& [name, value] : *own) value = Translate(value, mounts);
  Result<std::vector<std::string>> argv = CommandLine(container, *own, mounts, options);
  if (!argv) return Wrap(where, argv.error());

  launch.argv = *std::move(argv);
  launch.pod_env = Lines(*own);
  Environment all = InheritedEnvironment(options.host_environment);
  for (auto& [name, value] : *own) all[name] = value;
  all["PATH"] = SearchPath(options, all);
  launch.environment = Lines(all);
  launch.directory = launch.paths.folder;
  AddTaskData(pod, launch);
  launch.scratch = std::move(volumes->scratch);
  launch.mounts = std::move(volumes->mounts);
  return launch;
}

}  // namespace

Result<std::vector<PodLaunch>> PrepareLaunches(const Json& pod, const LaunchOptions& options,
                                               kube::Client& client) {
  const Json spec = pod.value("spec", Json::object());
  for (const Json& init : spec.value("initContainers", Json::array()))
    if (init.value("restartPolicy", "") == "Always")
      return Invalid("container " + init.value("name", "") +
                     ": a local run has no sidecars; run this step on a cluster");
  const Json containers = spec.value("containers", Json::array());
  if (containers.empty()) return Invalid("the pod has no container");
  std::vector<PodLaunch> launches;
  for (const Json& container : containers) {
    auto launch = PrepareOne(pod, container, containers.size() == 1, options, client);
    if (!launch) return launch.error();
    launches.push_back(*std::move(launch));
  }
  return launches;
}

void RemoveFolder(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return;
  fs::permissions(folder, fs::perms::owner_all, fs::perm_options::add, error);
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (!it->is_symlink() && it->is_directory()) {
      std::error_code ignored;
      fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    }
  }
  fs::remove_all(folder, error);
}

}  // namespace penstock::local
