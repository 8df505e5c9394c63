// Names to addresses without NSS: a statically linked program may not load the NSS modules of the
// image it happens to run in (the launcher runs in any image).
//
// Reads /etc/hosts and asks the servers of /etc/resolv.conf, search list included. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::artifacts {

// Numeric addresses, IPv4 first; a numeric host is returned as it stands. Blocks for as long as
// the resolver's time-outs are (2 s a try). Transient when no server answers or knows the name.
[[nodiscard]] Result<std::vector<std::string>> ResolveHost(const std::string& host);

// The addresses that text in the form of /etc/hosts gives for `host`.
[[nodiscard]] std::vector<std::string> AddressesInHosts(const std::string& text,
                                                        const std::string& host);

}  // namespace penstock::artifacts
