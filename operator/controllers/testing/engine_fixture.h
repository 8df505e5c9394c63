// A cluster in memory, a store in a folder of its own, a kubelet that follows a script, and engines
// that may be killed at any API call.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "operator/artifacts/store.h"
#include "operator/base/json.h"
#include "operator/controllers/engine.h"
#include "operator/controllers/testing/fake_kubelet.h"
#include "operator/kube/forwarding_client.h"
#include "operator/local/memory_cluster.h"
#include "operator/metadata/recorder.h"

namespace penstock::controllers {

// Passes calls on until `writes` of them have changed something; then every call fails, as if the
// process had been killed there. With `lose_answer`, the last write is carried out and its answer
// lost.
class KillSwitch {
 public:
  KillSwitch(int writes, bool lose_answer) : left_(writes), lose_answer_(lose_answer) {}
  // True when the call may be made. Who is dead after it has lost its answer.
  bool Pass(bool is_write);
  [[nodiscard]] bool dead() const { return dead_; }

 private:
  std::atomic<int> left_;
  const bool lose_answer_;
  std::atomic<bool> dead_ = false;
};

// A client that obeys a KillSwitch.
class MortalClient : public kube::ForwardingClient {
 public:
  MortalClient(kube::Client& below, KillSwitch& kill) : ForwardingClient(below), kill_(kill) {}
  Result<void> Watch(const kube::ResourceType& type, const std::string& ns,
                     const kube::WatchOptions& options, const kube::WatchSink& sink,
                     std::stop_token stop) override;

 protected:
  Result<void> Before(std::string_view write, const kube::ResourceType& type) override;
  Result<void> After() override;

 private:
  KillSwitch& kill_;
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest();
  ~EngineTest() override;

  // Takes the place of the engine that ran.
  void StartEngine(kube::Client* client = nullptr, metadata::Recorder* recorder = nullptr);
  void StopEngine() { engine_.reset(); }

  // YAML text of one object, created as it stands in namespace "team".
  Json Create(const kube::ResourceType& type, const std::string& yaml);
  Json Get(const kube::ResourceType& type, const std::string& name);
  Json Patch(const kube::ResourceType& type, const std::string& name, const Json& patch);
  // Waits until the object satisfies the condition; the last state, with a failure after 20 s.
  Json Await(const kube::ResourceType& type, const std::string& name, const std::string& what,
             const std::function<bool(const Json&)>& condition);
  Json AwaitFinished(const std::string& run);
  std::vector<Json> ListAll(const kube::ResourceType& type);

  SystemClock clock_;
  local::MemoryCluster cluster_;
  std::filesystem::path folder_;
  std::unique_ptr<artifacts::Store> store_;
  metadata::NullRecorder no_history_;
  std::unique_ptr<FakeKubelet> kubelet_;
  std::unique_ptr<Engine> engine_;
  std::string log_;
  std::mutex log_mutex_;
};

// "True", "False", "Unknown", or "" when there is no such condition.
[[nodiscard]] std::string ConditionOf(const Json& object, const std::string& type);
// The status entry of a step; an empty object when there is none.
[[nodiscard]] Json StepOf(const Json& run, const std::string& step);

}  // namespace penstock::controllers
