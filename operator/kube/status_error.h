// The one place where the API server's answers become an ErrorKind. Pure.
#pragma once

#include <string>
#include <string_view>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::kube {

// An error answer: its HTTP status, its body (a metav1.Status, or whatever a proxy wrote) and its
// Retry-After header ("" = none; seconds). `what` names the call in the message.
//
// 404 kNotFound; 409 kAlreadyExists by reason, kTransient of a race for a quota, otherwise
// kConflict; 410 kExpired; 401 and 403 kForbidden, but kQuota where a quota is used up; 429
// kOverloaded; 408, 425 and 5xx kTransient, but kWebhook where an admission webhook could not be
// asked, and kForbidden where one refused, with whatever status; other 4xx kInvalid; anything else
// kInternal.
[[nodiscard]] Error ErrorFromAnswer(const std::string& what, int http_status,
                                    const std::string& body, std::string_view retry_after);

// The same for a Status object inside a watch stream; its `code` is the HTTP status.
[[nodiscard]] Error ErrorFromStatus(const std::string& what, const Json& status);

}  // namespace penstock::kube
