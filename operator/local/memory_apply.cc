// Server-side apply of the memory cluster.
#include "operator/base/json.h"
#include "operator/local/memory_cluster.h"
#include "operator/local/memory_errors.h"
#include "operator/local/object_rules.h"

namespace penstock::local {

Result<Json> MemoryCluster::Apply(const kube::ResourceType& type, const std::string& ns,
                                  const std::string& name, const Json& object,
                                  const kube::PatchOptions& options, const kube::Call& call) {
  if (auto in = Enter({"apply", type, ns, name, options.subresource}, call.stop); !in) {
    return in.error();
  }
  if (options.field_manager.empty()) return BadRequest("fieldManager is required for apply patch");
  Json config = object;
  if (!config.is_object() || !config.contains("apiVersion") || !config.contains("kind")) {
    return BadRequest("an applied object needs apiVersion and kind");
  }
  if (auto filled = FillIdentity(type, ns, config); !filled) return filled.error();
  if (config["metadata"].value("name", name) != name) {
    return BadRequest("metadata.name of the applied object is not the name of the request");
  }
  config["metadata"]["name"] = name;
  std::lock_guard lock(mutex_);
  return ApplyLocked(KindOf(type), {type.namespaced ? ns : "", name}, std::move(config), options);
}

Result<Json> MemoryCluster::ApplyLocked(Kind& kind, const Key& key, Json config,
                                        const kube::PatchOptions& options) {
  const auto it = kind.objects.find(key);
  if (it != kind.objects.end()) {
    if (auto same = CheckPreconditions(kind.type, *it->second.object, config); !same) {
      return same.error();
    }
    return ApplyTo(kind, key, std::move(config), options);
  }
  if (!options.subresource.empty()) return NotFoundError(kind.type, key.second);
  if (!config["metadata"].value("uid", "").empty() ||
      !config["metadata"].value("resourceVersion", "").empty()) {
    return ConflictError(kind.type, key.second,
                         "uid or resourceVersion was given, but the object does not exist");
  }
  return CreateLocked(kind, key.first, std::move(config), {options.field_manager, "Apply", ""});
}

Result<Json> MemoryCluster::ApplyTo(Kind& kind, const Key& key, Json config,
                                    const kube::PatchOptions& options) {
  Stored& stored = kind.objects.at(key);
  const ListSchema schema(kind.type.group);
  const Manager me{options.field_manager, "Apply", options.subresource};
  config = Ownable(kind.type, std::move(config), options.subresource);
  const Json before = *stored.object;
  const FieldSet owned = Leaves(schema, config);
  const FieldSet changed =
      ChangedLeaves(schema, Ownable(kind.type, before, options.subresource), config);

  // What this manager applied before and leaves out now goes, unless another owns it too.
  FieldSet gone = stored.managers[me];
  std::erase_if(gone, [&](const FieldPath& p) { return owned.contains(p); });
  for (const auto& [who, fields] : stored.managers) {
    if (who == me || who.subresource != options.subresource) continue;
    std::erase_if(gone, [&fields = fields](const FieldPath& p) { return fields.contains(p); });
    for (const auto& path : changed) {
      if (options.force || !fields.contains(path)) continue;
      return ConflictError(
          kind.type, key.second,
          "Apply failed: conflict with \"" + who.name + "\" over ." + FieldText(path));
    }
  }
  Json next = before;
  RemoveLeaves(schema, next, gone);
  MergeInto(schema, next, config);
  next = PrepareUpdate(kind.type, before, std::move(next), options.subresource);
  if (auto allowed = CheckUpdate(kind.type, before, next); !allowed) return allowed.error();
  for (auto& [who, fields] : stored.managers) {
    if (who == me || who.subresource != options.subresource) continue;
    std::erase_if(fields, [&](const FieldPath& p) { return changed.contains(p); });
  }
  stored.managers[me] = owned;
  return Commit(kind, key, std::move(next));
}

}  // namespace penstock::local
