#include "operator/sources/http_head.h"

#include <optional>

#include "operator/base/shown_text.h"
#include "operator/net/url.h"

namespace penstock::sources {
namespace {

// HEAD, or the first byte by GET: an answer of the latter is given with its head alone.
Result<net::HttpResponse> Ask(const std::string& method, const net::Url& url,
                              const HeadOptions& options, net::SteadyTime deadline) {
  net::HttpClientOptions how;
  how.may_connect = options.may_ask;
  auto client = net::HttpClient::Make(url.Base(), how);
  if (!client) return client.error();
  net::HttpRequest request;
  request.method = method;
  request.target = url.target;
  request.headers = {{"User-Agent", "penstock"}, {"Accept-Encoding", "identity"}};
  std::optional<net::HttpResponse> head;
  if (method == "GET") {
    request.headers.emplace_back("Range", "bytes=0-0");
    request.on_body = [](std::string_view) -> Result<bool> { return false; };
    request.on_head = [&head](const net::HttpResponse& response) -> Result<void> {
      head = response;
      return Cancelled("its head is enough");  // a server may send all of it
    };
  }
  auto reply = (*client)->Send(request, {.deadline = deadline, .stop = options.stop});
  if (head) return *std::move(head);
  if (!reply) return Wrap(method + " of " + url.host, reply.error());
  return reply;
}

// What a server says that answers no HEAD, as one whose URL was signed for GET alone: asked for its
// first byte it may tell as much.
bool RefusesHead(int status) {
  return status == 400 || status == 401 || status == 403 || status == 405 || status == 501;
}

// An answer to a range as that to a HEAD: "Content-Range: bytes 0-0/1234" holds the length.
void AsHead(net::HttpResponse& reply) {
  const std::string range(reply.Header("content-range"));
  const bool empty = reply.status == 416 && range == "bytes */0";
  if (reply.status != 206 && !empty) return;
  reply.status = 200;
  std::erase_if(reply.headers, [](const auto& h) { return h.first == "content-length"; });
  const std::size_t slash = range.rfind('/');
  if (slash != std::string::npos && range.find('*', slash) == std::string::npos)
    reply.headers.emplace_back("content-length", range.substr(slash + 1));
}

}  // namespace

namespace {

Result<net::HttpResponse> Follow(const std::string& method, const std::string& url,
                                 const HeadOptions& options, net::SteadyTime deadline) {
  std::string next = url;
  for (int hop = 0; hop <= 5; ++hop) {
    if (options.stop.stop_requested()) return Cancelled("stopped while asking " + ShownUri(url));
    auto parsed = net::ParseUrl(next);
    if (!parsed) return parsed.error();
    if (parsed->target.empty()) parsed->target = "/";
    auto reply = Ask(method, *parsed, options, deadline);
    if (!reply) return reply;
    const std::string location(reply->Header("location"));
    if (reply->status / 100 != 3 || location.empty()) return reply;
    if (parsed->tls && location.rfind("http://", 0) == 0) {
      return Invalid(ShownUri(url) + " leads from https to http, which is not followed");
    }
    next = net::RedirectTarget(*parsed, location);
  }
  return Transient(ShownUri(url) + " redirects more than five times");
}

}  // namespace

Result<net::HttpResponse> HttpHead(const std::string& url, const HeadOptions& options) {
  const auto deadline = std::chrono::steady_clock::now() + options.timeout;
  auto reply = Follow("HEAD", url, options, deadline);
  if (!reply || !RefusesHead(reply->status)) return reply;
  auto first_byte = Follow("GET", url, options, deadline);
  if (!first_byte) return first_byte;
  AsHead(*first_byte);
  return first_byte;
}

}  // namespace penstock::sources
