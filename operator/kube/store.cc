#include "operator/kube/store.h"

#include "operator/base/json.h"

namespace penstock::kube {
namespace {

const Json* Metadata(const Json& object) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find("metadata");
  return it != object.end() && it->is_object() ? &*it : nullptr;
}

std::string Field(const Json& object, const char* key) {
  const Json* metadata = Metadata(object);
  if (metadata == nullptr) return "";
  const auto it = metadata->find(key);
  return it != metadata->end() && it->is_string() ? it->get<std::string>() : "";
}

std::set<std::string> OwnersOf(const Json& object) {
  std::set<std::string> out;
  const Json* metadata = Metadata(object);
  if (metadata == nullptr) return out;
  const auto owners = metadata->find("ownerReferences");
  if (owners == metadata->end() || !owners->is_array()) return out;
  for (const auto& owner : *owners) {
    if (owner.is_object() && owner.contains("uid") && owner["uid"].is_string()) {
      out.insert(owner["uid"].get<std::string>());
    }
  }
  return out;
}

}  // namespace

std::optional<ObjectKey> KeyOf(const Json& object) {
  ObjectKey key{Field(object, "namespace"), Field(object, "name")};
  if (key.name.empty()) return std::nullopt;
  return key;
}

std::string UidOf(const Json& object) { return Field(object, "uid"); }
std::string ResourceVersionOf(const Json& object) { return Field(object, "resourceVersion"); }

ObjectPtr Store::Get(const ObjectKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  return it == objects_.end() ? nullptr : it->second;
}

std::vector<ObjectPtr> Store::List(const std::string& ns) const {
  const std::lock_guard lock(mutex_);
  std::vector<ObjectPtr> out;
  auto it = ns.empty() ? objects_.begin() : objects_.lower_bound({ns, ""});
  for (; it != objects_.end() && (ns.empty() || it->first.ns == ns); ++it)
    out.push_back(it->second);
  return out;
}

std::vector<ObjectPtr> Store::ByOwner(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  std::vector<ObjectPtr> out;
  const auto it = by_owner_.find(uid);
  if (it == by_owner_.end()) return out;
  for (const auto& key : it->second) out.push_back(objects_.at(key));
  return out;
}

std::size_t Store::size() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

void Store::Index(const ObjectKey& key, const Json& object, bool add) {
  for (const auto& uid : OwnersOf(object)) {
    if (add) {
      by_owner_[uid].insert(key);
      continue;
    }
    const auto it = by_owner_.find(uid);
    if (it == by_owner_.end()) continue;
    it->second.erase(key);
    if (it->second.empty()) by_owner_.erase(it);
  }
}

std::optional<Change> Store::PutLocked(const ObjectKey& key, ObjectPtr object) {
  ObjectPtr& slot = objects_[key];
  const ObjectPtr before = slot;
  if (before && UidOf(*before) == UidOf(*object) &&
      ResourceVersionOf(*before) == ResourceVersionOf(*object)) {
    return std::nullopt;
  }
  if (before) Index(key, *before, false);
  Index(key, *object, true);
  slot = object;
  return Change{before ? ChangeType::kModified : ChangeType::kAdded, key, before,
                std::move(object)};
}

std::optional<Change> Store::Put(const ObjectKey& key, ObjectPtr object) {
  const std::lock_guard lock(mutex_);
  return PutLocked(key, std::move(object));
}

std::optional<Change> Store::Erase(const ObjectKey& key, const ObjectPtr& last) {
  const std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  if (it == objects_.end()) return std::nullopt;
  const ObjectPtr before = it->second;
  Index(key, *before, false);
  objects_.erase(it);
  return Change{ChangeType::kDeleted, key, before, last ? last : before};
}

void Store::Shrink(const ObjectKey& key, ObjectPtr less) {
  const std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  if (it == objects_.end()) return;
  Index(key, *it->second, false);
  Index(key, *less, true);
  it->second = std::move(less);
}

std::vector<Change> Store::Replace(std::map<ObjectKey, ObjectPtr> objects) {
  const std::lock_guard lock(mutex_);
  std::vector<Change> changes;
  for (auto it = objects_.begin(); it != objects_.end();) {
    const auto next = objects.find(it->first);
    // The same name with another UID is another object: the first was deleted unseen.
    if (next != objects.end() && UidOf(*next->second) == UidOf(*it->second)) {
      ++it;
      continue;
    }
    Index(it->first, *it->second, false);
    changes.push_back({ChangeType::kDeleted, it->first, it->second, it->second});
    it = objects_.erase(it);
  }
  for (auto& [key, object] : objects) {
    if (auto change = PutLocked(key, std::move(object))) changes.push_back(*std::move(change));
  }
  return changes;
}

}  // namespace penstock::kube
