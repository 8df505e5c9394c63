// Asks a registry what an image starts: its entry point, its command, and its digest. By the
// distribution API (OCI), without a login: only what anybody may pull. Blocks; thread-safe.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/net/address_policy.h"

namespace penstock::sources {

struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;  // the image's default arguments (CMD)
  std::string digest;                // "sha256:..." of what the name stands for now
};

struct ImageOptions {
  std::chrono::milliseconds timeout{20'000};  // of all questions together
  net::AddressCheck may_ask = {};             // held against every address on the way; none: all
  std::stop_token stop = {};
};

// Of an image of several platforms that of Linux that stands first: programs start alike on all.
// NotFound where the registry has none of the name; Forbidden where it wants a login; Invalid for a
// bad name, an answer that is none, or bytes that are not those of their digest; what may_ask
// returned; Transient when it cannot be reached in time, or is in trouble.
[[nodiscard]] Result<ImageConfig> AskImage(const std::string& image, const ImageOptions& options);

}  // namespace penstock::sources
