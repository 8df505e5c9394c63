#include "operator/base/error.h"

#include <utility>

namespace penstock {

const char* Name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kTransient:
      return "Transient";
    case ErrorKind::kOverloaded:
      return "Overloaded";
    case ErrorKind::kQuota:
      return "Quota";
    case ErrorKind::kNoSpace:
      return "NoSpace";
    case ErrorKind::kDeadline:
      return "Deadline";
    case ErrorKind::kConflict:
      return "Conflict";
    case ErrorKind::kExpired:
      return "Expired";
    case ErrorKind::kAlreadyExists:
      return "AlreadyExists";
    case ErrorKind::kNotFound:
      return "NotFound";
    case ErrorKind::kInvalid:
      return "Invalid";
    case ErrorKind::kTooLarge:
      return "TooLarge";
    case ErrorKind::kUnsupported:
      return "Unsupported";
    case ErrorKind::kForbidden:
      return "Forbidden";
    case ErrorKind::kUntrusted:
      return "Untrusted";
    case ErrorKind::kDamaged:
      return "Damaged";
    case ErrorKind::kCancelled:
      return "Cancelled";
    case ErrorKind::kGone:
      return "Gone";
    case ErrorKind::kInternal:
      return "Internal";
  }
  return "Unknown";
}

bool PassesByItself(ErrorKind kind) { return kind <= ErrorKind::kDeadline; }

namespace {
Error Make(ErrorKind kind, std::string message) {
  Error e;
  e.kind = kind;
  e.message = std::move(message);
  return e;
}
}  // namespace

Error Wrap(const std::string& context, Error error) {
  error.message = context + ": " + error.message;
  return error;
}
Error Transient(std::string message) { return Make(ErrorKind::kTransient, std::move(message)); }
Error NotFound(std::string message) { return Make(ErrorKind::kNotFound, std::move(message)); }
Error Invalid(std::string message) { return Make(ErrorKind::kInvalid, std::move(message)); }
Error Cancelled(std::string message) { return Make(ErrorKind::kCancelled, std::move(message)); }
Error Internal(std::string message) { return Make(ErrorKind::kInternal, std::move(message)); }

}  // namespace penstock
