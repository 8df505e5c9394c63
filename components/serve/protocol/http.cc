#include "components/serve/protocol/http.h"

#include "components/serve/protocol/infer_encode.h"

namespace penstock::serve {

int StatusOf(const Error& error) {
  if (error.http_status != 0) return error.http_status;
  switch (error.kind) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kTransient:
      return 503;
    default:
      return 500;
  }
}

HttpResponse ErrorResponse(const Error& error) {
  HttpResponse response;
  response.status = StatusOf(error);
  response.body = EncodeError(error.message);
  if (error.retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*error.retry_after).count();
    response.headers += "Retry-After: " + std::to_string(seconds) + "\r\n";
  }
  if (response.status == 405) response.headers += "Allow: " + error.reason + "\r\n";
  if (response.status == 415) response.headers += "Accept-Encoding: gzip, deflate, identity\r\n";
  return response;
}

}  // namespace penstock::serve
