// Models that programs log (MLflow's logged models): each of an experiment, with files, parameters,
// tags and the newest values of its metrics. Written and read as tracked runs are (tracking.h), at
// once and within the call; what the database loses of them is lost. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/metadata/tracking.h"

namespace penstock::metadata {

struct LoggedModel {
  std::string id;  // of all namespaces
  std::string namespace_, experiment, name;
  std::string type, user;
  std::string run;     // that logged it; "": none
  std::string status;  // MLflow's word, as LOGGED_MODEL_READY
  TimePoint created, changed;
  std::map<std::string, std::string> parameters, tags;
  NewestMetrics metrics;
  TrackedFiles files;
  bool deleted = false;  // hidden; its files stay
};

// How many rows, and bytes of them, one page looks at before it says where to go on.
inline constexpr int kMostSeenOfPage = 5'000;

struct LoggedModelPage {
  std::vector<LoggedModel> models;
  std::string next;  // what to ask with for those behind; "": none are left
};

class LoggedModels {
 public:
  explicit LoggedModels(Tracking& tracking) : tracking_(tracking) {}

  // Invalid where it holds over kMostTrackedOfRun; so Change.
  [[nodiscard]] Result<void> Begin(const LoggedModel& model, const std::stop_token& stop = {});
  // kNotFound; one that is deleted is there.
  [[nodiscard]] Result<LoggedModel> Get(const std::string& ns, const std::string& id) const;
  // What `change` makes of it; on an error nothing. kNotFound.
  [[nodiscard]] Result<LoggedModel> Change(const std::string& ns, const std::string& id,
                                           const std::function<Result<void>(LoggedModel&)>& change,
                                           const std::stop_token& stop = {});
  // Those of these experiments that are not deleted and that `keep` says true of, newest first,
  // behind `after` (a page's `next`). It may hold none and have a next one. Invalid of an `after`
  // that is none of ours.
  [[nodiscard]] Result<LoggedModelPage> Page(
      const std::string& ns, const std::vector<std::string>& experiments, std::size_t limit,
      const std::string& after, const std::function<bool(const LoggedModel&)>& keep) const;

 private:
  Tracking& tracking_;
};

}  // namespace penstock::metadata
