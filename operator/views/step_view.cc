// One step told whole: why it is as it is, its attempts, what it read and gave.
#include <algorithm>

#include "operator/api/codec.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/views/object_rows.h"
#include "operator/views/run/json_out.h"
#include "operator/views/run/used_inputs.h"
#include "operator/views/run_view.h"
#include "operator/views/step_rows.h"

namespace penstock::views {
namespace {

constexpr int kMostAttempts = 20;
constexpr std::size_t kMostEvents = 100;

class StepTeller {
 public:
  StepTeller(const Place& place, const FoundRun& run, const std::string& step,
             const std::stop_token& stop)
      : place_(place), run_(run.known), name_(step), stop_(stop) {
    if (run_.resolved) spec_ = run_.resolved->Find(step);
    status_ = run_.Step(step);
  }

  [[nodiscard]] Result<Json> Tell() {
    PENSTOCK_ASSIGN(Json view, Row());
    Put(view, "why", Why());
    PENSTOCK_ASSIGN(view["attempts"], Attempts());
    if (spec_ != nullptr) PutSpec(view);
    view["inputs"] = Inputs();
    view["outputs"] = Outputs();
    view["results"] = status_ == nullptr ? Json::object() : Json(status_->results);
    if (status_ != nullptr) {
      Put(view, "cacheMiss", status_->cache_miss);
      Put(view, "cacheKey", status_->cache_key);
    }
    PENSTOCK_ASSIGN(view["events"], Events());
    return view;
  }

 private:
  [[nodiscard]] Result<Json> Row() const {
    std::string names;
    for (Json& row : StepRows(place_, run_)) {
      if (row["name"] == name_) return std::move(row);
      names += (names.empty() ? "" : ", ") + row["name"].get<std::string>();
    }
    return NotFound("run " + run_.run.meta.name + " has no step " + plan::Shown(name_, 80) +
                    "; it has " + plan::Shown(names, 400));
  }

  // A sentence; empty where nothing needs to be said.
  [[nodiscard]] std::string Why() const {
    if (status_ == nullptr || status_->phase == api::StepPhase::kWaiting) return WhyItWaits();
    std::string reason = status_->reason +
                         (status_->reason.empty() || status_->message.empty() ? "" : ": ") +
                         status_->message;
    if (status_->cached)
      return "its outputs came from the cache" +
             (status_->cached_from.empty() ? "" : "; run " + status_->cached_from + " made them");
    if (status_->phase == api::StepPhase::kSucceeded) return reason;
    return reason.empty() ? std::string("it is ") + api::Name(status_->phase) : reason;
  }

  [[nodiscard]] std::string WhyItWaits() const {
    if (status_ != nullptr && !status_->message.empty()) return status_->message;
    std::string open;
    if (spec_ != nullptr) {
      for (const api::Dependency& d : spec_->depends_on) {
        const api::StepStatus* other = run_.Step(d.step);
        if (other != nullptr && IsFinal(other->phase)) continue;
        open += (open.empty() ? "" : ", ") + d.step;
      }
    }
    if (!open.empty()) return "it waits for " + open;
    if (!run_.run.status.finish_time) return "it waits for its turn";
    return "the run ended before it";
  }

  void PutSpec(Json& view) const {
    Json command = Json::array();
    for (const api::ContainerSpec* program : spec_->Programs()) {
      for (const auto* words : {&program->command, &program->args})
        for (const std::string& word : *words) command.push_back(word);
    }
    view["command"] = std::move(command);
    if (!spec_->resources.is_null()) view["resources"] = spec_->resources;
    Json depends = Json::array();
    for (const api::Dependency& d : spec_->depends_on) depends.push_back(d.step);
    view["dependsOn"] = std::move(depends);
    if (!spec_->when.empty()) view["when"] = spec_->when;
    Json parameters = Json::object();
    for (const auto& [name, value] : spec_->parameters)
      if (!value.pending) parameters[name] = ShownValue(value.value);
    view["parameters"] = std::move(parameters);
    if (spec_->approval) view["approval"] = ApprovalForm(*spec_->approval);
  }

  // What is filled in by who decides; what it is about stands in the step's message.
  static Json ApprovalForm(const api::ApprovalStep& approval) {
    Json values = Json::array();
    for (const api::ParameterSpec& value : approval.values) values.push_back(ParameterRow(value));
    return {{"need", approval.need}, {"values", std::move(values)}};
  }

  // What a pod that still stands says beyond the record.
  void PutPod(const Json& object, Json& attempt) {
    const plan::PodFact pod = plan::DecodePod(object);
    Put(attempt, "node", object.value("spec", Json::object()).value("nodeName", ""));
    Put(attempt, "queued", pod.created);
    if (pod.started) attempt["started"] = FormatTime(*pod.started);
    if (pod.finished) attempt["finished"] = FormatTime(*pod.finished);
    if (pod.exit_code) attempt["exitCode"] = *pod.exit_code;
    if (pod.termination_message.empty()) return;
    const Result<TerminationMessage>& message = pod.termination_message.Read();
    if (!message) return;  // another program wrote it
    attempt["exitCode"] = message->exit_code;
    Put(attempt, "message", plan::Shown(message->message));
    Put(attempt, "lastWords", plan::Shown(message->last_words, kMaxLastWords));
  }

