// Writes an object's status subresource. One place for what every kind does alike.
#pragma once

#include <string>

#include "operator/api/meta.h"
#include "operator/base/json_fwd.h"
#include "operator/controllers/context.h"

namespace penstock::controllers {

// Replaces the status with resourceVersion as the precondition, and gives the new object. After a
// conflict `newest` is called with the live object, so that the next try does not meet it again.
[[nodiscard]] Result<Json> UpdateStatus(const Context& context, const kube::ResourceType& type,
                                        const api::ObjectMeta& meta, Json spec, Json status,
                                        const std::function<void(const Json&)>& newest);

void SendEvents(const Context& context, const kube::ResourceType& type, const api::ObjectMeta& meta,
                const std::vector<plan::RunEvent>& events);

}  // namespace penstock::controllers
