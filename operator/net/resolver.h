// Host names to addresses, with a deadline and without NSS.
//
// getaddrinfo() can hang for half a minute, cannot be cancelled, and in a statically linked program
// loads the NSS modules of whatever image the program runs in (the launcher runs in any). So names
// are looked up as kubectl does it: in /etc/hosts, then of the servers of /etc/resolv.conf, search
// list included; on a thread of the name's own, which callers wait for only as long as they may
// (name_cache.h). IPv6 addresses are asked for where there is no IPv4 one, or no way to it.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::net {

// The host's numeric addresses, IPv4 first; of a numeric host, itself. kTransient when the name
// does not resolve in time, kCancelled when `stop` is used. Thread-safe.
[[nodiscard]] Result<std::vector<std::string>> ResolveHost(
    const std::string& host, std::chrono::steady_clock::time_point deadline,
    const std::stop_token& stop);

// The addresses that text in the form of /etc/hosts gives for `host`.
[[nodiscard]] std::vector<std::string> AddressesInHosts(const std::string& text,
                                                        const std::string& host);

[[nodiscard]] bool IsNumericAddress(const std::string& host);

}  // namespace penstock::net
