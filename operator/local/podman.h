// Containers by podman, for steps with an image of their own. Functions and one small cache;
// thread-safe.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
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
  [[nodiscard]] Result<void> Usable();

  // Is the image here, or can it be pulled, and does a container of it run our launcher? Tried once
  // an image: that podman answers does not say that the machine lets it run anything.
  [[nodiscard]] Result<void> CanRun(const std::string& image,
                                    const std::filesystem::path& launcher);

  // The command that runs the launch in a container: same paths inside as outside, the launcher
  // mounted in, only the pod's own environment, limits as the container states them.
  [[nodiscard]] std::vector<std::string> Command(const PodLaunch& launch, const Json& container,
                                                 const std::string& name) const;

  // Removes a container by name, at once; best effort.
  void Remove(const std::string& name) const;

 private:
  const std::string program_;
  std::mutex mutex_;
  std::optional<Result<void>> usable_;
  std::map<std::string, Result<void>> images_;
};

}  // namespace penstock::local
