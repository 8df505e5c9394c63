#include "operator/retention/store_keeper.h"

#include <utility>

#include "operator/base/pause.h"

namespace penstock::retention {

StoreKeeper::StoreKeeper(const artifacts::Store& store, artifacts::References& references,
                         const Clock& clock, KeeperSettings settings, Tell tell)
    : store_(store),
      references_(references),
      clock_(clock),
      settings_(std::move(settings)),
      tell_(std::move(tell)) {}

StoreKeeper::~StoreKeeper() = default;

const char* Name(StoreJob job) {
  switch (job) {
    case StoreJob::kUsage:
      return "du";
    case StoreJob::kCollect:
      return "gc";
    case StoreJob::kVerify:
      break;
  }
  return "verify";
}

void StoreKeeper::KeepUp(const std::stop_token& stop) {
  if (settings_.interval.count() <= 0) return;
  auto pause = std::min(settings_.first, settings_.interval);
  while (Pause(pause, stop)) {
    static_cast<void>(Do(StoreJob::kCollect, {}, stop));
    pause = settings_.interval;
  }
}

artifacts::Collected StoreKeeper::Collect(StoreJob job, const JobOptions& asked,
                                          const std::stop_token& stop) {
  artifacts::CollectOptions options;
  options.grace = settings_.grace;
  options.keep_cache = settings_.keep_cache;
  options.namespaces = settings_.namespaces;
  options.dry_run = asked.dry_run || job == StoreJob::kUsage;
  options.take_over = asked.take_over;
  options.stop = stop;
  if (job == StoreJob::kCollect && settings_.collector) {
    auto collector = settings_.collector(stop);
    if (!collector) {
      artifacts::Collected refused;
      refused.dry_run = options.dry_run;
      refused.namespaces.emplace_back().error =
          "nothing is collected, as it is not known for whom: " + collector.error().message;
      return refused;
    }
    options.collector = *std::move(collector);
  }
  return artifacts::Collect(store_, references_, options);
}

Json StoreKeeper::Do(StoreJob job, const JobOptions& options, const std::stop_token& stop) {
  const std::lock_guard lock(at_work_);
  if (job == StoreJob::kVerify)
    return Report(artifacts::VerifyStore(store_, settings_.namespaces, stop));
  const bool removes = job == StoreJob::kCollect && !options.dry_run;
  const artifacts::Collected collected = Collect(job, options, stop);
  if (removes && !stop.stop_requested()) tell_(collected);
  return Report(collected);
}

Result<Json> StoreKeeper::Start(StoreJob job, const JobOptions& options) {
  const std::lock_guard lock(mutex_);
  if (job_.is_object() && job_.at("state") == "running") {
    Error error = Transient("`penstock store " + job_.value("job", "") + "` is under way since " +
                            job_.value("started", ""));
    error.kind = ErrorKind::kConflict;
    return error;
  }
  job_ = {{"id", next_++},
          {"job", Name(job)},
          {"state", "running"},
          {"started", FormatTime(clock_.Now())}};
  // The thread of the job before has ended, or is about to: it does not take mutex_ any more.
  thread_ = std::jthread([this, job, options](const std::stop_token& stop) {
    Json report;
    std::string trouble;
    try {
      report = Do(job, options, stop);
      trouble = TroubleOf(report);
    } catch (const std::exception& e) {
      trouble = e.what();
    }
    const std::lock_guard done(mutex_);
    job_["state"] = trouble.empty() ? "done" : "failed";
    job_["finished"] = FormatTime(clock_.Now());
    if (!trouble.empty()) job_["error"] = trouble;
    if (!report.is_null()) job_["report"] = std::move(report);
  });
  return job_;
}

Result<Json> StoreKeeper::Job() const {
  const std::lock_guard lock(mutex_);
  if (!job_.is_object()) return NotFound("nobody has asked for a job of the store");
  return job_;
}

std::string TroubleOf(const Json& report) {
  for (const Json& use : report.value("namespaces", Json::array()))
    if (use.contains("error"))
      return "namespace " + use.value("namespace", "") + ": " + use.value("error", "");
  const Json errors = report.value("errors", Json::array());
  if (!errors.empty()) return errors.front().get<std::string>();
  const auto found = report.value("findings", Json::array()).size() + report.value("more", 0UL);
  return found == 0 ? "" : std::to_string(found) + " artifacts are altered or missing";
}

}  // namespace penstock::retention
