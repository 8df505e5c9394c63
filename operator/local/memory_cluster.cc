#include "operator/local/memory_cluster.h"

#include <algorithm>
#include <random>

#include "operator/base/json.h"
#include "operator/local/memory_errors.h"
#include "operator/local/object_rules.h"

namespace penstock::local {
namespace {

constexpr std::uint64_t kFirstRevision = 1000;

// Lower-case letters and digits that cannot spell words, as the API server picks them.
std::string RandomText(std::string_view alphabet, std::size_t length) {
  static thread_local std::mt19937_64 generator{std::random_device{}()};
  std::uniform_int_distribution<std::size_t> pick(0, alphabet.size() - 1);
  std::string out;
  for (std::size_t i = 0; i < length; ++i) out += alphabet[pick(generator)];
  return out;
}

std::string NewUid() {
  std::string hex = RandomText("0123456789abcdef", 32);
  hex[12] = '4';
  hex[16] = "89ab"[hex[16] % 4];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

Json InitialStatus(const kube::ResourceType& type) {
  if (type.group.empty() && type.plural == "pods") return {{"phase", "Pending"}};
  if (type.group.empty() && type.plural == "namespaces") return {{"phase", "Active"}};
  return nullptr;
}

}  // namespace

MemoryCluster::MemoryCluster(const Clock& clock, Options options)
    : clock_(clock), options_(options), revision_(kFirstRevision), compacted_(kFirstRevision) {}

Result<void> MemoryCluster::Enter(const Request& request, const std::stop_token& stop) const {
  if (stop.stop_requested()) return Cancelled(std::string(request.verb) + " was stopped");
  std::shared_ptr<const Interceptor> interceptor;
  {
    const std::lock_guard lock(interceptor_mutex_);
    interceptor = interceptor_;
  }
  if (interceptor) {
    if (auto error = (*interceptor)(request)) return *std::move(error);
  }
  return {};
}

MemoryCluster::Kind& MemoryCluster::KindOf(const kube::ResourceType& type) {
  auto& slot = kinds_[{std::string(type.group), std::string(type.plural)}];
  if (!slot) {
    slot = std::make_unique<Kind>();
    slot->names = {std::string(type.group), std::string(type.version), std::string(type.plural),
                   std::string(type.kind)};
    slot->type = {slot->names[0], slot->names[1], slot->names[2], slot->names[3], type.namespaced};
  }
  return *slot;
}

Result<Json> MemoryCluster::Get(const kube::ResourceType& type, const std::string& ns,
                                const std::string& name, const kube::Call& call) {
  if (auto in = Enter({"get", type, ns, name, ""}, call.stop); !in) return in.error();
  Object found;
  {
    std::lock_guard lock(mutex_);
    const auto& objects = KindOf(type).objects;
    const auto it = objects.find({type.namespaced ? ns : "", name});
    if (it == objects.end()) return NotFoundError(type, name);
    found = it->second.object;
  }
  return *found;
}

Result<Json> MemoryCluster::Create(const kube::ResourceType& type, const std::string& ns,
                                   const Json& object, const kube::Call& call) {
  std::string name;
  if (object.is_object() && object.contains("metadata"))
    name = object["metadata"].value("name", "");
  if (auto in = Enter({"create", type, ns, name, ""}, call.stop); !in) return in.error();
  std::lock_guard lock(mutex_);
  return CreateLocked(KindOf(type), type.namespaced ? ns : "", object, {"penstock", "Update", ""});
}

Result<Json> MemoryCluster::CreateLocked(Kind& kind, const std::string& ns, Json object,
                                         const Manager& manager) {
  const kube::ResourceType& type = kind.type;
  if (auto filled = FillIdentity(type, ns, object); !filled) return filled.error();
  Json& metadata = object["metadata"];
  if (!metadata.value("resourceVersion", "").empty()) {
    return BadRequest("resourceVersion should not be set on objects to be created");
  }
  std::string name = metadata.value("name", "");
  if (name.empty() && !metadata.value("generateName", "").empty()) {
    // The API server's own bound: 58 and 5 random letters make a label's 63.
    name = metadata.value("generateName", "").substr(0, 58) +
           RandomText("bcdfghjklmnpqrstvwxz2456789", 5);
    metadata["name"] = name;
  }
  if (name.empty()) return UnprocessableError(type, name, "name or generateName is required");
  if (auto good = CheckName(type, name); !good) return good.error();
  const Key key{ns, name};
  if (kind.objects.contains(key)) return AlreadyExistsError(type, name);
  for (const char* system : {"resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds",
                             "generation", "selfLink"}) {
    metadata.erase(system);
  }
  DropEmptyMetadata(metadata);
  metadata["uid"] = NewUid();
  metadata["creationTimestamp"] = FormatTime(clock_.Now());
  if (CountsGenerations(type)) metadata["generation"] = 1;
  if (HasStatusSubresource(type)) {
    object.erase("status");
    if (Json status = InitialStatus(type); !status.is_null()) object["status"] = std::move(status);
  }
  Stored& stored = kind.objects[key];
  stored.managers[manager] = Leaves(ListSchema(type.group), Ownable(type, object, ""));
  Record(kind, key, std::move(object));
  return *stored.object;
}

void MemoryCluster::Restore(const kube::ResourceType& type, const Json& object) {
  const std::lock_guard lock(mutex_);
  Kind& kind = KindOf(type);
  const Key key{object.at("metadata").value("namespace", ""), object.at("metadata").at("name")};
  kind.objects[key].managers[{"penstock", "Apply", ""}] =
      Leaves(ListSchema(type.group), Ownable(type, object, ""));
  Record(kind, key, object);
}

Result<Json> MemoryCluster::Update(const kube::ResourceType& type, const std::string& ns,
                                   const std::string& name, const Json& object,
                                   const std::string& subresource, const kube::Call& call) {
  if (auto in = Enter({"update", type, ns, name, subresource}, call.stop); !in) return in.error();
  std::lock_guard lock(mutex_);
  Json next = object;
  if (auto filled = FillIdentity(type, ns, next); !filled) return filled.error();
  if (next["metadata"].value("name", name) != name) {
    return BadRequest("the name of the object (" + next["metadata"].value("name", "") +
                      ") is not that of the request (" + name + ")");
  }
  return Replace(KindOf(type), {type.namespaced ? ns : "", name}, std::move(next),
                 {"penstock", "Update", subresource});
}

Result<Json> MemoryCluster::MergePatch(const kube::ResourceType& type, const std::string& ns,
                                       const std::string& name, const Json& patch,
                                       const kube::PatchOptions& options, const kube::Call& call) {
  if (auto in = Enter({"patch", type, ns, name, options.subresource}, call.stop); !in) {
    return in.error();
  }
  std::lock_guard lock(mutex_);
  Kind& kind = KindOf(type);
  const Key key{type.namespaced ? ns : "", name};
  const auto it = kind.objects.find(key);
  if (it == kind.objects.end()) return NotFoundError(type, name);
  Json next = *it->second.object;
  next.merge_patch(patch);
  if (auto filled = FillIdentity(type, ns, next); !filled) return filled.error();
  return Replace(kind, key, std::move(next),
                 {options.field_manager, "Update", options.subresource});
}

Result<Json> MemoryCluster::Replace(Kind& kind, const Key& key, Json next, const Manager& manager) {
  const auto it = kind.objects.find(key);
  if (it == kind.objects.end()) return NotFoundError(kind.type, key.second);
  const Object before = it->second.object;
  const std::string& subresource = manager.subresource;
  if (auto same = CheckPreconditions(kind.type, *before, next); !same) return same.error();
  next = PrepareUpdate(kind.type, *before, std::move(next), subresource);
  if (auto allowed = CheckUpdate(kind.type, *before, next); !allowed) return allowed.error();

  // What a plain write changed or dropped is no longer its former managers': a later apply would
  // otherwise meet a conflict with somebody who has long been overwritten.
  const ListSchema schema(kind.type.group);
  const Json after_fields = Ownable(kind.type, next, subresource);
  const FieldSet changed =
      ChangedLeaves(schema, Ownable(kind.type, *before, subresource), after_fields);
  const FieldSet present = Leaves(schema, after_fields);
  for (auto& [who, fields] : it->second.managers) {
    if (who.subresource != subresource) continue;
    std::erase_if(fields,
                  [&](const FieldPath& p) { return changed.contains(p) || !present.contains(p); });
  }
  it->second.managers[manager].insert(changed.begin(), changed.end());
  return Commit(kind, key, std::move(next));
}

Json MemoryCluster::Commit(Kind& kind, const Key& key, Json next) {
  const Object before = kind.objects.at(key).object;
  next["metadata"]["resourceVersion"] = (*before)["metadata"]["resourceVersion"];
  // As in the API server, a write that changes nothing makes no version and no event: a controller
  // that writes what it sees would else wake itself for ever.
  if (next == *before) return next;
  Record(kind, key, next);
  Json result = *kind.objects.at(key).object;
  const Json& metadata = result["metadata"];
  // Its deletion waited for the last finalizer alone.
  if (metadata.contains("deletionTimestamp") && !metadata.contains("finalizers") &&
      metadata.value("deletionGracePeriodSeconds", 0) == 0) {
    Remove(kind, key);
  }
  return result;
}

void MemoryCluster::Record(Kind& kind, const Key& key, std::optional<Json> after) {
  Stored& stored = kind.objects.at(key);
  Event event{++revision_, stored.object, nullptr};
  if (after) {
    (*after)["metadata"]["resourceVersion"] = std::to_string(revision_);
    event.after = std::make_shared<const Json>(*std::move(after));
  } else {
    Json last = *stored.object;
    last["metadata"]["resourceVersion"] = std::to_string(revision_);
    event.before = std::make_shared<const Json>(std::move(last));
  }
  if (stored.object) Index(kind, key, *stored.object, false);
  if (event.after) Index(kind, key, *event.after, true);
  stored.object = event.after;
  if (!event.after) kind.objects.erase(key);
  kind.history.push_back(std::move(event));
  while (kind.history.size() > options_.history) {
    kind.trimmed = kind.history.front().revision;
    kind.history.pop_front();
  }
  changed_.notify_all();
}

}  // namespace penstock::local
