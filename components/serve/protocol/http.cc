#include "components/serve/protocol/http.h"

#include "components/serve/protocol/infer_encode.h"

namespace penstock::serve {

int StatusOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kTooLarge:
      return 413;
    case ErrorKind::kUnsupported:
      return 415;
    case ErrorKind::kOverloaded:
      return 429;
    case ErrorKind::kGone:
      return kClientGone;
    case ErrorKind::kTransient:
      return 503;
    case ErrorKind::kDeadline:
      return 504;
    default:
      return 500;
  }
}

namespace {

HttpResponse Refuse(int status, const std::string& message,
                    std::optional<std::chrono::milliseconds> retry_after) {
  HttpResponse response;
  response.status = status;
  response.body = EncodeError(message);
  if (retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*retry_after).count();
    response.headers = "Retry-After: " + std::to_string(seconds) + "\r\n";
  }
  if (status == 415) response.headers += "Accept-Encoding: gzip, deflate, identity\r\n";
  return response;
}

}  // namespace

HttpResponse ErrorResponse(const Error& error) {
  return Refuse(StatusOf(error.kind), error.message, error.retry_after);
}

HttpResponse Refusal(int status, const std::string& message) {
  return Refuse(status, message,
                status == 503 ? std::optional(std::chrono::milliseconds(1000)) : std::nullopt);
}

}  // namespace penstock::serve
