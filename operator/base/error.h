// Error: what went wrong, folded into the few kinds that callers act on.
//
// Kinds are assigned once, at the edge where the failure is seen (the HTTP transport, the file
// system, a decoder). One function, runtime's OnError, turns a kind into retry, back-off, requeue
// or a terminal condition. A value type.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace penstock {

enum class ErrorKind : std::uint8_t {
  // What goes away by itself: tried again with back-off.
  kTransient,   // network, 429, 5xx
  kOverloaded,  // too much at once for the one who was asked
  kQuota,       // a quota of the namespace is used up
  kWebhook,     // an admission webhook that the API server asks does not answer
  kNoSpace,     // the disk is full
  kDeadline,    // the time that the caller gave has passed (the last that PassesByItself)
  // What is tried again at once, after reading anew.
  kConflict,  // the object changed under us
  kExpired,   // 410: a resourceVersion or continue token is too old; list again
  // What stays as it is until somebody changes it.
  kAlreadyExists,  // a create met an object of that name
  kNotFound,
  kInvalid,      // the input is wrong
  kTooLarge,     // over a limit of size
  kUnsupported,  // a form that is not spoken: media type, encoding, method
  kForbidden,    // 401 and 403: no right to do this now
  kUntrusted,    // the other side's certificate is signed by nobody whom we trust
  kDamaged,      // bytes are not those that their digest names
  // What nobody waits for any more.
  kCancelled,  // the stop token was used, or the deadline of the caller passed on purpose
  kGone,       // whoever asked has gone
  kInternal,   // a bug, or an answer that makes no sense
};

// The kind's name as it stands in logs and metrics: "Transient", "Conflict", ...
[[nodiscard]] const char* Name(ErrorKind kind);

// kTransient, kOverloaded, kQuota, kWebhook, kNoSpace, kDeadline: worth another try, unchanged,
// after a pause.
[[nodiscard]] bool PassesByItself(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;  // one sentence: what failed, where, and what to do if that is known
  std::optional<std::chrono::milliseconds> retry_after = {};  // the server's Retry-After
};

// "context: message", the rest kept.
[[nodiscard]] Error Wrap(const std::string& context, Error error);

[[nodiscard]] Error Transient(std::string message);
[[nodiscard]] Error NotFound(std::string message);
[[nodiscard]] Error Invalid(std::string message);
[[nodiscard]] Error Cancelled(std::string message);
[[nodiscard]] Error Internal(std::string message);

}  // namespace penstock
