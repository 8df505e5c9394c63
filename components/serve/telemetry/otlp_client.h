// Sends OTLP bodies to a collector over HTTP/1.1, plain or under TLS. Blocking, with a deadline.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "operator/base/result.h"

namespace penstock::serve {

// Thread-safe. Transient, or Untrusted, names what did not work: address, connection, certificate,
// time, or the status that came back.
using OtlpSend = std::function<Result<void>(const std::string& body)>;

// "http://collector:4318" (the standard base, /v1/traces is appended) or with a path of its own.
// The certificate of an https:// collector is verified against the system's roots, or those that
// SSL_CERT_FILE names. Each body may take `limit`. Invalid for anything else.
[[nodiscard]] Result<OtlpSend> MakeOtlpSend(const std::string& url,
                                            std::chrono::milliseconds limit);

}  // namespace penstock::serve
