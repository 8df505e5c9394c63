// Callers by the API server: TokenReview says who holds a bearer token, SubjectAccessReview what he
// may do in a namespace. Both are kept for a while: a yes for a minute, a no for ten seconds.
// Thread-safe.
#pragma once

#include "operator/base/time.h"
#include "operator/gateway/api/access.h"
#include "operator/gateway/review_cache.h"
#include "operator/kube/client.h"

namespace penstock::gateway {

class ClusterAccess : public Access {
 public:
  // Both must outlive it. The client's own account needs `create` of tokenreviews and
  // subjectaccessreviews.
  ClusterAccess(kube::Client& client, const Clock& clock)
      : client_(client), people_(clock), rights_(clock) {}

  // A token that the API server itself takes, or one of a pod for this gateway (kAudience). Only
  // the former can be used to write.
  [[nodiscard]] Result<Caller> WhoIs(net::Exchange& x) override;
  [[nodiscard]] Result<bool> May(const Caller& caller, const std::string& ns, const Right& right,
                                 const std::stop_token& stop) override;

 private:
  // Kept without the token.
  struct Person {
    Result<Caller> caller;
    bool acts = false;  // the API server takes the token
  };
  [[nodiscard]] Result<Caller> Review(const std::string& bearer, bool ours,
                                      const std::stop_token& stop);

  kube::Client& client_;
  ReviewCache<Person> people_;
  ReviewCache<bool> rights_;
};

}  // namespace penstock::gateway
