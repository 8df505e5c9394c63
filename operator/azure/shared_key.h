// How requests to Azure Blob Storage are signed with an account's key. Source: "Authorize with
// Shared Key" (Azure Storage REST API), for versions from 2015-02-21 on. Pure.
//
//   method, standard headers, x-ms-* headers, /account/path and query -> HMAC-SHA256 by the key
#pragma once

#include <string>

#include "operator/net/exchange.h"
#include "operator/net/sigv4.h"

namespace penstock::azure {

// What is signed: a line for each of the standard headers, the x-ms-* headers by name, then the
// resource. `request.path` as it stands on the wire; of an empty body the length is the empty text.
[[nodiscard]] std::string SharedKeyText(const net::RequestToSign& request,
                                        const std::string& account);

// The header Authorization. `key`: the account's, decoded from base64.
[[nodiscard]] std::string SharedKey(const net::RequestToSign& request, const std::string& account,
                                    const std::string& key);

}  // namespace penstock::azure
