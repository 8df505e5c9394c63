#include "operator/plan/attempt/refusal_reason.h"

#include <string_view>

namespace penstock::plan {

bool IsRefusal(ErrorKind why) {
  return why != ErrorKind::kCancelled && why != ErrorKind::kGone && why != ErrorKind::kConflict &&
         why != ErrorKind::kExpired;
}

const char* RefusalReason(ErrorKind why) {
  switch (why) {
    case ErrorKind::kQuota:
      return "QuotaExceeded";
    case ErrorKind::kWebhook:
      return "WebhookFailed";
    case ErrorKind::kForbidden:
      return "Forbidden";
    case ErrorKind::kInvalid:
    case ErrorKind::kTooLarge:
      return "Invalid";
    case ErrorKind::kAlreadyExists:
      return "NameTaken";
    case ErrorKind::kNotFound:
      return "NotFound";
    default:
      return kApiServerError;
  }
}

bool IsApiServersTrouble(ErrorKind why) {
  return std::string_view(RefusalReason(why)) == kApiServerError;
}

}  // namespace penstock::plan
