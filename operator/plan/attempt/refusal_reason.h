// What a refusal is, and one word for it, as it stands in reasons of steps and conditions: the same
// for what a Pipeline, a PipelineRun or a ModelDeployment asks of the API server. Pure.
#pragma once

#include <string>

#include "operator/base/error.h"

namespace penstock::plan {

// The API server's own trouble (it is away, or too much is asked of it), which says nothing of what
// it was asked: nothing but the end of that trouble ends the wait.
inline constexpr const char* kApiServerError = "ApiServerError";

// True of all that a user must hear of and that is tried again with pauses. False of what says that
// we are to write nothing any more (kCancelled, kGone), or that somebody was quicker (kConflict,
// kExpired): that is read anew and tried again at once.
[[nodiscard]] bool IsRefusal(ErrorKind why);

// QuotaExceeded, WebhookFailed, Forbidden, Invalid, NameTaken, NotFound; else ApiServerError.
[[nodiscard]] const char* RefusalReason(ErrorKind why);

// The reason is ApiServerError.
[[nodiscard]] bool IsApiServersTrouble(ErrorKind why);

}  // namespace penstock::plan
