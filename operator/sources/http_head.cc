#include "operator/sources/http_head.h"

#include "operator/net/url.h"

namespace penstock::sources {
namespace {

// "https://host", with a port where one is written: a server that knows itself by the Host header
// may not know "host:443".
std::string BaseOf(const net::Url& url) {
  return (url.tls ? "https://" : "http://") + url.authority;
}

// Where a redirect leads; relative ones stay on the host.
std::string Follow(const net::Url& from, const std::string& location) {
  if (location.rfind("http://", 0) == 0 || location.rfind("https://", 0) == 0) return location;
  if (!location.empty() && location[0] == '/') return BaseOf(from) + location;
  return BaseOf(from) + from.target.substr(0, from.target.rfind('/') + 1) + location;
}

Result<net::HttpResponse> Ask(const net::Url& url, const HeadOptions& options,
                              net::SteadyTime deadline) {
  net::HttpClientOptions how;
  how.allow_local = options.allow_local;
  auto client = net::HttpClient::Make(BaseOf(url), how);
  if (!client) return client.error();
  net::HttpRequest request;
  request.method = "HEAD";
  request.target = url.target;
  request.headers = {{"User-Agent", "penstock"}, {"Accept-Encoding", "identity"}};
  auto reply = (*client)->Send(request, {.deadline = deadline, .stop = options.stop});
  if (!reply) return Wrap("HEAD of " + url.host, reply.error());
  return reply;
}

}  // namespace

Result<net::HttpResponse> HttpHead(const std::string& url, const HeadOptions& options) {
  const auto deadline = std::chrono::steady_clock::now() + options.timeout;
  std::string next = url;
  for (int hop = 0; hop <= 5; ++hop) {
    if (options.stop.stop_requested()) return Cancelled("stopped while asking " + url);
    auto parsed = net::ParseUrl(next);
    if (!parsed) return parsed.error();
    if (parsed->target.empty()) parsed->target = "/";
    auto reply = Ask(*parsed, options, deadline);
    if (!reply) return reply;
    const std::string location(reply->Header("location"));
    if (reply->status / 100 != 3 || location.empty()) return reply;
    if (parsed->tls && location.rfind("http://", 0) == 0) {
      return Invalid(url + " leads from https to http, which is not followed");
    }
    next = Follow(*parsed, location);
  }
  return Transient(url + " redirects more than five times");
}

}  // namespace penstock::sources
