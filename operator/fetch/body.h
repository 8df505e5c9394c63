// One try of a GET whose body goes to a sink: the part of every store's reading that is HTTP's.
// Blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "operator/fetch/source.h"
#include "operator/net/http_client.h"

namespace penstock::fetch {

// Sends it; a body of 2xx goes to `sink` at the pace of the settings, once `on_head` has nothing
// against it. Gives the answer, of whatever status.
[[nodiscard]] Result<net::HttpResponse> GetBody(
    net::HttpClient& client, net::HttpRequest request, const SourceSettings& settings,
    const std::function<Result<void>(const net::HttpResponse&)>& on_head, const Sink& sink);

// "bytes 5-9/10": where the body begins, and how long the whole is. False for no such text.
[[nodiscard]] bool ReadContentRange(std::string_view text, std::uint64_t& first,
                                    std::uint64_t& whole);
// Decimal digits alone. False for any other text.
[[nodiscard]] bool ReadNumber(std::string_view text, std::uint64_t& number);

}  // namespace penstock::fetch
