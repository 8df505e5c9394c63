// What stands in for a cluster in `penstock run`: the API in memory, the engine that the operator
// runs, and the process runner as kubelet, over one state folder.
//
// Owns its threads. Used by the command's thread; client() from any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operator/api/component.h"
#include "operator/cli/objects/session.h"
#include "operator/cli/objects/state.h"
#include "operator/local/process_runner.h"

namespace penstock::cli {

inline constexpr const char* kLibraryNamespace = "penstock-library";

struct LocalOptions {
  local::Isolation isolation = local::Isolation::kAuto;
  std::function<void(const std::string&)> notice;          // one line for people
  std::function<void(const std::string& pod)> never_fits;  // as RunnerOptions has it
};

class LocalCluster {
 public:
  // The library's Components are there; nothing else is, and nothing runs before Start(). The
  // session must outlive it. kNotFound when the launcher is not installed.
  [[nodiscard]] static Result<std::unique_ptr<LocalCluster>> Make(
      const Session& session, const State& state, const std::vector<api::Component>& library,
      LocalOptions options);
  ~LocalCluster();  // Stop()

  [[nodiscard]] kube::Client& client();
  // What was created before is in the engine's first picture, whole.
  void Start();
  // Ends the engine, then what still runs, within `grace`.
  void Stop(std::chrono::seconds grace = std::chrono::seconds(10));

 private:
  struct Impl;
  explicit LocalCluster(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::cli
