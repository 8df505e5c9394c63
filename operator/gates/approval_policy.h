// Whether the API server holds what Approvals and runs say of people against who makes them: the
// chart's ValidatingAdmissionPolicy and its binding are asked for, and looked at. Thread-safe;
// nobody who wants the answer waits for the API server.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/plan/values/approval_words.h"

namespace penstock::gates {

class ApprovalPolicyCheck {
 public:
  static constexpr Milliseconds kOld{30'000};

  // What asks, and where. `submit` runs work elsewhere, and ends before any of these does.
  struct Asker {
    kube::Client& client;
    const Clock& clock;
    const std::string& name;  // of both objects; empty: there is none
    const std::function<void(std::function<void()>)>& submit;
    const std::stop_token& stop;
  };
  // The last answer; where it has become old, it is asked for anew meanwhile. Where it is
  // old or not in force, `wake` is called when another answer has come. One that is twice as old
  // counts for nothing.
  [[nodiscard]] plan::ApprovalPolicy Ask(const Asker& asker, const std::string& key,
                                         const std::function<void(const std::string& key)>& wake);
  // Asks, and waits for the answer.
  void AskNow(const Asker& asker);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  void Take(const plan::ApprovalPolicy& answer, SteadyTime asked);

  std::mutex mutex_;
  std::optional<SteadyTime> asked_;
  plan::ApprovalPolicy answer_;
  bool asking_ = false;
  std::map<std::string, std::function<void(const std::string&)>> waiting_;  // by key
};

// What these two objects of the API server amount to.
[[nodiscard]] plan::ApprovalPolicy ReadApprovalPolicy(const std::string& name, const Json& policy,
                                                      const Json& binding);

}  // namespace penstock::gates
