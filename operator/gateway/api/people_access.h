// Callers of a cluster's API: by bearer token as the API server knows them (cluster_access.h), by
// the session of a log-in, or by a client certificate that TLS has verified; in this order, and by
// nothing that a header merely says. What they may do is what the API server says of their names.
// Thread-safe.
#pragma once

#include "operator/base/time.h"
#include "operator/gateway/api/access.h"
#include "operator/gateway/login/client_certificate.h"
#include "operator/gateway/login/sessions.h"

namespace penstock::gateway {

class PeopleAccess : public Access {
 public:
  // All must outlive it. `sessions`: null where nobody can log in; `signer`: of the certificates.
  PeopleAccess(Access& cluster, const login::Sessions* sessions, const Clock& clock,
               login::Signer signer)
      : cluster_(cluster), sessions_(sessions), clock_(clock), signer_(signer) {}

  [[nodiscard]] Result<Caller> WhoIs(net::Exchange& x) override;
  [[nodiscard]] Result<bool> May(const Caller& caller, const std::string& ns, const Right& right,
                                 const std::stop_token& stop) override {
    return cluster_.May(caller, ns, right, stop);
  }

 private:
  Access& cluster_;
  const login::Sessions* const sessions_;
  const Clock& clock_;
  const login::Signer signer_;
};

}  // namespace penstock::gateway
