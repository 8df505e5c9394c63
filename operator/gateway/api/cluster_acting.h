// Acts on a cluster as the caller, with his own token, or under his name where he logged in or has
// shown a certificate: the API server holds every write against his rights and names him in its
// audit log, and the operator's own rights do nothing for him. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/gateway/api/acting.h"
#include "operator/kube/client.h"
#include "operator/views/place.h"

namespace penstock::gateway {

// A client of the API server that is this caller to it: by Caller::token and nothing else, or, of
// one who is known by_gateway, by impersonation of his user and groups.
using ClientFor = std::function<Result<std::unique_ptr<kube::Client>>(const Caller& caller)>;

// The headers of a request as whom it acts, for one who is known by_gateway; kForbidden where he
// has no name.
[[nodiscard]] Result<net::Headers> Impersonation(const Caller& caller);

class ClusterActing : public Acting {
 public:
  // `place` is what is read of before (by the operator's account, after the caller's right to read
  // was asked for) and must outlive it.
  ClusterActing(const views::Place& place, ClientFor client_for)
      : place_(place), client_for_(std::move(client_for)) {}

  [[nodiscard]] Result<Done> Run(const Caller& caller, const std::string& ns,
                                 const RunRequest& request, const std::stop_token& stop) override;
  [[nodiscard]] Result<Done> Cancel(const Caller& caller, const std::string& ns,
                                    const std::string& run, const std::stop_token& stop) override;
  [[nodiscard]] Result<Done> Rerun(const Caller& caller, const std::string& ns,
                                   const std::string& run, const RerunRequest& request,
                                   const std::stop_token& stop) override;
  [[nodiscard]] Result<Done> Approve(const Caller& caller, const std::string& ns,
                                     const std::string& run, const ApprovalRequest& request,
                                     const std::stop_token& stop) override;
  [[nodiscard]] Result<Done> ApproveModel(const Caller& caller, const std::string& ns,
                                          const std::string& model, const ApprovalRequest& request,
                                          const std::stop_token& stop) override;
  [[nodiscard]] Result<Done> Steer(const Caller& caller, const std::string& ns,
                                   const std::string& model, const std::string& word,
                                   const std::stop_token& stop) override;

 private:
  [[nodiscard]] Result<std::unique_ptr<kube::Client>> As(const Caller& caller) const;

  const views::Place& place_;
  const ClientFor client_for_;
};

}  // namespace penstock::gateway
