#include "operator/rollouts/server_ask.h"

#include <chrono>
#include <utility>

#include "operator/net/http_client.h"

namespace penstock::rollouts {
namespace {

constexpr std::size_t kMostOfAnAnswer = 8UL << 20;

}  // namespace

Result<ServerAnswer> AskOverHttp(const rollout::ServerAddress& server, const ServerRequest& request,
                                 std::stop_token stop) {
  if (server.address.empty() || server.port == 0)
    return Transient("no pod of it is Ready with an address of its own");
  const bool v6 = server.address.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + server.address + "]" : server.address;
  auto client = net::HttpClient::Make("http://" + host + ":" + std::to_string(server.port), {});
  if (!client) return client.error();
  net::HttpRequest http;
  http.method = request.body.empty() ? "GET" : "POST";
  http.target = request.target;
  http.headers = {{"User-Agent", "penstock"}, {"Accept-Encoding", "identity"}};
  if (!request.body.empty()) http.headers.emplace_back("Content-Type", "application/json");
  http.body = request.body;
  http.max_body = kMostOfAnAnswer;
  net::Limits limits;
  limits.deadline = std::chrono::steady_clock::now() + request.most;
  limits.stop = std::move(stop);
  auto answer = (*client)->Send(http, limits);
  if (!answer) return Wrap("pod " + server.pod, answer.error());
  return ServerAnswer{answer->status, std::move(answer->body)};
}

}  // namespace penstock::rollouts
