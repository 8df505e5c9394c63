#include "operator/base/error.h"

#include <array>
#include <utility>

namespace penstock {

const char* Name(ErrorKind kind) {
  // In the order of the enumeration.
  static constexpr std::array<const char*, 19> kNames = {
      "Transient", "Overloaded",    "Quota",     "Webhook", "NoSpace",  "Deadline",    "Conflict",
      "Expired",   "AlreadyExists", "NotFound",  "Invalid", "TooLarge", "Unsupported", "Forbidden",
      "Untrusted", "Damaged",       "Cancelled", "Gone",    "Internal"};
  static_assert(kNames.size() == static_cast<std::size_t>(ErrorKind::kInternal) + 1);
  return kNames[static_cast<std::size_t>(kind)];
}

bool PassesByItself(ErrorKind kind) { return kind <= ErrorKind::kDeadline; }

Error Wrap(const std::string& context, Error error) {
  error.message = context + ": " + error.message;
  return error;
}
Error Transient(std::string message) { return {ErrorKind::kTransient, std::move(message)}; }
Error NotFound(std::string message) { return {ErrorKind::kNotFound, std::move(message)}; }
Error Invalid(std::string message) { return {ErrorKind::kInvalid, std::move(message)}; }
Error Cancelled(std::string message) { return {ErrorKind::kCancelled, std::move(message)}; }
Error Internal(std::string message) { return {ErrorKind::kInternal, std::move(message)}; }

}  // namespace penstock
