// The first lines of a request, as they stand on the wire. Pure.
#pragma once

#include <string>

#include "operator/net/http_client.h"
#include "operator/net/url.h"

namespace penstock::net {

// Whether the body is sent only after the server's "100 Continue".
[[nodiscard]] bool ExpectsContinue(const HttpRequest& request);

// The request's line and headers. `path` is that of the base URL. A proxy of a plain server gets
// the whole URL, and its authorization. Invalid where a part of it would end a line.
[[nodiscard]] Result<std::string> HeadOf(const HttpRequest& request, const Url& url,
                                         const std::string& path, const Proxy* proxy);

}  // namespace penstock::net
