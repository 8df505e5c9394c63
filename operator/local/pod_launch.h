// From a pod object to what runs on this machine in its place: files of its volumes, command,
// environment. What a kubelet would mount at a path lies in the pod's own folder here. Of the
// operator's own volumes the container's command, args and env are rewritten to point there; the
// step's own ones are to be mounted at their paths (PodLaunch::mounts), for nobody knows what a
// program does with a path.
//
//   <state>/pods/<ns>/<pod>/pod.json             the object, for `penstock debug`
//   <state>/pods/<ns>/<pod>/volumes/<volume>/... downward API, ConfigMap, Secret, emptyDir
//   <state>/pods/<ns>/<pod>/termination-log      of several containers in turn -<container> each
//   <state>/claims/<ns>/<claim>/...              volumes that are made for a run
//   <state>/logs/<ns>/<pod>.log
//
// Functions; they touch the named folders and the client only. Any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"
#include "operator/os/own_mounts.h"

namespace penstock::local {

struct LaunchOptions {
  std::filesystem::path state;     // absolute
  std::filesystem::path launcher;  // penstock-launcher of this installation
  // Folders searched before PATH: where the components' and our programs are.
  std::vector<std::filesystem::path> program_folders;
  std::map<std::string, std::string> host_environment;  // of this process
};

struct PodPaths {
  std::filesystem::path folder;
  std::filesystem::path termination_log;
  std::filesystem::path log;
};
[[nodiscard]] PodPaths PathsOf(const std::filesystem::path& state, const std::string& ns,
                               const std::string& pod);

struct PodLaunch {
  PodPaths paths;
  std::string container;  // its name
  Json spec;              // of the container
  std::string image;
  bool library_image = false;  // Penstock's own components: no isolation is asked for
  std::vector<std::string> argv;
  std::vector<std::string> environment;        // "NAME=value"
  std::vector<std::string> pod_env;            // the part of it that the pod itself asked for
  std::vector<std::filesystem::path> data;     // folders and files outside that the command reads
  std::vector<std::filesystem::path> scratch;  // emptyDirs, Secrets: to be removed afterwards
  std::vector<OwnMount> mounts;                // the step's own volumes, at their paths
  std::filesystem::path store;                 // the artifact store's folder; empty without a task
  std::filesystem::path directory;
};

// True for an image of ours, whatever its registry, tag and digest: ".../penstock/components".
[[nodiscard]] bool IsLibraryImage(const std::string& image);

// The containers of the pod, which are the step's: one, or several in turn (the init container only
// copies the launcher, which is here already; sidecars are refused). Writes the volumes' files. Not
// empty. Errors name the container and the variable, volume or key, and say what to do.
[[nodiscard]] Result<std::vector<PodLaunch>> PrepareLaunches(const Json& pod,
                                                             const LaunchOptions& options,
                                                             kube::Client& client);

// Removes a folder with all in it, read-only folders too; best effort.
void RemoveFolder(const std::filesystem::path& folder);

}  // namespace penstock::local
