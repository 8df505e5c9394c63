// People by client certificates, as kube-apiserver reads them: the common name is the user, the
// organizations are the groups.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/gateway/login/id_token.h"
#include "operator/net/tls.h"

namespace penstock::gateway::login {

enum class Signer {
  kCluster,  // the cluster's own authority, whose word Kubernetes takes for all names
  kOther     // one that we were given: names that begin with system: are not its own to give
};

// Of a certificate (DER) that TLS has verified. kForbidden where it has no common name, what is no
// name (person_name.h) or not its signer's to give, or its time is over by now: a connection may
// outlive it.
[[nodiscard]] Result<Person> PersonOfCertificate(const std::string& der, TimePoint now,
                                                 Signer signer);

// What a server shows, together with whom it trusts to sign certificates of its clients. Both may
// change while it runs. Thread-safe.
class TlsWithClients {
 public:
  explicit TlsWithClients(net::TlsSource server) : server_(std::move(server)) {}

  // PEM; of the next connection. "": nobody is asked for a certificate.
  void Trust(std::string authorities);
  // As net::TlsSource has it: the same object while neither has changed.
  [[nodiscard]] Result<std::shared_ptr<const net::TlsIdentity>> Current();

 private:
  const net::TlsSource server_;
  std::mutex mutex_;
  std::string authorities_;
  std::shared_ptr<const net::TlsIdentity> below_, shown_;
};

// Invalid where the text holds no certificate, or one that cannot be read.
[[nodiscard]] Result<void> CheckAuthorities(const std::string& pem);

}  // namespace penstock::gateway::login
