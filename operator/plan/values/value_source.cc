#include "operator/plan/values/value_source.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/time.h"

namespace penstock::plan {
namespace {

const Json* FindResult(const Reference& r, const ValueSource& source) {
  const api::StepStatus* status = source.status_of(r.path[1]);
  if (status == nullptr) return nullptr;
  const auto it = status->results.find(r.path[3]);
  return it == status->results.end() ? nullptr : &it->second;
}

std::string WhyLost(const Reference& r, const ValueSource& source) {
  const api::StepStatus* status = source.status_of(r.path[1]);
  return status == nullptr ? "" : plan::WhyOutOfReach(*status, r.path[3]);
}

// 0 of a step that succeeded; null where it did not end by an exit code of its program.
Json ExitCodeOf(const api::StepStatus* status) {
  if (status == nullptr) return {};
  if (status->phase == api::StepPhase::kSucceeded) return 0;
  return status->exit_code ? Json(*status->exit_code) : Json();
}

bool IsResult(const Reference& r) { return r.Is({"steps", "*", "results", "*"}); }

Result<Json> OfRun(const Reference& r, const ValueSource& source) {
  const std::string& name = r.path[1];
  const auto& meta = source.run.meta;
  if (name == "name") return Json(meta.name);
  if (name == "uid") return Json(meta.uid);
  if (name == "namespace") return Json(meta.namespace_);
  if (name == "pipeline") return Json(source.run.spec.pipeline_ref);
  if (name == "scheduledTime") return Json(FormatTime(api::ScheduledTime(source.run)));
  if (name == "creationTime") return Json(FormatTime(meta.created.value_or(TimePoint{})));
  if (source.run_so_far != nullptr && source.run_so_far->contains(name))
    return source.run_so_far->at(name);
  return Invalid(r.Text() +
                 " is not known before the run's other steps have ended: it can stand "
                 "in a step of finally only");
}

}  // namespace

bool HasNoEntry(const api::StepStatus& ended) {
  return ended.phase == api::StepPhase::kSucceeded && ended.reason == kNoEntry;
}

std::string WhyOutOfReach(const api::StepStatus& ended, const std::string& result) {
  if (HasNoEntry(ended))
    return "what step " + ended.name +
           " gave is not known any more, as the run's status had no room for its entry; make a "
           "Pipeline of some of the run's steps";
  // Of a loop that succeeded every list is a file; those that fit are in the status too.
  const bool too_long = ended.items && std::any_of(ended.outputs.begin(), ended.outputs.end(),
                                                   [&](const auto& o) { return o.name == result; });
  return too_long ? "the list is over 64 KiB; take it as a file: $(steps." + ended.name +
                        ".outputs." + result + ")"
                  : "";
}

bool IsAbsentResult(const Reference& r, const ValueSource& source) {
  if (r.IsJust({"steps", "*", "exitCode"}))
    return ExitCodeOf(source.status_of(r.path[1])).is_null();
  return IsResult(r) && FindResult(r, source) == nullptr && WhyLost(r, source).empty();
}

Result<Json> LookUp(const Reference& r, const ValueSource& source) {
  if (IsResult(r)) {
    const Json* result = FindResult(r, source);
    const std::string why = result == nullptr ? WhyLost(r, source) : "";
    if (!why.empty()) return Invalid(r.Text() + ": " + why);
    if (result == nullptr)
      return NotFound("step " + r.path[1] + " gave no result '" + r.path[3] + "'");
    return Select(*result, r, 4);
  }
  if (r.IsJust({"steps", "*", "status"})) {
    const api::StepStatus* status = source.status_of(r.path[1]);
    if (status != nullptr) return Json(api::Name(status->phase));
    return NotFound("there is no step '" + r.path[1] + "'");
  }
  if (r.IsJust({"steps", "*", "exitCode"})) {
    Json code = ExitCodeOf(source.status_of(r.path[1]));
    if (!code.is_null()) return code;
    return NotFound("step " + r.path[1] + " did not end by an exit code of its program");
  }
  if (r.IsJust({"steps", "*", "address"})) {
    const api::StepStatus* status = source.status_of(r.path[1]);
    if (status != nullptr && !status->address.empty()) return Json(status->address);
    return NotFound("the daemon " + r.path[1] + " does not serve now");
  }
  if (r.Is({"run", "*"})) {
    auto value = OfRun(r, source);
    return value ? Select(*value, r, 2) : value;
  }
  if (r.Is({"each"}) && source.each != nullptr) return Select(*source.each, r, 1);
  return Invalid(r.Text() + " cannot stand in a parameter");
}

}  // namespace penstock::plan
