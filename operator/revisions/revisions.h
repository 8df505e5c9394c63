// The ControllerRevisions that runs are pinned to: one for each content in a namespace, shared by
// all runs of that content, and without an owner. One that no run names any more is removed an hour
// later.
//
// "An hour" is time of this process, counted from the first look that found it unnamed: a new
// process begins to count anew, and no clock is compared with another's. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::revisions {

using ResolvedPtr = std::shared_ptr<const plan::ResolvedRun>;

struct KeptRevision {
  std::string name;
  ResolvedPtr resolved;  // the same object for all runs of the content
};

class Revisions {
 public:
  Revisions(kube::Client& client, const Clock& clock, std::stop_token stop)
      : client_(client), clock_(clock), stop_(std::move(stop)) {}

  // The revision with this content, made where there is none. kInvalid: too large;
  // kAlreadyExists: its name is taken by another object; otherwise what the API server said.
  [[nodiscard]] Result<KeptRevision> Keep(const std::string& ns, plan::ResolvedRun resolved);

  // Of a run that is pinned but whose status does not say so yet: it counts as named.
  void Touch(const std::string& ns, const std::string& name);

  // kNotFound when it is gone; kInternal when it was not made by this program or is damaged.
  [[nodiscard]] Result<ResolvedPtr> Read(const std::string& ns, const std::string& name);

  // Looks at all revisions of the namespaces (none given: of all), and removes those that no run's
  // status has named for an hour. Gives how many were removed. Call it every few minutes.
  [[nodiscard]] Result<int> Sweep(const std::vector<std::string>& namespaces);

 private:
  using Key = std::pair<std::string, std::string>;  // namespace, name
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Known {
    std::weak_ptr<const plan::ResolvedRun> resolved;
    std::optional<SteadyTime> stood;  // when the API server last said that it is there
    SteadyTime used;
  };
  struct Found {
    Key key;
    std::string uid;
  };

  [[nodiscard]] Result<void> Use(const Key& key);
  [[nodiscard]] bool StoodLately(const Key& key);
  [[nodiscard]] Result<void> Ensure(const std::string& ns, const std::string& name,
                                    const Json& object);
  [[nodiscard]] ResolvedPtr Share(const Key& key, plan::ResolvedRun resolved);
  [[nodiscard]] Result<std::vector<Found>> All(const std::string& ns);
  [[nodiscard]] Result<std::set<Key>> Named(const std::string& ns);
  [[nodiscard]] bool Claim(const Found& found, bool named);
  void Prune(const std::set<std::string>& seen);

  kube::Client& client_;
  const Clock& clock_;
  const std::stop_token stop_;
  std::mutex mutex_;
  std::map<Key, Known> known_;
  std::map<std::string, SteadyTime> unnamed_since_;  // by UID
  std::set<Key> going_;                              // being removed now
};

}  // namespace penstock::revisions
