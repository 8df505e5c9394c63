// Deletion in the memory cluster: preconditions, finalizers, a pod's grace, owners and dependents.
//
//   Delete --grace or finalizers--> deletionTimestamp set --last finalizer gone, grace 0--> removed
//          \----------------------------neither----------------------------------------/   |
//                                            dependents without another owner <- Delete ---+
#include <algorithm>

#include "operator/base/json.h"
#include "operator/local/memory_cluster.h"
#include "operator/local/memory_errors.h"
#include "operator/local/object_rules.h"

namespace penstock::local {
namespace {

constexpr const char* kForeground = "foregroundDeletion";

const Json& OwnersOf(const Json& object) {
  static const Json kNone = Json::array();
  const Json& metadata = object["metadata"];
  const auto it = metadata.find("ownerReferences");
  return it != metadata.end() && it->is_array() ? *it : kNone;
}

bool HasFinalizer(const Json& object, const char* finalizer) {
  const Json& metadata = object["metadata"];
  return metadata.contains("finalizers") &&
         std::find(metadata["finalizers"].begin(), metadata["finalizers"].end(), finalizer) !=
             metadata["finalizers"].end();
}

}  // namespace

Result<void> MemoryCluster::Delete(const kube::ResourceType& type, const std::string& ns,
                                   const std::string& name, const kube::DeleteOptions& options,
                                   const kube::Call& call) {
  if (auto in = Enter({"delete", type, ns, name, ""}, call.stop); !in) return in.error();
  std::lock_guard lock(mutex_);
  Kind& kind = KindOf(type);
  const Key key{type.namespaced ? ns : "", name};
  const auto it = kind.objects.find(key);
  if (it == kind.objects.end()) return NotFoundError(type, name);
  const Json wanted = {
      {"metadata", {{"uid", options.uid}, {"resourceVersion", options.resource_version}}}};
  if (auto same = CheckPreconditions(type, *it->second.object, wanted); !same) return same.error();
  const std::string uid = (*it->second.object)["metadata"]["uid"];
  if (options.propagation == "Orphan") {
    for (const auto& [dependent, where] : Dependents(uid)) DropOwner(*dependent, where, uid);
  } else if (options.propagation == "Foreground" && !Dependents(uid).empty()) {
    DeleteForeground(kind, key);
    return {};
  }
  DeleteObject(kind, key, options.grace_period_seconds);
  return {};
}

void MemoryCluster::DeleteObject(Kind& kind, const Key& key, std::optional<int> grace_seconds) {
  const auto it = kind.objects.find(key);
  if (it == kind.objects.end()) return;
  Json next = *it->second.object;
  Json& metadata = next["metadata"];
  int grace = GraceSeconds(kind.type, next, grace_seconds);
  const bool deleting = metadata.contains("deletionTimestamp");
  if (deleting) grace = std::min(grace, metadata.value("deletionGracePeriodSeconds", 0));
  if (grace == 0 && !metadata.contains("finalizers")) return Remove(kind, key);
  if (deleting && grace == metadata.value("deletionGracePeriodSeconds", 0)) return;
  metadata["deletionTimestamp"] = FormatTime(clock_.Now() + std::chrono::seconds(grace));
  metadata["deletionGracePeriodSeconds"] = grace;
  if (CountsGenerations(kind.type)) metadata["generation"] = metadata.value("generation", 0) + 1;
  Commit(kind, key, std::move(next));
}

void MemoryCluster::DeleteForeground(Kind& kind, const Key& key) {
  Json next = *kind.objects.at(key).object;
  const std::string uid = next["metadata"]["uid"];
  if (!HasFinalizer(next, kForeground)) next["metadata"]["finalizers"].push_back(kForeground);
  Commit(kind, key, std::move(next));
  DeleteObject(kind, key, std::nullopt);
  CollectDependents(uid);
}

void MemoryCluster::Remove(Kind& kind, const Key& key) {
  const auto it = kind.objects.find(key);
  if (it == kind.objects.end()) return;
  const Object last = it->second.object;
  Record(kind, key, std::nullopt);
  CollectDependents((*last)["metadata"]["uid"]);
  FinishForegroundOwners(*last);
  if (kind.type.group.empty() && kind.type.plural == "namespaces") EmptyNamespace(key.second);
}

void MemoryCluster::Index(Kind& kind, const Key& key, const Json& object, bool add) {
  const std::string uid = object["metadata"]["uid"];
  if (add) {
    by_uid_[uid] = {&kind, key};
  } else {
    by_uid_.erase(uid);
  }
  for (const auto& owner : OwnersOf(object)) {
    const std::string owner_uid = owner.value("uid", "");
    if (add) {
      by_owner_.emplace(owner_uid, std::pair{&kind, key});
      continue;
    }
    const auto [begin, end] = by_owner_.equal_range(owner_uid);
    const auto found = std::find_if(begin, end, [&](const auto& e) {
      return e.second == std::pair{&kind, key};
    });
    if (found != end) by_owner_.erase(found);
  }
}

std::vector<std::pair<MemoryCluster::Kind*, MemoryCluster::Key>> MemoryCluster::Dependents(
    const std::string& owner_uid) const {
  std::vector<std::pair<Kind*, Key>> out;
  const auto [begin, end] = by_owner_.equal_range(owner_uid);
  for (auto it = begin; it != end; ++it) out.push_back(it->second);
  return out;
}

void MemoryCluster::CollectDependents(const std::string& owner_uid) {
  for (const auto& [kind, key] : Dependents(owner_uid)) {
    const auto it = kind->objects.find(key);
    if (it == kind->objects.end()) continue;
    const Json& owners = OwnersOf(*it->second.object);
    const bool other_owner = std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
      const std::string uid = owner.value("uid", "");
      return uid != owner_uid && by_uid_.contains(uid);
    });
    if (other_owner) {
      DropOwner(*kind, key, owner_uid);
    } else {
      DeleteObject(*kind, key, std::nullopt);
    }
  }
}

void MemoryCluster::DropOwner(Kind& kind, const Key& key, const std::string& owner_uid) {
  Json next = *kind.objects.at(key).object;
  Json& metadata = next["metadata"];
  Json kept = Json::array();
  for (const auto& owner : OwnersOf(next)) {
    if (owner.value("uid", "") != owner_uid) kept.push_back(owner);
  }
  metadata["ownerReferences"] = std::move(kept);
  DropEmptyMetadata(metadata);
  Commit(kind, key, std::move(next));
}

void MemoryCluster::FinishForegroundOwners(const Json& removed) {
  for (const auto& reference : OwnersOf(removed)) {
    const std::string uid = reference.value("uid", "");
    const auto owner = by_uid_.find(uid);
    if (owner == by_uid_.end() || !Dependents(uid).empty()) continue;
    const auto [kind, key] = owner->second;
    Json next = *kind->objects.at(key).object;
    if (!HasFinalizer(next, kForeground)) continue;
    Json& finalizers = next["metadata"]["finalizers"];
    finalizers.erase(std::find(finalizers.begin(), finalizers.end(), kForeground));
    DropEmptyMetadata(next["metadata"]);
    Commit(*kind, key, std::move(next));
  }
}

void MemoryCluster::EmptyNamespace(const std::string& ns) {
  for (auto& [_, kind] : kinds_) {
    std::vector<Key> keys;
    for (auto it = kind->objects.lower_bound({ns, ""});
         it != kind->objects.end() && it->first.first == ns; ++it) {
      keys.push_back(it->first);
    }
    for (const auto& key : keys) DeleteObject(*kind, key, std::nullopt);
  }
}

}  // namespace penstock::local
