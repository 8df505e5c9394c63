#include "operator/routers/http_ask.h"

#include <utility>

#include "operator/net/http_client.h"
#include "operator/plan/router/names.h"

namespace penstock::routers {
namespace {

constexpr std::chrono::seconds kDeadline{1};
constexpr std::size_t kMostBytes = 16UL << 20;

}  // namespace

Result<std::string> AskRouter(const RouterPod& pod, const Clock& clock, std::stop_token stop,
                              std::chrono::seconds wait) {
  const bool v6 = pod.address.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + pod.address + "]" : pod.address;
  auto client = net::HttpClient::Make(
      "http://" + host + ":" + std::to_string(plan::kRouterAdminPort), net::HttpClientOptions());
  if (!client) return client.error();
  net::HttpRequest request;
  request.target = "/observations";
  if (wait.count() > 0) request.target += "?wait=" + std::to_string(wait.count());
  request.max_body = kMostBytes;
  request.repeatable = true;
  net::Limits limits;
  limits.deadline = clock.Steady() + kDeadline + wait;
  limits.stop = std::move(stop);
  auto answer = (*client)->Send(request, limits);
  if (!answer) return Wrap("router " + pod.name, answer.error());
  if (answer->status != 200)
    return Transient("router " + pod.name + " answered " + std::to_string(answer->status));
  return std::move(answer->body);
}

}  // namespace penstock::routers
