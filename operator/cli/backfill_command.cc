// penstock backfill: runs of a Pipeline for times that have passed, a few at a time.
#include <algorithm>
#include <optional>
#include <ostream>

#include "operator/api/approval.h"
#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/base/try.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/parameters.h"
#include "operator/cli/objects/who_am_i.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/backfill_plan.h"
#include "operator/plan/resolve/schedule_check.h"
#include "operator/plan/step/run_outcome.h"

namespace penstock::cli {
namespace {

// What is asked for, read against the Pipeline that stands on the cluster.
struct Request {
  api::Pipeline pipeline;
  api::ScheduleSpec schedule;  // its name is empty with --every
  std::vector<TimePoint> times;
  plan::Reprocess reprocess = plan::Reprocess::kNone;
};

Result<api::ScheduleSpec> PickSchedule(const api::PipelineSpec& spec, const std::string& name) {
  std::string names;
  for (const api::ScheduleSpec& schedule : spec.schedules) {
    if (schedule.name == name || (name.empty() && spec.schedules.size() == 1)) return schedule;
    names += (names.empty() ? "" : ", ") + schedule.name;
  }
  if (names.empty()) return Invalid("the Pipeline has no schedule: give --every, like --every 24h");
  if (name.empty())
    return Invalid("the Pipeline has several schedules: give --schedule, one of " + names);
  return Invalid("the Pipeline has no schedule '" + name + "'; it has " + names);
}

Result<std::vector<TimePoint>> TimesOf(const BackfillOptions& options, Request& request,
                                       TimePoint now) {
  if (!options.every.empty()) {
    PENSTOCK_ASSIGN(const Milliseconds every, ParseDuration(options.every));
    PENSTOCK_ASSIGN(const plan::Span span, plan::SpanOf(options.from, options.to, {}, now));
    return plan::BackfillTimes(every, span);
  }
  PENSTOCK_ASSIGN(request.schedule, PickSchedule(request.pipeline.spec, options.schedule));
  PENSTOCK_ASSIGN(const plan::Timetable table, plan::TimetableOf(request.schedule));
  PENSTOCK_ASSIGN(const plan::Span span, plan::SpanOf(options.from, options.to, table.zone, now));
  return plan::BackfillTimes(table, span);
}

Result<Request> Read(const BackfillOptions& options, const Cluster& cluster, TimePoint now) {
  Request request;
  PENSTOCK_ASSIGN(const Json object,
                  cluster.client->Get(kube::kPipelines, cluster.namespace_, options.pipeline));
  request.pipeline = api::DecodePipeline(object).value;
  PENSTOCK_ASSIGN(request.times, TimesOf(options, request, now));
  PENSTOCK_ASSIGN(const auto given,
                  ParseParameters(options.parameters, request.pipeline.spec.parameters));
  for (const auto& [name, value] : given) request.schedule.parameters[name] = value;
  // What cannot be expanded is told before anything is made.
  PENSTOCK_TRY(plan::ParametersAt(request.schedule, now));
  if (options.reprocess == "failed") request.reprocess = plan::Reprocess::kFailed;
  if (options.reprocess == "completed") request.reprocess = plan::Reprocess::kCompleted;
  return request;
}

struct Listed {
  std::vector<api::PipelineRun> runs;
  std::string resource_version;
};
Result<Listed> ListRuns(const Cluster& cluster, const std::string& pipeline) {
  Listed listed;
  kube::ListOptions options;
  options.label_selector = std::string(plan::kLabelPipeline) + "=" + pipeline;
  options.limit = 500;
  do {
    PENSTOCK_ASSIGN(kube::ListPage page,
                    cluster.client->List(kube::kPipelineRuns, cluster.namespace_, options));
    for (const Json& item : page.items) listed.runs.push_back(api::DecodePipelineRun(item).value);
    listed.resource_version = page.resource_version;
    options.continue_token = page.continue_token;
  } while (!options.continue_token.empty());
  return listed;
}

// `me` is who asks for it; empty: not known.
Json RunOf(const Request& request, const plan::BackfillStep& step, const std::string& ns,
           const std::string& me) {
  Json labels{{plan::kLabelPipeline, request.pipeline.meta.name},
              {plan::kLabelCause, plan::kCauseBackfill}};
  if (!request.schedule.name.empty()) labels[plan::kLabelSchedule] = request.schedule.name;
  Json spec{{"pipelineRef", {{"name", request.pipeline.meta.name}}},
            {"scheduledTime", FormatTime(step.time)}};
  const auto values = plan::ParametersAt(request.schedule, step.time);
  if (values && !values->empty()) spec["parameters"] = *values;
  Json meta{{"name", step.run}, {"namespace", ns}, {"labels", labels}};
  if (!me.empty()) meta["annotations"] = {{api::kSubmittedBy, me}};
  return {{"apiVersion", api::kApiVersion},
          {"kind", "PipelineRun"},
          {"metadata", std::move(meta)},
          {"spec", std::move(spec)}};
}

bool IsActiveBackfill(const api::PipelineRun& run) {
  const auto cause = run.meta.labels.find(plan::kLabelCause);
  return cause != run.meta.labels.end() && cause->second == plan::kCauseBackfill &&
         plan::OutcomeOf(run) == plan::RunOutcome::kActive;
}

std::string Line(const plan::BackfillStep& step) {
  return FormatTime(step.time) + "  " + step.run +
         (!step.skipped.empty() ? "  left out: " + step.skipped
          : step.run_is_gone    ? "  (its run was deleted, or left out by the schedule)"
                                : "") +
         "\n";
}

// The times since the Pipeline was made that the schedule has dealt with.
std::optional<plan::Span> SettledOf(const api::Pipeline& pipeline, const std::string& schedule) {
  for (const api::ScheduleStatus& status : pipeline.status.schedules)
    if (status.name == schedule && status.settled && pipeline.meta.created)
      return plan::Span{*pipeline.meta.created, *status.settled};
  return std::nullopt;
}

// One command at work: starts the runs in the order of their times, `max_active` at once, and waits
// for the end of all.
class Backfill {
 public:
  Backfill(const Cluster& cluster, const Request& request, int max_active, Session& session)
      : cluster_(cluster), request_(request), max_active_(max_active), session_(session) {
    // An approval may ask who it is.
    if (const Result<Person> me = WhoAmI(*cluster.client)) me_ = me->name;
  }

