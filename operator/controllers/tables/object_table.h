// The newest known state of every object of a kind, decoded once an event.
//
// Informers and the controllers' own writes feed it; the newer resourceVersion wins, so a
// controller never plans on a state older than what it wrote itself. Snapshots are immutable.
// Thread-safe.
#pragma once

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "operator/api/codec.h"
#include "operator/kube/store.h"

namespace penstock::controllers {

using kube::ObjectKey;

// "ns/name"; a text without a slash is a name without a namespace.
inline ObjectKey ParseKey(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

// UIDs of objects that are gone. An answer to a write of ours may come in after the informer has
// told of the deletion; it must not bring the object back. UIDs never return, so the oldest of many
// may be forgotten. Not thread-safe.
class Tombstones {
 public:
  // `version`: of the object when it was told gone, where that is known.
  void Add(const std::string& uid, const std::string& version = "") {
    if (uid.empty()) return;
    const auto [at, added] = versions_.try_emplace(uid, version);
    if (!added && !version.empty()) at->second = version;
    if (!added) return;
    order_.push_back(uid);
    if (order_.size() <= kKept) return;
    versions_.erase(order_.front());
    order_.pop_front();
  }
  [[nodiscard]] bool Has(const std::string& uid) const { return versions_.contains(uid); }
  [[nodiscard]] std::string VersionOf(const std::string& uid) const {
    const auto found = versions_.find(uid);
    return found == versions_.end() ? "" : found->second;
  }

 private:
  static constexpr std::size_t kKept = 10'000;
  std::unordered_map<std::string, std::string> versions_;  // by UID
  std::deque<std::string> order_;
};

// True when `a` is a newer state than `b` of one object. Versions of one resource are integers
// that grow (every API server since Kubernetes 1.0 and, since 1.35, by contract); texts that are
// no integers are taken as newer, because they came later.
inline bool NewerOrEqualVersion(const std::string& a, const std::string& b) {
  unsigned long long x = 0, y = 0;
  const auto read = [](const std::string& text, unsigned long long& out) {
    const auto r = std::from_chars(text.data(), text.data() + text.size(), out);
    return r.ec == std::errc() && r.ptr == text.data() + text.size();
  };
  if (!read(a, x) || !read(b, y)) return true;
  return x >= y;
}

// An object and what its decoder found wrong with its spec: a status is ours, and a field of it
// that an older program wrote differently is written anew.
template <typename T>
struct Known : T {
  Known() = default;
  explicit Known(api::Decoded<T> decoded) : T(std::move(decoded.value)) {
    for (auto& error : decoded.errors) {
      if (error.path.rfind("status", 0) != 0) errors.push_back(std::move(error));
    }
  }
  std::vector<api::FieldError> errors;
};

// T has `meta` (api::ObjectMeta).
template <typename T>
class ObjectTable {
 public:
  using Snapshot = std::shared_ptr<const T>;

  // Gives the newest state: `object`, or what is known already and newer. An object that is gone
  // is given back without being kept.
  Snapshot Put(T object) {
    ObjectKey key{object.meta.namespace_, object.meta.name};
    auto next = std::make_shared<const T>(std::move(object));
    const std::lock_guard lock(mutex_);
    if (gone_.Has(next->meta.uid)) return next;
    Snapshot& slot = objects_[key];
    if (slot != nullptr && slot->meta.uid == next->meta.uid &&
        !NewerOrEqualVersion(next->meta.resource_version, slot->meta.resource_version)) {
      return slot;
    }
    if (slot != nullptr) Unlist(key, slot->meta);
    slot = std::move(next);
    if (const std::string owner = ControllerOf(slot->meta); !owner.empty())
      by_owner_[owner][std::move(key)] = slot;
    return slot;
  }

  void Drop(const ObjectKey& key, const std::string& uid) {
    const std::lock_guard lock(mutex_);
    gone_.Add(uid);
    const auto found = objects_.find(key);
    if (found == objects_.end() || found->second->meta.uid != uid) return;
    Unlist(key, found->second->meta);
    objects_.erase(found);
  }

  // nullptr when there is none.
  [[nodiscard]] Snapshot Get(const ObjectKey& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }

  // Those of a namespace; of all when it is empty. By name.
  [[nodiscard]] std::vector<Snapshot> List(const std::string& ns) const {
    return List(ns, [](const T&) { return true; });
  }
  // Those of them that `counts` says; it is quick, and asks nothing of the table.
  template <typename F>
  [[nodiscard]] std::vector<Snapshot> List(const std::string& ns, F counts) const {
    const std::lock_guard lock(mutex_);
    std::vector<Snapshot> found;
    auto it = ns.empty() ? objects_.begin() : objects_.lower_bound({ns, ""});
    for (; it != objects_.end() && (ns.empty() || it->first.ns == ns); ++it) {
      if (counts(*it->second)) found.push_back(it->second);
    }
    return found;
  }

  // Those that the object with this UID controls. By name.
  [[nodiscard]] std::vector<Snapshot> OwnedBy(const std::string& uid) const {
    const std::lock_guard lock(mutex_);
    std::vector<Snapshot> found;
    if (const auto owned = by_owner_.find(uid); owned != by_owner_.end()) {
      found.reserve(owned->second.size());
      for (const auto& [key, object] : owned->second) found.push_back(object);
    }
    return found;
  }

  // How many there are below the object with this UID, at any depth; `most` at most.
  [[nodiscard]] std::size_t CountBelow(const std::string& uid, std::size_t most) const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    std::vector<const std::string*> owners{&uid};
    while (!owners.empty() && count < most) {
      const auto owned = by_owner_.find(*owners.back());
      owners.pop_back();
      if (owned == by_owner_.end()) continue;
      count += owned->second.size();
      for (const auto& [key, object] : owned->second) owners.push_back(&object->meta.uid);
    }
    return std::min(count, most);
  }

  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return objects_.size();
  }

 private:
  static std::string ControllerOf(const api::ObjectMeta& meta) {
    for (const api::OwnerReference& owner : meta.owners)
      if (owner.controller) return owner.uid;
    return "";
  }
  void Unlist(const ObjectKey& key, const api::ObjectMeta& meta) {
    const auto owned = by_owner_.find(ControllerOf(meta));
    if (owned == by_owner_.end()) return;
    owned->second.erase(key);
    if (owned->second.empty()) by_owner_.erase(owned);
  }

  mutable std::mutex mutex_;
  std::map<ObjectKey, Snapshot> objects_;
  // By the controller's UID.
  std::unordered_map<std::string, std::map<ObjectKey, Snapshot>> by_owner_;
  Tombstones gone_;
};

}  // namespace penstock::controllers
