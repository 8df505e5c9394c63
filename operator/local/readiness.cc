#include "operator/local/readiness.h"

#include <chrono>

#include "operator/base/pause.h"
#include "operator/net/http_client.h"
#include "operator/net/stream.h"

namespace penstock::local {
namespace {

constexpr const char* kHere = "127.0.0.1";
constexpr std::chrono::milliseconds kFirstPause{200};  // between two questions before the first yes

net::Limits LimitsOf(const Json& probe, std::stop_token stop) {
  const std::chrono::seconds time(probe.value("timeoutSeconds", 1));
  return {
      .deadline = std::chrono::steady_clock::now() + time, .idle = time, .stop = std::move(stop)};
}

bool TakesConnections(const Json& tcp, net::Limits limits) {
  auto stream = net::Stream::Make();
  if (!stream) return false;
  stream->Limit(std::move(limits));
  const auto connected = stream->Connect({kHere}, tcp.at("port").get<std::uint16_t>());
  return connected.has_value();
}

bool Answers(const Json& get, const net::Limits& limits) {
  const std::string url = std::string("http://") + kHere + ":" + get.at("port").dump();
  const auto client = net::HttpClient::Make(url, {});
  if (!client) return false;
  net::HttpRequest request;
  request.target = get.value("path", "/");
  const auto answer = (*client)->Send(request, limits);
  return answer && answer->status >= 200 && answer->status < 400;
}

}  // namespace

const Json* ReadinessProbeOf(const Json& pod) {
  for (const Json& container : pod.at("spec").at("containers"))
    if (const auto probe = container.find("readinessProbe"); probe != container.end())
      return &*probe;
  return nullptr;
}

bool IsReady(const Json& probe, const ExecInContainer& exec, std::stop_token stop) {
  if (probe.contains("exec"))
    return exec(probe.at("exec").at("command").get<std::vector<std::string>>(), std::move(stop));
  const net::Limits limits = LimitsOf(probe, std::move(stop));
  if (probe.contains("tcpSocket")) return TakesConnections(probe.at("tcpSocket"), limits);
  return probe.contains("httpGet") && Answers(probe.at("httpGet"), limits);
}

void KeepAsking(const Json& probe, const ExecInContainer& exec,
                const std::function<void(bool ready)>& tell, std::stop_token stop) {
  // The kubelet's own defaults.
  const std::chrono::seconds period(probe.value("periodSeconds", 10));
  const int allowed = probe.value("failureThreshold", 3);
  bool ready = false;
  bool was_ready = false;
  int failures = 0;
  do {
    const bool holds = IsReady(probe, exec, stop);
    if (stop.stop_requested()) return;
    failures = holds ? 0 : failures + 1;
    const bool counts = holds || (ready && failures < allowed);
    if (counts != ready) tell(ready = counts);
    was_ready = was_ready || ready;
  } while (Pause(was_ready ? std::chrono::milliseconds(period) : kFirstPause, stop));
}

}  // namespace penstock::local
