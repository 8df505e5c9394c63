// A cluster in memory, a store in a folder of its own, a kubelet that follows a script, and engines
// that may be killed at any API call.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "operator/artifacts/store.h"
#include "operator/base/json.h"
#include "operator/controllers/engine.h"
#include "operator/controllers/testing/fake_kubelet.h"
#include "operator/controllers/testing/role_client.h"
#include "operator/kube/forwarding_client.h"
#include "operator/local/memory_cluster.h"
#include "operator/metadata/recorder.h"

namespace penstock::controllers {

// Passes calls on until `calls` of them that count have been made: writes, or with kAll reads too.
// Then every call fails, as if the process had been killed there. With `lose_answer`, the last one
// is carried out and its answer lost.
class KillSwitch {
 public:
  enum class Counts : std::uint8_t { kWrites, kAll };
  KillSwitch(int calls, bool lose_answer, Counts counts = Counts::kWrites)
      : left_(calls), lose_answer_(lose_answer), counts_(counts) {}
  // True when the call may be made. Who is dead after it has lost its answer.
  bool Pass(bool is_write);
  [[nodiscard]] bool dead() const { return dead_; }

 private:
  std::atomic<int> left_;
  const bool lose_answer_;
  const Counts counts_;
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

class Interception;

// Its calls can be intercepted by an Interception only, which ends before what it looks at.
class TestCluster : public local::MemoryCluster {
 public:
  using MemoryCluster::MemoryCluster;

 private:
  friend class Interception;
  using MemoryCluster::SetInterceptor;
};

// Lets `interceptor` see every call to the cluster as long as it lives: once the destructor has
// returned, no call of any thread is in the interceptor or comes to it. So it stands after what the
// interceptor captures, in a test's body or among a fixture's members. One at a time.
class Interception {
 public:
  Interception(TestCluster& cluster, local::Interceptor interceptor);
  ~Interception();
  Interception(const Interception&) = delete;
  Interception& operator=(const Interception&) = delete;

 private:
  struct Gate {
    std::shared_mutex mutex;  // held, shared, by every call that is in the interceptor
    bool open = true;
  };
  TestCluster& cluster_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest();
  ~EngineTest() override;

  [[nodiscard]] EngineOptions Options();
  // Takes the place of the engine that ran. Whatever client it gets, it may do what the chart's
  // role allows: anything else fails the test.
  void StartEngine(kube::Client* client = nullptr, metadata::Recorder* recorder = nullptr);
  void StopEngine();

  // YAML text of one object, created as it stands in namespace "team".
  Json Create(const kube::ResourceType& type, const std::string& yaml);
  Json Get(const kube::ResourceType& type, const std::string& name);
  Json Patch(const kube::ResourceType& type, const std::string& name, const Json& patch);
  // Waits until the object satisfies the condition; the last state, with a failure after 20 s.
  Json Await(const kube::ResourceType& type, const std::string& name, const std::string& what,
             const std::function<bool(const Json&)>& condition);
  Json AwaitFinished(const std::string& run);
  // Waits until it holds; false, with a failure that says `what`, after 20 s.
  static bool AwaitThat(const std::string& what, const std::function<bool()>& holds);
  std::vector<Json> ListAll(const kube::ResourceType& type);

  SystemClock clock_;
  TestCluster cluster_;
  std::filesystem::path folder_;
  std::unique_ptr<artifacts::Store> store_;
  metadata::NullRecorder no_history_;
  std::function<Result<std::string>(const routers::RouterPod&)> ask_router_;  // of the next engine
  // Of the next engine: no server here tells a signature.
  rollouts::AskServer ask_server_ =
      [](const rollout::ServerAddress&,
         const rollouts::ServerRequest&) -> Result<rollouts::ServerAnswer> {
    return rollouts::ServerAnswer{404, ""};
  };
  net::AddressCheck may_ask_;  // of the next engine; none: what every policy allows
  std::unique_ptr<FakeKubelet> kubelet_;
  const Clock* engine_clock_ = &clock_;
  std::unique_ptr<RoleClient> role_;
  std::unique_ptr<Engine> engine_;
  Milliseconds status_interval_{20};
  std::string library_namespace_ = "penstock-system";  // of the engines that are started
  std::string approval_policy_;                        // of the next engine
  bool approvals_by_hand_ = false;                     // of the next engine
  int max_pods_ = 0;                                   // of the next engine
  std::optional<std::set<std::string>> pod_fields_;    // of the next engine
  Milliseconds resync_{600'000};  // of the engines that are started from then on
  std::string log_;
  std::mutex log_mutex_;
};

// "True", "False", "Unknown", or "" when there is no such condition.
[[nodiscard]] std::string ConditionOf(const Json& object, const std::string& type);
// The status entry of a step; an empty object when there is none.
[[nodiscard]] Json StepOf(const Json& run, const std::string& step);

}  // namespace penstock::controllers
