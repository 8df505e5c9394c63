// Who signs certificates of the cluster's clients, as kube-apiserver tells its extensions.
#pragma once

#include <stop_token>

#include "operator/gateway/login/client_certificate.h"
#include "operator/kube/client.h"

namespace penstock::gateway {

// Has `tls` trust these as they are now: nobody where the cluster names none, which is kNotFound.
// Other trouble is returned and changes nothing.
[[nodiscard]] Result<void> TrustCluster(kube::Client& client, login::TlsWithClients& tls,
                                        const std::stop_token& stop);

}  // namespace penstock::gateway
