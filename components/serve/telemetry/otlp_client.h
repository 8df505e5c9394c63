// Sends OTLP bodies to a collector over HTTP/1.1, one connection a body. Blocking, with a deadline.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "operator/base/result.h"

namespace penstock::serve {

struct OtlpEndpoint {
  std::string host;
  std::string port;
  std::string path;
};

// "http://collector:4318" (the standard base, /v1/traces is appended) or with a path of its own.
// Invalid for anything else; TLS is left to a sidecar or a collector beside the server.
[[nodiscard]] Result<OtlpEndpoint> ParseOtlpEndpoint(const std::string& url);

// Transient names what did not work: address, connection, time, or the status that came back.
[[nodiscard]] Result<void> SendOtlp(const OtlpEndpoint& endpoint, const std::string& body,
                                    std::chrono::milliseconds limit);

}  // namespace penstock::serve
