// Large bodies over HTTP: redirects followed, a transfer that broke gone on with where it broke
// (Range), one that hardly comes on given up. Blocks; any thread; memory of one piece.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "operator/base/result.h"
#include "operator/net/http_client.h"
#include "operator/net/url.h"

namespace penstock::net {

// A request, sent to wherever it belongs; the answer, of whatever status.
using Send = std::function<Result<HttpResponse>(const HttpRequest&)>;

struct FollowOptions {
  HttpClientOptions client;  // its proxy is not used
  // Who stands between us and a server; none: nobody.
  std::function<Result<std::optional<Proxy>>(const Url& server)> proxy_for = {};
  std::chrono::milliseconds idle{60'000};   // until the head, and between two pieces
  SteadyTime deadline = SteadyTime::max();  // of each head
  std::stop_token stop = {};
};
// Sends to `url`, and on to where its answers lead: at most five times, never from https to http.
// `private_headers` (a login) go to the first server alone. `request.target` is not used.
[[nodiscard]] Result<HttpResponse> SendFollowing(const std::string& url, const HttpRequest& request,
                                                 const Headers& private_headers,
                                                 const FollowOptions& options);

struct DownloadOptions {
  std::uint64_t max_bytes = 1ULL << 40;
  int tries = 5;                               // without a byte between them
  std::chrono::milliseconds first_pause{200};  // doubles from try to try
  std::uint64_t least_bytes = 60 * 1024;       // in each stretch of
  std::chrono::milliseconds least_in{60'000};  // this long: 1 KiB a second
  std::stop_token stop = {};
};

// Gets the next bytes of the body, each once and in order. An error ends the download and is what
// its caller gets.
using TakeBytes = std::function<Result<void>(std::string_view)>;

// A GET by `send`, to its end. Tried again while failures pass by themselves: from the byte that is
// missing where the server knows Range, else past what was taken already. The bytes are nobody's
// word but the server's: whoever takes them verifies them. The head of the last answer; Invalid
// for a status or an encoding that was not asked for, kTooLarge above max_bytes, kCancelled.
[[nodiscard]] Result<HttpResponse> Download(const Send& send, const TakeBytes& take,
                                            const DownloadOptions& options);

}  // namespace penstock::net