  int Run(const std::vector<plan::BackfillStep>& steps) {
    for (const plan::BackfillStep& step : steps) {
      next_ = step.time;
      if (!step.skipped.empty()) {
        ++skipped_;
        continue;
      }
      if (auto place = AwaitActiveBelow(max_active_); !place) return Stop(place.error());
      auto made = cluster_.client->Create(kube::kPipelineRuns, cluster_.namespace_,
                                          RunOf(request_, step, cluster_.namespace_, me_));
      if (!made && made.error().kind == ErrorKind::kAlreadyExists) {
        ++skipped_;  // the schedule made it meanwhile
        continue;
      }
      if (!made) return Stop(made.error());
      session_.out << Line(step) << std::flush;
      made_.push_back(step.run);
    }
    next_.reset();
    if (auto ended = AwaitActiveBelow(1); !ended) return Stop(ended.error());
    return Report();
  }

 private:
  // What goes on of an earlier call counts too.
  Result<void> AwaitActiveBelow(int limit) {
    while (true) {
      PENSTOCK_ASSIGN(Listed listed, ListRuns(cluster_, request_.pipeline.meta.name));
      const auto active = std::count_if(listed.runs.begin(), listed.runs.end(), IsActiveBackfill);
      last_ = std::move(listed.runs);
      if (active < limit) return {};
      if (!AwaitAnEnd(listed.resource_version)) return Cancelled("interrupted");
    }
  }

  // False where the user has stopped it. A watch that fails costs a second.
  bool AwaitAnEnd(const std::string& resource_version) {
    kube::WatchOptions options;
    options.label_selector = std::string(plan::kLabelPipeline) + "=" + request_.pipeline.meta.name;
    options.resource_version = resource_version;
    bool ended = false;
    const auto watched = cluster_.client->Watch(
        kube::kPipelineRuns, cluster_.namespace_, options,
        [&](kube::WatchEvent& event) {
          if (event.type == kube::WatchEventType::kBookmark) return true;
          ended = event.type == kube::WatchEventType::kDeleted ||
                  plan::OutcomeOf(api::DecodePipelineRun(*event.object).value) !=
                      plan::RunOutcome::kActive;
          return !ended;
        },
        session_.interrupted);
    if (!watched && !session_.interrupted.stop_requested())
      return Pause(Milliseconds(1000), session_.interrupted);
    return !session_.interrupted.stop_requested();
  }

  int Stop(const Error& error) {
    if (!session_.interrupted.stop_requested()) return session_.Fail(error);
    return session_.Fail(kFailed, plan::HowToGoOn(made_.size(), next_, request_.reprocess));
  }

  int Report() {
    const plan::BackfillEnd end = plan::EndOf(made_, last_);
    for (const std::string& line : end.lines) session_.err << line << "\n";
    session_.out << made_.size() << " runs made, " << end.succeeded << " succeeded, " << skipped_
                 << " times left out\n";
    return end.succeeded == made_.size() ? kOk : kFailed;
  }

  const Cluster& cluster_;
  const Request& request_;
  const int max_active_;
  Session& session_;
  std::string me_;
  std::vector<std::string> made_;
  std::optional<TimePoint> next_;  // whose run is not made yet
  std::size_t skipped_ = 0;
  std::vector<api::PipelineRun> last_;
};

}  // namespace

int RunBackfill(const BackfillOptions& options, Session& session) {
  if (!options.every.empty() && !options.schedule.empty())
    return session.Fail(kUsage, "give --schedule or --every, not both");
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const Result<Request> request = Read(options, *cluster, session.clock.Now());
  if (!request)
    return session.Fail(request.error().kind == ErrorKind::kInvalid ? kUsage : kFailed,
                        request.error().message);
  const Result<Listed> listed = ListRuns(*cluster, options.pipeline);
  if (!listed) return session.Fail(kFailed, listed.error().message);
  const auto steps = plan::PlanBackfill(options.pipeline, request->schedule.name,
                                        SettledOf(request->pipeline, request->schedule.name),
                                        request->times, listed->runs, request->reprocess);
  if (!options.dry_run) return Backfill(*cluster, *request, options.max_active, session).Run(steps);
  for (const plan::BackfillStep& step : steps) session.out << Line(step);
  return kOk;
}

}  // namespace penstock::cli
