// What the conformance tests run against: the memory cluster or a real API server, and a fresh
// namespace in it. Used by one thread at a time; watch threads use client() only.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/kube/resources.h"

namespace penstock::conformance {

using Factory = std::function<std::unique_ptr<kube::Client>(const Clock&)>;

struct Instance {
  std::string name;
  Factory make;
};

class ClientConformance : public testing::TestWithParam<Instance> {
 protected:
  void SetUp() override;
  void TearDown() override;

  kube::Client& client() { return *client_; }
  const std::string& ns() const { return ns_; }

  // Shorthands that fail the test and give a null object when the call fails.
  Json MustCreate(const kube::ResourceType& type, const Json& object);
  Json MustGet(const kube::ResourceType& type, const std::string& name);
  Json MustApply(const kube::ResourceType& type, const std::string& name, const Json& object,
                 const kube::PatchOptions& options = {});
  // Waits until the object is gone; false after 20 s.
  bool Vanishes(const kube::ResourceType& type, const std::string& name);

 private:
  SystemClock clock_;
  std::unique_ptr<kube::Client> client_;
  std::string ns_;
};

Json ConfigMap(const std::string& name, const Json& data, const Json& labels = nullptr);
// Never scheduled: its scheduler does not exist.
Json Pod(const std::string& name, const Json& labels = nullptr);

std::string VersionOf(const Json& object);
std::string UidOf(const Json& object);

// A watch on its own thread that records what it sees.
class RecordedWatch {
 public:
  struct Seen {
    kube::WatchEventType type;
    Json object;
  };
  RecordedWatch(kube::Client& client, const kube::ResourceType& type, const std::string& ns,
                kube::WatchOptions options);
  ~RecordedWatch();

  // Waits for an event that satisfies `wanted`; false after 20 s.
  bool Sees(const std::function<bool(const Seen&)>& wanted);
  bool Sees(kube::WatchEventType type, const std::string& name);
  std::vector<Seen> All();
  // Ends the watch (or waits for its end) and gives its outcome.
  Result<void> Stop();
  Result<void> Join();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Seen> seen_;
  Result<void> outcome_;
  std::jthread thread_;
};

}  // namespace penstock::conformance
