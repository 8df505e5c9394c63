#include "operator/routers/router_pods.h"

#include <algorithm>

#include "operator/api/codec.h"
#include "operator/base/json.h"

namespace penstock::routers {
namespace {

long CountReady(const std::map<std::string, RouterPod>& pods) {
  return std::count_if(pods.begin(), pods.end(), [](const auto& p) { return p.second.ready; });
}

}  // namespace

RouterPod DecodeRouterPod(const Json& pod) {
  static const Json::json_pointer kStatus("/status");
  const api::ObjectMeta meta = api::DecodeMeta(pod);
  RouterPod router{meta.name, meta.uid, "", false};
  const Json status = pod.value(kStatus, Json::object());
  if (!status.is_object()) return router;
  const auto text = [&](const char* field) {
    const auto it = status.find(field);
    return it != status.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  // A pod in its node's network may have been told where to listen by others than us.
  if (text("podIP") != text("hostIP")) router.address = text("podIP");
  if (meta.deleted || text("phase") != "Running") return router;
  const auto conditions = status.find("conditions");
  if (conditions == status.end() || !conditions->is_array()) return router;
  for (const Json& c : *conditions)
    if (c.is_object() && c.value("type", "") == "Ready" && c.value("status", "") == "True")
      router.ready = true;
  return router;
}

bool RouterPods::Note(const kube::Change& change) {
  const std::lock_guard lock(mutex_);
  auto& pods = pods_[change.key.ns];
  const long before = CountReady(pods);
  if (change.type == kube::ChangeType::kDeleted) {
    pods.erase(change.key.name);
  } else {
    pods[change.key.name] = DecodeRouterPod(*change.after);
  }
  const bool changed = CountReady(pods) != before;
  if (pods.empty()) pods_.erase(change.key.ns);
  return changed;
}

std::vector<RouterPod> RouterPods::Ready(const std::string& ns) const {
  const std::lock_guard lock(mutex_);
  std::vector<RouterPod> ready;
  const auto found = pods_.find(ns);
  if (found == pods_.end()) return ready;
  for (const auto& [_, pod] : found->second)
    if (pod.ready) ready.push_back(pod);
  return ready;
}

}  // namespace penstock::routers
