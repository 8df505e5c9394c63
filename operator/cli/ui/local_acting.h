// What can be done from the page over a state folder: cancel the run at work. What needs a terminal
// or files is refused with the command that does it. Any thread.
#pragma once

#include "operator/cli/objects/state.h"
#include "operator/gateway/api/acting.h"
#include "operator/views/place.h"

namespace penstock::cli {

class LocalActing : public gateway::Acting {
 public:
  // `place` must outlive it.
  LocalActing(State state, const views::Place& place) : state_(std::move(state)), place_(place) {}

  [[nodiscard]] Result<gateway::Done> Run(const gateway::Caller&, const std::string& ns,
                                          const gateway::RunRequest& request,
                                          const std::stop_token& stop) override;
  [[nodiscard]] Result<gateway::Done> Cancel(const gateway::Caller&, const std::string& ns,
                                             const std::string& run,
                                             const std::stop_token& stop) override;
  [[nodiscard]] Result<gateway::Done> Rerun(const gateway::Caller&, const std::string& ns,
                                            const std::string& run,
                                            const gateway::RerunRequest& request,
                                            const std::stop_token& stop) override;
  [[nodiscard]] Result<gateway::Done> Approve(const gateway::Caller&, const std::string& ns,
                                              const std::string& run,
                                              const gateway::ApprovalRequest& request,
                                              const std::stop_token& stop) override;
  [[nodiscard]] Result<gateway::Done> ApproveModel(const gateway::Caller&, const std::string& ns,
                                                   const std::string& model,
                                                   const gateway::ApprovalRequest& request,
                                                   const std::stop_token& stop) override;
  [[nodiscard]] Result<gateway::Done> Steer(const gateway::Caller&, const std::string& ns,
                                            const std::string& model, const std::string& word,
                                            const std::stop_token& stop) override;

 private:
  const State state_;
  const views::Place& place_;
};

}  // namespace penstock::cli
