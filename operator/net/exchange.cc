#include "operator/net/exchange.h"

#include "operator/base/json.h"

namespace penstock::net {

int StatusOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kTransient:
    case ErrorKind::kOverloaded:
    case ErrorKind::kQuota:
    case ErrorKind::kWebhook:
    case ErrorKind::kCancelled:
    case ErrorKind::kGone:
      return 503;
    case ErrorKind::kNoSpace:
      return 507;
    case ErrorKind::kDeadline:
      return 504;
    case ErrorKind::kTooLarge:
      return 413;
    case ErrorKind::kUnsupported:
      return 415;
    case ErrorKind::kDamaged:
      return 422;
    case ErrorKind::kUntrusted:
      return 502;
    case ErrorKind::kConflict:
    case ErrorKind::kAlreadyExists:
      return 409;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kExpired:
      return 410;
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kForbidden:
      return 403;
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

ErrorKind KindOf(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorKind::kForbidden;
    case 404:
      return ErrorKind::kNotFound;
    case 408:
      return ErrorKind::kTransient;
    case 413:
      return ErrorKind::kTooLarge;
    case 429:
    case 503:
      return ErrorKind::kOverloaded;
    case 507:
      return ErrorKind::kNoSpace;
    default:
      return status >= 500 ? ErrorKind::kTransient : ErrorKind::kInvalid;
  }
}

void RespondError(Exchange& exchange, int status, const std::string& message,
                  const Headers& headers) {
  const Json body{{"error", message}};
  exchange.Respond(status, "application/json",
                   body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n", headers);
}

void RespondError(Exchange& exchange, const Error& error) {
  const int status = StatusOf(error.kind);
  RespondError(exchange, status, error.message,
               status == 503 ? Headers{{"Retry-After", "1"}} : Headers{});
}

Result<std::string> ReadWholeBody(Exchange& exchange, std::size_t limit,
                                  const std::function<Result<void>(std::size_t)>& hold) {
  const auto too_large = [&] {
    Error e = Invalid("the body is over " + std::to_string(limit) + " bytes");
    e.kind = ErrorKind::kTooLarge;
    return e;
  };
  if (exchange.ContentLength().value_or(0) > limit) return too_large();
  std::string body;
  for (;;) {
    auto piece = exchange.ReadBody();
    if (!piece) return piece.error();
    if (piece->empty()) return body;
    if (body.size() + piece->size() > limit) return too_large();
    if (auto held = hold(body.size() + piece->size()); !held) return held.error();
    body += *piece;
  }
}

}  // namespace penstock::net
