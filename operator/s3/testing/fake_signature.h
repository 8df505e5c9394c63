// Whether a request is signed as a store would have it: by SigV4 itself, with the keys that the
// store knows. For tests.
#pragma once

#include <map>
#include <string>

#include "operator/net/exchange.h"
#include "operator/net/sigv4.h"

namespace penstock::s3 {

// The code of what is wrong with the signature, or "".
[[nodiscard]] std::string SignatureTrouble(net::Exchange& x,
                                           const std::map<std::string, std::string>& query,
                                           const std::string& body, const net::SigningKeys& keys);

}  // namespace penstock::s3
