// A way through a proxy: HTTP's CONNECT.
#pragma once

#include "operator/net/proxy.h"
#include "operator/net/stream.h"
#include "operator/net/url.h"

namespace penstock::net {

// Asks the proxy at the other end of `stream` to pass bytes on to `server` from now on. kForbidden
// when it wants other credentials or refuses the server, kTransient for any other answer but a 2xx.
[[nodiscard]] Result<void> OpenTunnel(Stream& stream, const Url& server, const Proxy& proxy);

}  // namespace penstock::net
