// A scheduler, kubelet and launcher for tests: every pod of a step runs and ends as its script
// says, with outputs, receipt and termination message as the launcher would leave them.
//
// A watch thread of its own; everything happens in the order of the watch. An output's bytes are a
// function of the step, its parameters and the digests of its inputs, so equal work gives equal
// digests.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "operator/artifacts/store.h"
#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/protocol/task.h"

namespace penstock::controllers {

class FakeKubelet {
 public:
  enum class Ending : std::uint8_t {
    kSucceed,
    kFail,           // exit code 1
    kEvict,          // phase Failed, reason Evicted
    kHang,           // runs until Finish()
    kPend,           // does not start until Finish()
    kSilentSuccess,  // outputs and receipt, then the pod object vanishes
  };

  FakeKubelet(kube::Client& client, const artifacts::Store& store, const Clock& clock);
  ~FakeKubelet();

  // Before the pod is made. Attempts count from 1; what is not scripted succeeds.
  void Script(const std::string& step, int attempt, Ending ending);
  // Ends the hanging pods of a step well.
  void Finish(const std::string& step);

  // "step/attempt" of every pod that was started, in order; of all runs.
  [[nodiscard]] std::vector<std::string> started() const;
  [[nodiscard]] int starts(const std::string& step) const;

 private:
  void Follow(const std::stop_token& stop);
  void See(const Json& pod);
  void Run(const Json& pod, const TaskDocument& task, Ending ending);
  [[nodiscard]] Receipt Work(const TaskDocument& task) const;
  void Succeed(const Json& pod, const TaskDocument& task);
  void WriteStatus(const Json& pod, const Json& status);

  kube::Client& client_;
  const artifacts::Store& store_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, Ending> script_;
  std::set<std::string> seen_;  // pod UIDs
  std::vector<std::string> started_;
  std::map<std::string, std::vector<Json>> hanging_;  // by step
  std::map<std::string, std::size_t> to_hang_;        // by step: of those that have started
  std::condition_variable hangs_;
  std::jthread thread_;
};

}  // namespace penstock::controllers
