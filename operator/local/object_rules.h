// What the API server does to a single object when it is written: identity, status subresource,
// generation, immutable fields. Pure; MemoryCluster puts it together.
#pragma once

#include <optional>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace penstock::local {

// True for kinds whose main path ignores status and whose status path ignores the rest.
[[nodiscard]] bool HasStatusSubresource(const kube::ResourceType& type);

// True for kinds whose metadata.generation counts changes of what is neither metadata nor status.
[[nodiscard]] bool CountsGenerations(const kube::ResourceType& type);

// DNS-1123 subdomain (a label for namespaces), at most 253 characters.
[[nodiscard]] Result<void> CheckName(const kube::ResourceType& type, const std::string& name);

// Fills apiVersion, kind and metadata.namespace; a different value that stands there is Invalid.
[[nodiscard]] Result<void> FillIdentity(const kube::ResourceType& type, const std::string& ns,
                                        Json& object);

// Metadata's empty maps and lists are not stored.
void DropEmptyMetadata(Json& metadata);

// Invalid when an immutable field changed: data of an immutable ConfigMap or of a
// ControllerRevision, a pod's spec but for what the API server lets change, or a finalizer added
// to an object that is being deleted.
[[nodiscard]] Result<void> CheckUpdate(const kube::ResourceType& type, const Json& before,
                                       const Json& after);

// The object to store when `next` is written over `before` through `subresource`: system fields
// kept, the part that the path ignores kept, generation bumped. resourceVersion is left alone.
[[nodiscard]] Json PrepareUpdate(const kube::ResourceType& type, const Json& before, Json next,
                                 const std::string& subresource);

// Seconds that a deleted pod gets; 0 when it goes at once (other kinds, unscheduled, finished).
[[nodiscard]] int GraceSeconds(const kube::ResourceType& type, const Json& object,
                               std::optional<int> asked);

// Invalid, in the server's words, when a field selector names a field the kind does not support.
[[nodiscard]] Result<void> CheckFieldSelector(const kube::ResourceType& type,
                                              const std::string& field);

// The part of an object whose fields managers own through a path: its own, or that of a
// subresource.
[[nodiscard]] Json Ownable(const kube::ResourceType& type, Json object,
                           const std::string& subresource);

}  // namespace penstock::local
