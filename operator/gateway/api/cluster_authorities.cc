#include "operator/gateway/api/cluster_authorities.h"

#include "operator/base/try.h"
#include "operator/kube/resources.h"

namespace penstock::gateway {
namespace {

Result<std::string> AuthoritiesOfCluster(kube::Client& client, const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const Json map,
                  client.Get(kube::kConfigMaps, "kube-system", "extension-apiserver-authentication",
                             {.stop = stop, .timeout = std::chrono::seconds(5)}));
  const Json data = map.value("data", Json::object());
  const auto found = data.find("client-ca-file");
  std::string pem = found != data.end() && found->is_string() ? found->get<std::string>() : "";
  if (pem.find_first_not_of(" \r\n") == std::string::npos)
    return NotFound("it has no client-ca-file: this API server takes no client certificates");
  PENSTOCK_TRY(login::CheckAuthorities(pem));
  return pem;
}

}  // namespace

Result<void> TrustCluster(kube::Client& client, login::TlsWithClients& tls,
                          const std::stop_token& stop) {
  auto pem = AuthoritiesOfCluster(client, stop);
  if (!pem) {
    if (pem.error().kind == ErrorKind::kNotFound) tls.Trust("");
    return pem.error();
  }
  tls.Trust(*std::move(pem));
  return {};
}

}  // namespace penstock::gateway
