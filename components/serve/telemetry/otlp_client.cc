#include "components/serve/telemetry/otlp_client.h"

#include <memory>

#include "operator/net/http_client.h"
#include "operator/net/url.h"

namespace penstock::serve {

constexpr std::uint16_t kOtlpPort = 4318;

Result<OtlpSend> MakeOtlpSend(const std::string& url, std::chrono::milliseconds limit) {
  const auto parsed = net::ParseUrl(url, kOtlpPort);
  if (!parsed) return Wrap("the OTLP endpoint", parsed.error());
  auto made = net::HttpClient::Make(parsed->Origin(), {});
  if (!made) return Wrap("the OTLP endpoint", made.error());
  net::HttpRequest post;
  post.method = "POST";
  post.target = parsed->target.size() > 1 ? parsed->target : "/v1/traces";
  post.headers = {{"Content-Type", "application/json"}};
  post.repeatable = true;  // spans have identifiers
  return OtlpSend([client = std::shared_ptr<net::HttpClient>(std::move(*made)),
                   where = "the collector " + parsed->Origin(), post,
                   limit](const std::string& body) -> Result<void> {
    net::HttpRequest request = post;
    request.body = body;
    const auto reply =
        client->Send(request, {.deadline = std::chrono::steady_clock::now() + limit});
    if (!reply) return Wrap(where, reply.error());
    if (reply->Good()) return {};
    return Transient(where + " answered " + std::to_string(reply->status));
  });
}

}  // namespace penstock::serve
