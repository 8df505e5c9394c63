// Which proxy stands between us and a server, by the rules of Kubernetes' own clients (Go's
// httpproxy and client-go). Pure.
//
// A proxy's user and password are in `authorization` alone: no error and no log line shows them.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "operator/base/result.h"
#include "operator/net/url.h"

namespace penstock::net {

struct Proxy {
  Url url;                    // http or https; the target is not used
  std::string authorization;  // of the header Proxy-Authorization: "Basic ..."; empty = none
};

// "http://[user:password@]host[:port]", or https. Invalid for another scheme (socks5 is named).
[[nodiscard]] Result<Proxy> ParseProxy(const std::string& text);

// By HTTPS_PROXY or HTTP_PROXY (the server's scheme decides) and NO_PROXY, each in capitals first,
// then in small letters. NO_PROXY is a list of "*", addresses, CIDRs, names (with all below them)
// and names that begin with a dot (only what is below them), each with a port or without. Names and
// addresses of this machine have no proxy. Invalid when the variable that counts cannot be used.
[[nodiscard]] Result<std::optional<Proxy>> ProxyFromEnvironment(
    const Url& server, const std::map<std::string, std::string>& environment);

// Whether a NO_PROXY of this text excepts the server.
[[nodiscard]] bool IsExcepted(const Url& server, const std::string& no_proxy);

}  // namespace penstock::net
