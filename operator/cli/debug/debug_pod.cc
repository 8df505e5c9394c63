#include "operator/cli/debug/debug_pod.h"

#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

constexpr int kAsleepSeconds = 3600;

std::string WhyWaiting(const Json& pod) {
  const Json status = pod.value("status", Json::object());
  for (const Json& container : status.value("containerStatuses", Json::array())) {
    const Json waiting = container.value("state", Json::object()).value("waiting", Json::object());
    if (!waiting.empty()) {
      return waiting.value("reason", "") + " " + waiting.value("message", "");
    }
  }
  return status.value("phase", "unknown");
}

}  // namespace

Json DebugTwin(const Json& pod) {
  const Json& old = pod.at("metadata");
  Json spec = pod.at("spec");
  for (const char* field : {"nodeName", "schedulerName", "priority", "activeDeadlineSeconds"}) {
    spec.erase(field);
  }
  spec["activeDeadlineSeconds"] = kAsleepSeconds;
  spec["restartPolicy"] = "Never";
  for (Json& step : spec["containers"]) {  // one, or several in turn
    step["command"] = {"/bin/sh", "-c", "sleep " + std::to_string(kAsleepSeconds)};
    step.erase("args");
  }
  std::string name = old.value("name", "step").substr(0, 57);
  while (name.ends_with('-')) name.pop_back();
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", name + "-debug"},
            {"namespace", old.value("namespace", "")},
            {"labels", {{"penstock.dev/debug", "true"}}},
            {"annotations", old.value("annotations", Json::object())}}},
          {"spec", std::move(spec)}};
}

Result<void> AwaitRunning(kube::Client& client, const std::string& ns, const std::string& pod,
                          std::stop_token stop) {
  std::string why = "it was not seen";
  for (int i = 0; i < 12; ++i) {
    const Result<Json> object = client.Get(kube::kPods, ns, pod, {.stop = stop});
    if (!object) return object.error();
    const std::string phase = object->value("status", Json::object()).value("phase", "");
    if (phase == "Running") return {};
    if (phase == "Failed" || phase == "Succeeded") {
      return Internal("pod " + pod + " has ended; its image may have no /bin/sh");
    }
    why = WhyWaiting(*object);
    kube::WatchOptions options;
    options.field_selector = "metadata.name=" + pod;
    options.resource_version = (*object)["metadata"].value("resourceVersion", "");
    options.server_timeout = std::chrono::seconds(10);
    Result<void> watched = client.Watch(
        kube::kPods, ns, options, [](kube::WatchEvent&) { return false; }, stop);
    if (!watched && watched.error().kind == ErrorKind::kCancelled) return watched;
    // Where it may not be watched it is looked at as often.
    if (!watched && !Pause(options.server_timeout, stop)) return Cancelled("interrupted");
  }
  return Transient("pod " + pod + " does not start: " + why);
}

Result<std::string> TaskConfigOf(kube::Client& client, const Json& pod) {
  for (const Json& volume : pod.at("spec").value("volumes", Json::array())) {
    if (volume.value("name", "") != "penstock-config") continue;
    const std::string name = volume.value("configMap", Json::object()).value("name", "");
    const Result<Json> map =
        client.Get(kube::kConfigMaps, pod["metadata"].value("namespace", ""), name);
    if (!map) return map.error();
    return map->value("data", Json::object()).value("config.json", "");
  }
  return std::string();
}

}  // namespace penstock::cli
