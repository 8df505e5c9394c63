// What a store said when it did not do what it was asked, folded into the project's kinds of error.
// Pure.
#pragma once

#include <string>

#include "operator/base/result.h"
#include "operator/net/http_client.h"

namespace penstock::s3 {

struct Refusal {
  int status = 0;
  std::string code;  // "NoSuchKey"; empty where the answer had no body of S3's
  std::string message;
  std::string request_id;
  std::string region;  // the bucket's own, where the answer names it
};

[[nodiscard]] Refusal ReadRefusal(const net::HttpResponse& answer);

// kNotFound, kAlreadyExists (a condition that did not hold), kForbidden, kNoSpace (quota or disk),
// kTransient and kOverloaded for what passes by itself, kInvalid for the rest. The message names
// what was asked ("PUT s3://bucket/key"), status, code, request id and what to do.
[[nodiscard]] Error ErrorOf(const Refusal& refusal, const std::string& asked);

// Other keys might be taken: these are wrong or have ended.
[[nodiscard]] bool RefusesKeys(const Refusal& refusal);

}  // namespace penstock::s3
