#include "operator/local/podman.h"

#include <chrono>

#include "operator/base/json.h"
#include "operator/local/quantity.h"
#include "operator/os/command.h"

namespace penstock::local {

using std::chrono::minutes;
using std::chrono::seconds;

Result<void> Podman::Once(const std::string& what, const std::stop_token& stop, const Ask& ask) {
  std::unique_lock lock(mutex_);
  if (!answered_.wait(lock, stop, [&] { return !asked_.contains(what); }) || stop.stop_requested())
    return Cancelled("podman is asked for no longer");
  if (const auto known = answers_.find(what); known != answers_.end()) return known->second;
  asked_.insert(what);
  struct End {  // also when `ask` throws: others wait for it
    Podman& podman;
    std::unique_lock<std::mutex>& lock;
    const std::string& what;
    ~End() {
      if (!lock.owns_lock()) lock.lock();
      podman.asked_.erase(what);
      podman.answered_.notify_all();
    }
  } end{*this, lock, what};
  lock.unlock();
  Result<void> answer = ask();
  lock.lock();
  if (answer || answer.error().kind != ErrorKind::kCancelled) answers_.emplace(what, answer);
  return answer;
}

Result<void> Podman::Usable(const std::stop_token& stop) {
  return Once("", stop, [&]() -> Result<void> {
    if (program_.empty()) return NotFound("podman is not installed");
    const auto answer = AskCommand({program_, "info", "--format", "ok"}, seconds(20), stop);
    return answer ? Result<void>() : Result<void>(Wrap("podman", answer.error()));
  });
}

Result<void> Podman::CanRun(const std::string& image, const std::filesystem::path& launcher,
                            const std::stop_token& stop) {
  return Once(image, stop, [&]() -> Result<void> {
    if (!AskCommand({program_, "image", "exists", image}, seconds(20), stop)) {
      const auto pulled = AskCommand({program_, "pull", "-q", image}, minutes(15), stop);
      if (!pulled) return Wrap("pull of " + image, pulled.error());
    }
    const std::string path = launcher.string();
    const Result<std::string> tried = AskCommand(
        {program_, "run", "--rm", "--network=host", "--log-driver=none", "--pull=never",
         "--volume=" + path + ":" + path + ":ro", "--entrypoint=" + path, image, "--help"},
        minutes(2), stop);
    if (!tried) return Wrap("a container of " + image, tried.error());
    return {};
  });
}

std::vector<std::string> Podman::Command(const PodLaunch& launch, const Json& container,
                                         const std::string& name) const {
  std::vector<std::string> argv = {
      program_,      "run", "--rm", "--name", name, "--network=host", "--log-driver=none",
      "--pull=never"};
  const auto mount = [&](const std::string& path, bool read_only) {
    argv.push_back("--volume=" + path + ":" + path + (read_only ? ":ro" : ""));
  };
  mount(launch.paths.folder.string(), false);
  if (!launch.store.empty()) mount(launch.store.string(), false);
  for (const auto& path : launch.data) mount(path.string(), true);
  mount(launch.argv[0], true);  // the launcher
  for (const OwnMount& m : launch.mounts)
    argv.push_back("--volume=" + m.source + ":" + m.target + (m.read_only ? ":ro" : ""));
  for (const std::string& variable : launch.pod_env) argv.push_back("--env=" + variable);
  const Json limits = container.value("resources", Json::object()).value("limits", Json::object());
  if (limits.contains("memory")) {
    const Result<std::int64_t> bytes = ParseQuantity(limits["memory"].get<std::string>());
    if (bytes) argv.push_back("--memory=" + std::to_string(*bytes));
  }
  argv.push_back("--entrypoint=" + launch.argv[0]);
  argv.push_back(launch.image);
  argv.insert(argv.end(), launch.argv.begin() + 1, launch.argv.end());
  return argv;
}

void Podman::Remove(const std::string& name) const {
  // Its exit says nothing that could be acted on: the container is most often gone already.
  const auto answer = AskCommand({program_, "rm", "--force", "--time=0", name}, seconds(20));
  static_cast<void>(answer);
}

}  // namespace penstock::local
