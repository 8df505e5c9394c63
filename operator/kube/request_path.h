// Paths and queries of the Kubernetes API. Pure.
#pragma once

#include <string>

#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace penstock::kube {

// "/apis/apps/v1/namespaces/x/deployments/web/status". `name` and `subresource` may be empty; a
// name that is not one path segment ("..", "a/b") is Invalid and never sent.
[[nodiscard]] Result<std::string> ResourcePath(const ResourceType& type, const std::string& ns,
                                               const std::string& name,
                                               const std::string& subresource);

// "?limit=500&labelSelector=..."; empty values are left out.
[[nodiscard]] std::string ListQuery(const ListOptions& options);
[[nodiscard]] std::string WatchQuery(const WatchOptions& options);
[[nodiscard]] std::string LogQuery(const LogOptions& options);
[[nodiscard]] std::string ApplyQuery(const PatchOptions& options);
[[nodiscard]] std::string FieldManagerQuery(const std::string& manager);

// What the server is asked to end a watch after. Its bookmarks come only each minute, so its own
// end of the watch, 10 s before `idle_timeout`, is the sign of life that a quiet watch has.
[[nodiscard]] std::chrono::seconds WatchTimeout(const WatchOptions& options);

}  // namespace penstock::kube
