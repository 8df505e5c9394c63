#include "operator/base/error.h"

#include <utility>

namespace penstock {

const char* Name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kTransient:
      return "Transient";
    case ErrorKind::kConflict:
      return "Conflict";
    case ErrorKind::kAlreadyExists:
      return "AlreadyExists";
    case ErrorKind::kNotFound:
      return "NotFound";
    case ErrorKind::kExpired:
      return "Expired";
    case ErrorKind::kInvalid:
      return "Invalid";
    case ErrorKind::kForbidden:
      return "Forbidden";
    case ErrorKind::kCancelled:
      return "Cancelled";
    case ErrorKind::kInternal:
      return "Internal";
  }
  return "Unknown";
}

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
