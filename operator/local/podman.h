// Containers by podman, for steps with an image of their own. Functions and one small cache;
// thread-safe.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/local/admission.h"
#include "operator/local/pod_launch.h"

namespace penstock::local {

class Podman {
 public:
  // `program` is a path or a name in PATH; empty: there is none.
  explicit Podman(std::string program) : program_(std::move(program)) {}

  // Can podman run containers here? Asked once. The error says why not.
  [[nodiscard]] Result<void> Usable(const std::stop_token& stop);

  // Is the image here, or can it be pulled, and does a container of it run our launcher? Tried once
  // an image: that podman answers does not say that the machine lets it run anything. Who asks for
  // an image that another thread pulls waits for that. `stop` ends the pull, or the waiting, with
  // kCancelled; the next one who asks begins anew.
  [[nodiscard]] Result<void> CanRun(const std::string& image, const std::filesystem::path& launcher,
                                    const std::stop_token& stop);

  // The command that runs the launch in a container: same paths inside as outside, the launcher
  // mounted in, only the pod's own environment, limits as the container states them.
  [[nodiscard]] std::vector<std::string> Command(const PodLaunch& launch, const Json& container,
                                                 const std::string& name) const;

  // Removes a container by name, at once; best effort.
  void Remove(const std::string& name) const;

 private:
  using Ask = std::function<Result<void>()>;
  // The answer of `ask`, which is kept unless it was stopped, and asked by one thread at a time.
  [[nodiscard]] Result<void> Once(const std::string& what, const std::stop_token& stop,
                                  const Ask& ask);

  const std::string program_;
  std::mutex mutex_;
  std::condition_variable_any answered_;
  std::set<std::string> asked_;                  // now: an image; "" is podman itself
  std::map<std::string, Result<void>> answers_;  // of those
};

}  // namespace penstock::local
