#include "operator/local/pod_status.h"

#include "operator/base/json.h"

namespace penstock::local {
namespace {

Json Condition(const char* type, bool value, TimePoint now) {
  return {{"type", type},
          {"status", value ? "True" : "False"},
          {"lastTransitionTime", FormatTime(now)}};
}

Json Conditions(bool ready, TimePoint now) {
  return Json::array({Condition("PodScheduled", true, now), Condition("Initialized", true, now),
                      Condition("ContainersReady", ready, now), Condition("Ready", ready, now)});
}

Json ContainerStatus(const ContainerRun& run, bool ready, Json state) {
  return {{"name", run.name},         {"image", run.image}, {"imageID", ""},
          {"ready", ready},           {"restartCount", 0},  {"started", ready},
          {"state", std::move(state)}};
}

}  // namespace

Json PendingStatus(const std::string& reason, const std::string& message, TimePoint now) {
  Json scheduled = Condition("PodScheduled", reason.empty(), now);
  if (!reason.empty()) {
    scheduled["reason"] = reason;
    scheduled["message"] = message;
  }
  return {{"phase", "Pending"}, {"conditions", Json::array({scheduled})}};
}

Json RunningStatus(const ContainerRun& run) {
  const std::string started = FormatTime(run.started);
  return {{"phase", "Running"},
          {"startTime", started},
          {"hostIP", "127.0.0.1"},
          {"podIP", "127.0.0.1"},
          {"conditions", Conditions(true, run.started)},
          {"containerStatuses",
           Json::array({ContainerStatus(run, true, {{"running", {{"startedAt", started}}}})})}};
}

Json EndedStatus(const ContainerRun& run, const ContainerEnd& end) {
  Json terminated = {{"exitCode", end.exit_code},
                     {"reason", end.exit_code == 0 ? "Completed" : "Error"},
                     {"message", end.message},
                     {"startedAt", FormatTime(run.started)},
                     {"finishedAt", FormatTime(end.finished)}};
  if (end.signal != 0) terminated["signal"] = end.signal;
  return {{"phase", end.exit_code == 0 ? "Succeeded" : "Failed"},
          {"startTime", FormatTime(run.started)},
          {"conditions", Conditions(false, end.finished)},
          {"containerStatuses",
           Json::array({ContainerStatus(run, false, {{"terminated", std::move(terminated)}})})}};
}

bool HasEnded(const Json& pod) {
  const std::string phase = pod.value("status", Json::object()).value("phase", "");
  return phase == "Succeeded" || phase == "Failed";
}

}  // namespace penstock::local
