// The router pods of every namespace, as an informer tells of them. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "operator/kube/store.h"

namespace penstock::routers {

struct RouterPod {
  std::string name;
  std::string uid;
  std::string address;  // of the pod; empty while it has none, and where it is its node's
  bool ready = false;   // takes requests of the Service: Ready, and not going
};

class RouterPods {
 public:
  // True when how many are Ready in the namespace has become another number.
  bool Note(const kube::Change& change);
  // By name.
  [[nodiscard]] std::vector<RouterPod> Ready(const std::string& ns) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, RouterPod>> pods_;  // by namespace and name
};

[[nodiscard]] RouterPod DecodeRouterPod(const Json& pod);

}  // namespace penstock::routers
