// Plays scheduler and kubelet over a kube::Client: pods become processes of this machine.
//
//   pod seen -> Pending -(fits)-> files written -> Running -> Succeeded | Failed
//                 | never fits: stays Pending, Unschedulable
//   deletionTimestamp at any time -> SIGTERM, grace period, SIGKILL of the session -> object
//   removed
//
// A watch thread follows the pods of all namespaces, one thread a pod carries it through. A pod
// that cannot be prepared (a missing Secret, a volume of the cluster's) ends Failed with an Invalid
// termination message: waiting would not cure it here. Memory limits hold only in podman.
// Start, Stop and Logs may be called from any thread; the client and the clock must outlive it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/local/admission.h"
#include "operator/local/pod_launch.h"
#include "operator/local/pod_status.h"
#include "operator/local/podman.h"
#include "operator/os/child_process.h"

namespace penstock::local {

enum class Isolation : std::uint8_t {
  kAuto,     // podman where it works and has the image, else a process
  kPodman,   // podman or failure
  kProcess,  // never podman
};

struct RunnerOptions {
  LaunchOptions launch;
  Isolation isolation = Isolation::kAuto;
  std::string podman;  // path; empty: there is none
  Resources capacity;
  // Both are called from any thread.
  std::function<void(const std::string& line)> notice;  // one line for people
  // A pod requests more than this machine has; told, once or more, before its status says it.
  std::function<void(const std::string& pod)> never_fits{};
};

struct PodWorker;

class ProcessRunner {
 public:
  ProcessRunner(kube::Client& client, const Clock& clock, RunnerOptions options);
  ~ProcessRunner();  // Stop()

  void Start();
  // Ends every child as a deletion with grace period `grace` would, and waits for it.
  void Stop(std::chrono::seconds grace = std::chrono::seconds(10));

  // The log of a pod, from its file; also of pods that are gone. With follow until the pod ended.
  [[nodiscard]] Result<void> Logs(const std::string& ns, const std::string& pod,
                                  const kube::LogOptions& options, const kube::LogSink& sink,
                                  std::stop_token stop);

 private:
  void FollowPods(std::stop_token stop);
  void See(const Json& pod, bool deleted);
  void Sweep();
  void RunPod(PodWorker& worker);
  void RunAdmitted(PodWorker& worker, Admission::Seat seat);
  void RunProcesses(PodWorker& worker, const std::vector<PodLaunch>& launches,
                    const Admission::Seat& seat);
  void AwaitEnds(PodWorker& worker, const std::vector<PodLaunch>& launches,
                 std::vector<std::optional<ChildExit>>& ends);
  struct Running {
    ChildProcess child;
    bool in_podman = false;
  };
  // Says that they run, and, where the pod has a readinessProbe, on a thread of its own when it
  // becomes ready and when it is not any more.
  [[nodiscard]] std::jthread BeginProbing(PodWorker& worker, const std::vector<PodLaunch>& launches,
                                          const std::vector<Running>& running,
                                          const std::vector<ContainerRun>& runs);
  [[nodiscard]] Result<Running> StartOne(PodWorker& worker, const PodLaunch& launch,
                                         const Admission::Seat& seat);
  struct Started {
    std::vector<std::string> argv;
    bool in_podman = false;
  };
  // kCancelled where the pod was asked to stop meanwhile.
  [[nodiscard]] Result<Started> Isolate(const PodWorker& worker, const PodLaunch& launch);
  // As a process of the host, which has the step's volumes at their paths.
  [[nodiscard]] Result<Started> OnHost(const PodLaunch& launch) const;
  void WriteStatus(PodWorker& worker, const Json& status);
  // The pod ends for what is wrong with this container.
  void EndUnstarted(PodWorker& worker, const Error& why, std::size_t container = 0);
  void Notice(const std::string& key, const std::string& line);

  kube::Client& client_;
  const Clock& clock_;
  const RunnerOptions options_;
  Admission admission_;
  Podman podman_;

  std::mutex mutex_;
  std::condition_variable_any changed_;                        // a worker has ended, or stop
  std::map<std::string, std::unique_ptr<PodWorker>> workers_;  // by pod UID
  std::set<std::string> noticed_;
  bool stopping_ = false;
  std::jthread watcher_;
};

}  // namespace penstock::local
