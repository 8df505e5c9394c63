// Objects of one kind as last seen: an informer's cache.
//
// Objects are immutable snapshots, indexed by namespace and name and by the UIDs of their owners.
// Thread-safe: one mutex, held for no callback; a snapshot stays valid for as long as it is held.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/base/json_fwd.h"

namespace penstock::kube {

using ObjectPtr = std::shared_ptr<const Json>;

struct ObjectKey {
  std::string ns;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
  // "ns/name", or "name" of a cluster-scoped object.
  [[nodiscard]] std::string Text() const { return ns.empty() ? name : ns + "/" + name; }
};

// The key of an object; nothing when it has no usable metadata.
[[nodiscard]] std::optional<ObjectKey> KeyOf(const Json& object);

// Fields of metadata; "" when they are absent or of another type.
[[nodiscard]] std::string UidOf(const Json& object);
[[nodiscard]] std::string ResourceVersionOf(const Json& object);

enum class ChangeType : std::uint8_t { kAdded, kModified, kDeleted };

struct Change {
  ChangeType type = ChangeType::kAdded;
  ObjectKey key;
  ObjectPtr before;  // null for kAdded
  ObjectPtr after;   // of kDeleted the last state that was seen
};

class Store {
 public:
  [[nodiscard]] ObjectPtr Get(const ObjectKey& key) const;  // null when absent
  // All, or those of a namespace, in the order of their keys.
  [[nodiscard]] std::vector<ObjectPtr> List(const std::string& ns = "") const;
  // Those that name this UID in an owner reference.
  [[nodiscard]] std::vector<ObjectPtr> ByOwner(const std::string& uid) const;
  [[nodiscard]] std::size_t size() const;

  // Each gives the change to tell, or nothing when the stored version is the same.
  std::optional<Change> Put(const ObjectKey& key, ObjectPtr object);
  std::optional<Change> Erase(const ObjectKey& key, const ObjectPtr& last);
  // Holds `less` in the place of the object that it was made of.
  void Shrink(const ObjectKey& key, ObjectPtr less);
  // In one step: the store then holds exactly `objects`. Deletions come first.
  std::vector<Change> Replace(std::map<ObjectKey, ObjectPtr> objects);

 private:
  void Index(const ObjectKey& key, const Json& object, bool add);
  std::optional<Change> PutLocked(const ObjectKey& key, ObjectPtr object);

  mutable std::mutex mutex_;
  std::map<ObjectKey, ObjectPtr> objects_;
  std::map<std::string, std::set<ObjectKey>> by_owner_;
};

}  // namespace penstock::kube
