#include "operator/net/request_head.h"

#include <algorithm>

namespace penstock::net {
namespace {

constexpr std::uint64_t kExpectAbove = 64 * 1024;

}  // namespace

bool ExpectsContinue(const HttpRequest& request) {
  return request.source && request.content_length > kExpectAbove;
}

Result<std::string> HeadOf(const HttpRequest& request, const Url& url, const std::string& path,
                           const Proxy* proxy) {
  const auto odd = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  const std::string origin = proxy != nullptr ? "http://" + url.authority : "";
  std::string out = request.method + " " + origin + path + request.target + " HTTP/1.1\r\n";
  bool good = !HasControl(request.method) && !HasControl(request.target);
  const auto add = [&](const std::string& name, const std::string& value) {
    good = good && !HasControl(name) && std::none_of(value.begin(), value.end(), odd);
    out += name + ": " + value + "\r\n";
  };
  add("Host", url.authority);
  if (proxy != nullptr && !proxy->authorization.empty())
    add("Proxy-Authorization", proxy->authorization);
  for (const auto& [name, value] : request.headers) add(name, value);
  const bool bodiless = request.method == "GET" || request.method == "HEAD";
  const std::uint64_t length = request.source ? request.content_length : request.body.size();
  if (request.source || length > 0 || !bodiless) add("Content-Length", std::to_string(length));
  if (ExpectsContinue(request)) add("Expect", "100-continue");
  if (!good) return Invalid("a request with a control character in its head is not sent");
  return out + "\r\n";
}

}  // namespace penstock::net
