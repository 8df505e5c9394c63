// The API server's refusals, as MemoryCluster words them: the kind agrees with
// what ApiClient makes of a real server's answer.
#pragma once

#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"
#include "operator/local/apply_merge.h"

namespace penstock::local {

[[nodiscard]] Error NotFoundError(const kube::ResourceType& type, const std::string& name);
[[nodiscard]] Error AlreadyExistsError(const kube::ResourceType& type, const std::string& name);
[[nodiscard]] Error ConflictError(const kube::ResourceType& type, const std::string& name,
                                  const std::string& why);
[[nodiscard]] Error UnprocessableError(const kube::ResourceType& type, const std::string& name,
                                       const std::string& why);
[[nodiscard]] Error BadRequest(const std::string& why);
[[nodiscard]] Error ExpiredError(const std::string& why);

// kConflict when `next` names a resourceVersion or uid that is not the stored object's.
[[nodiscard]] Result<void> CheckPreconditions(const kube::ResourceType& type, const Json& stored,
                                              const Json& next);

// A field path for people: "spec.containers[{"name":"a"}].image".
[[nodiscard]] std::string FieldText(const FieldPath& path);

}  // namespace penstock::local
