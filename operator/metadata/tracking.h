// Runs that programs log of themselves while they go on (gateway/mlflow), beside those of
// Pipelines: read in lists, comparisons and followed by changes as any other, with one step, `run`,
// whose results are the newest values of its metrics. No object stands for them: this database is
// where they are, and what it loses of them is lost.
//
// Written at once, within the call. Thread-safe; one call writes at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/metadata/database.h"
#include "operator/metadata/record.h"
#include "operator/metadata/tracked_values.h"

namespace penstock::metadata {

// RunRecord::cause of them: no object of the cluster stands for such a run.
inline constexpr const char* kTrackedCause = "MLflow";

// What one run's parameters, tags, files' names and metrics may take, and those of all that one
// answer holds, as they are kept.
inline constexpr std::size_t kMostTrackedOfRun = 512UL << 10, kMostTrackedBytes = 8UL << 20;

// Tags of one experiment: how many, and bytes together; and bytes of what one answer holds.
inline constexpr std::size_t kMostExperimentTags = 500, kMostTagsOfExperiment = 64UL << 10,
                             kMostExperimentBytes = 512UL << 10;

// What groups tracked runs. Lists of runs show its name as the Pipeline.
struct Experiment {
  std::string id;
  std::string name;
  TimePoint created, changed;
  std::map<std::string, std::string> tags;
};

struct TrackedRun {
  RunRecord record;  // without steps
  std::string experiment;
  std::map<std::string, std::string> parameters, tags;
  NewestMetrics metrics;
  TrackedFiles files;
  std::map<std::string, std::int64_t> models;  // ids of those that it logged, and the step of each
  std::int64_t points = 0;                     // values of all metrics that are kept
  bool deleted = false;                        // hidden, until it is restored
};

struct TrackedPage {
  std::vector<TrackedRun> runs;
  bool more = false;
};

struct ExperimentPage {
  std::vector<Experiment> experiments;
  bool more = false;
};

struct TrackingOptions {
  std::int64_t most_points = 1'000'000;  // of one run, of all its metrics
  Milliseconds patience{5'000};          // how long a call waits for those before it
  Milliseconds between_tries{2'000};     // after the database could not be opened
};

// What writes gives up where `stop` is asked to, before its turn comes. kTransient: the database
// cannot be had now, or the calls before it took too long.
class Tracking {
 public:
  explicit Tracking(DatabasePtr database, TrackingOptions options = {})
      : database_(std::move(database)), options_(options) {}

  // kAlreadyExists where the namespace has another one of the name; Invalid of too many tags.
  [[nodiscard]] Result<void> MakeExperiment(const std::string& ns, const Experiment& experiment,
                                            const std::stop_token& stop = {});
  // kNotFound.
  [[nodiscard]] Result<Experiment> ExperimentOfId(const std::string& ns,
                                                  const std::string& id) const;
  [[nodiscard]] Result<Experiment> ExperimentOfName(const std::string& ns,
                                                    const std::string& name) const;
  // By name, those behind `after`; `more` too where they hold over kMostExperimentBytes.
  [[nodiscard]] Result<ExperimentPage> Experiments(const std::string& ns, int limit,
                                                   const std::string& after) const;
  // kNotFound; Invalid of too many tags.
  [[nodiscard]] Result<void> TagExperiment(const std::string& ns, const std::string& id,
                                           const std::string& name, const std::string& value,
                                           TimePoint now, const std::stop_token& stop = {});

  // Where the namespace has a run of its name, it is kept as the name, a dash and the UID's first
  // eight letters, by which it can be compared.
  [[nodiscard]] Result<void> Begin(const TrackedRun& run, const std::stop_token& stop = {});
  // kNotFound.
  [[nodiscard]] Result<TrackedRun> Get(const std::string& ns, const std::string& uid) const;
  // What `change` makes of it, and these values of its metrics: all of it, or on an error nothing.
  // Invalid where it holds over kMostTrackedOfRun or too many values then.
  [[nodiscard]] Result<TrackedRun> Change(const std::string& ns, const std::string& uid,
                                          const std::function<Result<void>(TrackedRun&)>& change,
                                          const std::vector<MetricPoint>& points = {},
                                          const std::stop_token& stop = {});
  // Of an experiment, newest first; `more` too where they hold over kMostTrackedBytes.
  [[nodiscard]] Result<TrackedPage> Runs(const std::string& ns, const std::string& experiment,
                                         bool deleted, int limit) const;
  // The values of one metric, by step and time, from the one at `offset` on.
  [[nodiscard]] Result<std::vector<MetricPoint>> Points(const std::string& uid,
                                                        const std::string& name, int limit,
                                                        int offset) const;

  // For what else programs log (logged_models.h, model_registry.h): one transaction, in turn with
  // all others; what it throws or returns as an error leaves nothing. It may be called twice, where
  // the session was lost meanwhile.
  [[nodiscard]] Result<void> Write(const std::function<Result<void>(soci::session&)>& write,
                                   const std::stop_token& stop);
  [[nodiscard]] const DatabasePtr& database() const { return database_; }

 private:
  // Of the one call that writes.
  class Turn;
  struct Failure {
    Error why;
    std::chrono::steady_clock::time_point at;
  };
  [[nodiscard]] Result<void> Wait(const std::stop_token& stop);
  [[nodiscard]] Result<void> Connect();

  const DatabasePtr database_;
  const TrackingOptions options_;
  std::mutex mutex_;
  std::condition_variable_any free_;
  bool busy_ = false;              // it is somebody's turn, whose these are:
  Session writer_;                 // null until it is needed, and after it was lost
  std::optional<Failure> failed_;  // to open it, so that calls do not wait for that one by one
};

}  // namespace penstock::metadata
