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

Json RunningStatus(const std::vector<ContainerRun>& runs, bool ready, TimePoint since) {
  const std::string started = FormatTime(runs.front().started);
  Json statuses = Json::array();
  for (const ContainerRun& run : runs)
    statuses.push_back(
        ContainerStatus(run, ready, {{"running", {{"startedAt", FormatTime(run.started)}}}}));
  return {{"phase", "Running"},
          {"startTime", started},
          {"hostIP", "127.0.0.1"},
          {"podIP", "127.0.0.1"},
          {"conditions", Conditions(ready, since)},
          {"containerStatuses", std::move(statuses)}};
}

Json EndedStatus(const std::vector<ContainerRun>& runs, const std::vector<ContainerEnd>& ends) {
  Json statuses = Json::array();
  bool failed = false;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const ContainerEnd& end = ends[i];
    Json terminated = {{"exitCode", end.exit_code},
                       {"reason", end.exit_code == 0 ? "Completed" : "Error"},
                       {"message", end.message},
                       {"startedAt", FormatTime(runs[i].started)},
                       {"finishedAt", FormatTime(end.finished)}};
    if (end.signal != 0) terminated["signal"] = end.signal;
    failed = failed || end.exit_code != 0;
    statuses.push_back(ContainerStatus(runs[i], false, {{"terminated", std::move(terminated)}}));
  }
  return {{"phase", failed ? "Failed" : "Succeeded"},
          {"startTime", FormatTime(runs.front().started)},
          {"conditions", Conditions(false, ends.back().finished)},
          {"containerStatuses", std::move(statuses)}};
}

bool HasEnded(const Json& pod) {
  const std::string phase = pod.value("status", Json::object()).value("phase", "");
  return phase == "Succeeded" || phase == "Failed";
}

}  // namespace penstock::local