  [[nodiscard]] Result<Json> Attempts() {
    Json list = Json::array();
    if (status_ == nullptr || status_->items || !status_->run.empty()) return list;
    std::map<int, metadata::StepRecord> known;
    auto recorded = place_.history().Attempts(run_.run.meta.uid, name_);
    if (!recorded && recorded.error().kind != ErrorKind::kNotFound) return recorded.error();
    if (recorded) {
      for (metadata::StepRecord& a : *recorded) known[a.attempt] = std::move(a);
    }
    const int first = std::max(1, status_->attempts - kMostAttempts + 1);
    for (int n = first; n <= status_->attempts; ++n) {
      PENSTOCK_ASSIGN(Json one, Attempt(n, known));
      list.push_back(std::move(one));
    }
    return list;
  }

  [[nodiscard]] Result<Json> Attempt(int n, const std::map<int, metadata::StepRecord>& known) {
    Json attempt{{"attempt", n}};
    const api::ObjectMeta& meta = run_.run.meta;
    const bool newest = n == status_->attempts;
    std::string pod = newest ? status_->pod : "";
    if (const auto record = known.find(n); record != known.end()) {
      if (pod.empty()) pod = record->second.pod;
      Put(attempt, "phase", record->second.phase);
      Put(attempt, "reason", record->second.reason);
      Put(attempt, "started", record->second.started);
      Put(attempt, "finished", record->second.finished);
    }
    if (newest) {
      attempt["phase"] = api::Name(status_->phase);
      Put(attempt, "reason", status_->reason);
      Put(attempt, "message", status_->message);
      if (status_->exit_code) attempt["exitCode"] = *status_->exit_code;
    } else {
      attempt["phase"] = "Failed";  // or there would be no later one
    }
    if (pod.empty() && !status_->cached) pod = plan::PodName(meta.name, meta.uid, name_, n);
    Put(attempt, "pod", pod);
    if (pod.empty()) return attempt;
    pods_.push_back(pod);
    const auto object = place_.Get(kube::kPods, meta.namespace_, pod, stop_);
    if (object)
      PutPod(*object, attempt);
    else if (object.error().kind != ErrorKind::kNotFound)
      return object.error();
    return attempt;
  }

  [[nodiscard]] Json Inputs() const {
    Json list = Json::array();
    for (const UsedInput& used : UsedInputs(run_, name_)) {
      Json use{{"name", used.input.name}};
      Put(use, "type", used.input.type);
      if (used.input.artifact) {
        use["digest"] = used.input.artifact->digest;
        use["bytes"] = used.input.artifact->bytes;
        use["folder"] = used.input.artifact->folder;
      }
      Put(use, "uri", ShownUri(used.input.uri));
      Put(use, "fingerprint", used.fingerprint);
      Put(use, "fromStep", used.from_step);
      list.push_back(std::move(use));
    }
    return list;
  }

  [[nodiscard]] Json Outputs() const {
    Json list = Json::array();
    if (status_ == nullptr) return list;
    for (const api::StepOutput& o : status_->outputs)
      list.push_back({{"name", o.name},
                      {"type", o.type},
                      {"digest", o.digest},
                      {"bytes", o.bytes},
                      {"folder", o.folder}});
    return list;
  }

  // Of the newest attempts' pods, by time.
  [[nodiscard]] Result<Json> Events() const {
    std::vector<Json> all;
    for (const std::string& pod : pods_) {
      PENSTOCK_ASSIGN(auto events, place_.Events(run_.run.meta.namespace_, pod, stop_));
      for (const Json& event : events) all.push_back(EventRow(event));
    }
    std::stable_sort(all.begin(), all.end(), [](const Json& a, const Json& b) {
      return a.value("time", "") < b.value("time", "");
    });
    if (all.size() > kMostEvents) all.erase(all.begin(), all.end() - kMostEvents);
    return Json(all);
  }

  static Json EventRow(const Json& event) {
    const auto text = [&](const char* key) {
      const auto it = event.find(key);
      return it != event.end() && it->is_string() ? it->get<std::string>() : "";
    };
    Json row{{"type", text("type")}, {"reason", text("reason")}};
    Put(row, "message", plan::Shown(text("note")));
    const Json series = event.value("series", Json::object());
    int count = event.value("deprecatedCount", 1);
    std::string time = text("eventTime");
    if (time.empty()) time = text("deprecatedLastTimestamp");
    if (series.is_object() && series.contains("count")) {
      count = series.value("count", 1);
      time = series.value("lastObservedTime", time);
    }
    if (const auto at = ParseTime(time)) row["time"] = FormatTime(*at);
    row["count"] = std::max(1, count);
    return row;
  }

  const Place& place_;
  const KnownRun& run_;
  const std::string& name_;
  const std::stop_token& stop_;
  const plan::ResolvedStep* spec_ = nullptr;
  const api::StepStatus* status_ = nullptr;
  std::vector<std::string> pods_;
};

}  // namespace

Result<Json> StepView(const Place& place, const std::string& ns, const std::string& run,
                      const std::string& step, const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const FoundRun found, FindRun(place, ns, run, stop));
  return StepTeller(place, found, step, stop).Tell();
}

}  // namespace penstock::views
