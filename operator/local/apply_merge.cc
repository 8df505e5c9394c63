#include "operator/local/apply_merge.h"

#include <algorithm>
#include <functional>
#include <map>

#include "operator/base/json.h"

namespace penstock::local {
namespace {

using Kind = ListSchema::Kind;
using Shape = ListSchema::Shape;

bool AllObjectsWith(const Json& list, const std::string& key) {
  return !list.empty() && std::all_of(list.begin(), list.end(), [&](const Json& item) {
    return item.is_object() && item.contains(key) && item[key].is_string();
  });
}

// The key of an item, with the default that Kubernetes gives to a port's protocol.
std::string KeySegment(const Shape& shape, const Json& item) {
  if (shape.kind == Kind::kSet) return "v:" + item.dump();
  Json key = Json::object();
  for (const auto& k : shape.keys) {
    if (item.is_object() && item.contains(k)) {
      key[k] = item[k];
    } else if (k == "protocol") {
      key[k] = "TCP";
    }
  }
  return "k:" + key.dump();
}

Json* FindItem(const Shape& shape, Json& list, const std::string& segment) {
  for (auto& item : list) {
    if (KeySegment(shape, item) == segment) return &item;
  }
  return nullptr;
}

using LeafVisitor = std::function<void(const FieldPath&, const Json&)>;

void Visit(const ListSchema& schema, std::string_view owner, std::string_view field,
           const Json& value, FieldPath& path, const LeafVisitor& visit) {
  if (value.is_null()) return;
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, item] : value.items()) {
      path.push_back("f:" + key);
      Visit(schema, field, key, item, path, visit);
      path.pop_back();
    }
    return;
  }
  if (value.is_array()) {
    const Shape shape = schema.Of(owner, field, value);
    if (shape.kind != Kind::kAtomic && !value.empty()) {
      for (const auto& item : value) {
        path.push_back(KeySegment(shape, item));
        if (shape.kind == Kind::kSet) {
          visit(path, item);
        } else {
          Visit(schema, owner, field, item, path, visit);
        }
        path.pop_back();
      }
      return;
    }
  }
  visit(path, value);
}

void Merge(const ListSchema& schema, std::string_view owner, std::string_view field, Json& live,
           const Json& config) {
  if (config.is_object() && live.is_object()) {
    for (const auto& [key, value] : config.items()) {
      if (value.is_null()) continue;
      if (live.contains(key)) {
        Merge(schema, field, key, live[key], value);
      } else {
        live[key] = value;
      }
    }
    return;
  }
  if (config.is_array() && live.is_array() && !config.empty()) {
    const Shape shape = schema.Of(owner, field, config);
    if (shape.kind != Kind::kAtomic) {
      for (const auto& item : config) {
        Json* found = FindItem(shape, live, KeySegment(shape, item));
        if (found == nullptr) {
          live.push_back(item);
        } else if (shape.kind == Kind::kMap) {
          Merge(schema, owner, field, *found, item);
        }
      }
      return;
    }
  }
  live = config;
}

bool IsEmpty(const Json& value) {
  return value.is_null() || (value.is_structured() && value.empty());
}

// An item that has nothing but its keys left goes with its last field.
bool OnlyKeys(const Shape& shape, const Json& item) {
  return item.is_object() && std::all_of(item.items().begin(), item.items().end(), [&](auto& kv) {
           return std::find(shape.keys.begin(), shape.keys.end(), kv.key()) != shape.keys.end();
         });
}

void Remove(const ListSchema& schema, std::string_view owner, std::string_view field, Json& value,
            const FieldPath& path, std::size_t at);

void RemoveItem(const ListSchema& schema, std::string_view owner, std::string_view field,
                Json& list, const FieldPath& path, std::size_t at) {
  const Shape shape = schema.Of(owner, field, list);
  for (auto it = list.begin(); it != list.end(); ++it) {
    if (KeySegment(shape, *it) != path[at]) continue;
    if (at + 1 == path.size()) {
      list.erase(it);
      return;
    }
    const std::string leaf = path.back().substr(2);
    const bool is_key = at + 2 == path.size() &&
                        std::find(shape.keys.begin(), shape.keys.end(), leaf) != shape.keys.end();
    if (!is_key) Remove(schema, owner, field, *it, path, at + 1);
    if (OnlyKeys(shape, *it)) list.erase(it);
    return;
  }
}

void Remove(const ListSchema& schema, std::string_view owner, std::string_view field, Json& value,
            const FieldPath& path, std::size_t at) {
  if (path[at].front() != 'f') {
    if (value.is_array()) RemoveItem(schema, owner, field, value, path, at);
    return;
  }
  const std::string key = path[at].substr(2);
  if (!value.is_object() || !value.contains(key)) return;
  if (at + 1 == path.size()) {
    value.erase(key);
    return;
  }
  Remove(schema, field, key, value[key], path, at + 1);
  if (IsEmpty(value[key])) value.erase(key);
}

}  // namespace

Shape ListSchema::Of(std::string_view owner, std::string_view field, const Json& list) const {
  static const std::map<std::string_view, std::vector<std::string>> kMapLists = {
      {"containers", {"name"}},
      {"initContainers", {"name"}},
      {"ephemeralContainers", {"name"}},
      {"env", {"name"}},
      {"volumes", {"name"}},
      {"volumeMounts", {"mountPath"}},
      {"volumeDevices", {"devicePath"}},
      {"imagePullSecrets", {"name"}},
      {"hostAliases", {"ip"}},
      {"conditions", {"type"}},
      {"ownerReferences", {"uid"}},
      {"schedulingGates", {"name"}},
  };
  if (field == "finalizers" && owner == "metadata") return {Kind::kSet, {}};
  if (field == "ports" && owner == "containers") return {Kind::kMap, {"containerPort", "protocol"}};
  if (field == "ports" && owner == "spec" && !custom_) return {Kind::kMap, {"port", "protocol"}};
  if (const auto it = kMapLists.find(field); it != kMapLists.end()) return {Kind::kMap, it->second};
  if (custom_ && AllObjectsWith(list, "name")) return {Kind::kMap, {"name"}};
  return {};
}

FieldSet Leaves(const ListSchema& schema, const Json& object) {
  FieldSet out;
  FieldPath path;
  Visit(schema, "", "", object, path, [&](const FieldPath& p, const Json&) { out.insert(p); });
  return out;
}

FieldSet ChangedLeaves(const ListSchema& schema, const Json& before, const Json& after) {
  std::map<FieldPath, const Json*> old;
  FieldPath path;
  Visit(schema, "", "", before, path, [&](const FieldPath& p, const Json& v) { old[p] = &v; });
  FieldSet out;
  Visit(schema, "", "", after, path, [&](const FieldPath& p, const Json& v) {
    const auto it = old.find(p);
    if (it == old.end() || *it->second != v) out.insert(p);
  });
  return out;
}

void MergeInto(const ListSchema& schema, Json& live, const Json& config) {
  Merge(schema, "", "", live, config);
}

void RemoveLeaves(const ListSchema& schema, Json& live, const FieldSet& leaves) {
  for (const auto& path : leaves) {
    if (!path.empty()) Remove(schema, "", "", live, path, 0);
  }
}

}  // namespace penstock::local
