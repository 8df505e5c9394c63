// Acts on a cluster with the caller's own token, so that the API server holds every write against
// his rights and names him in its audit log: the operator's account does nothing for him. Any
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/gateway/api/acting.h"
#include "operator/kube/client.h"
#include "operator/views/place.h"

namespace penstock::gateway {

// A client of the API server that shows this token and nothing else.
using ClientFor = std::function<Result<std::unique_ptr<kube::Client>>(const std::string& token)>;

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
  [[nodiscard]] Result<Done> Steer(const Caller& caller, const std::string& ns,
                                   const std::string& model, const std::string& word,
                                   const std::stop_token& stop) override;

 private:
  [[nodiscard]] Result<std::unique_ptr<kube::Client>> As(const Caller& caller) const;

  const views::Place& place_;
  const ClientFor client_for_;
};

}  // namespace penstock::gateway
