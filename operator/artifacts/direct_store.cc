#include "operator/artifacts/direct_store.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "operator/base/json.h"
#include "operator/net/proxy.h"
#include "operator/net/url.h"

namespace penstock::artifacts {
namespace {

constexpr std::chrono::milliseconds kDirectConnectTimeout{10'000};

std::map<std::string, std::string> ProxyVariables() {
  std::map<std::string, std::string> out;
  for (const char* name :
       {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"})
    if (const char* value = std::getenv(name); value != nullptr) out[name] = value;
  return out;
}

// What a store's answer means for this way: an expired URL is 403, and one that was not is refused
// again with the next.
DirectStore::Outcome OutcomeOf(int status) {
  if (status >= 200 && status < 300) return DirectStore::Outcome::kDone;
  const bool again = status == 403 || status == 408 || status == 429 || status >= 500;
  return again ? DirectStore::Outcome::kAgain : DirectStore::Outcome::kNotSo;
}

}  // namespace

std::optional<DirectWay> ParseDirectWay(const std::string& answer) {
  const auto parsed = ParseJson(answer, "answer");
  if (!parsed || !parsed->is_object()) return std::nullopt;
  const auto text = [&](const char* name) {
    const auto found = parsed->find(name);
    return found != parsed->end() && found->is_string() ? found->get<std::string>() : "";
  };
  DirectWay way;
  const auto stored = parsed->find("stored");
  way.stored = stored != parsed->end() && stored->is_boolean() && stored->get<bool>();
  way.url = text("url");
  way.ca_pem = text("ca");
  if (!way.stored && way.url.empty()) return std::nullopt;
  const auto headers = parsed->find("headers");
  if (headers == parsed->end() || !headers->is_object()) return way;
  for (const auto& [name, value] : headers->items())
    if (value.is_string()) way.headers.emplace_back(name, value.get<std::string>());
  return way;
}

Result<std::shared_ptr<net::HttpClient>> DirectStore::ClientOf(const DirectWay& way,
                                                               std::string& target) {
  const auto url = net::ParseUrl(way.url);
  if (!url) return url.error();
  target = url->target;
  const std::string key = url->Base() + "\n" + way.ca_pem;
  const std::lock_guard lock(mutex_);
  if (const auto known = clients_.find(key); known != clients_.end()) return known->second;
  net::HttpClientOptions options;
  options.tls.ca_pem = way.ca_pem;
  options.connect_timeout = kDirectConnectTimeout;
  auto proxy = net::ProxyFromEnvironment(*url, ProxyVariables());
  if (!proxy) return proxy.error();
  options.proxy = *std::move(proxy);
  auto made = net::HttpClient::Make(url->Base(), options);
  if (!made) return made.error();
  return clients_[key] = std::shared_ptr<net::HttpClient>(*std::move(made));
}

Result<DirectStore::Outcome> DirectStore::Put(const DirectWay& way, std::uint64_t bytes,
                                              std::function<Result<std::string_view>()> source) {
  net::HttpRequest request;
  request.method = "PUT";
  request.headers = way.headers;
  request.content_length = bytes;
  std::optional<Error> failed;
  request.source = [&] {
    auto piece = source();
    if (!piece) failed = piece.error();
    return piece;
  };
  const auto client = ClientOf(way, request.target);
  if (!client) return Outcome::kNotSo;
  const auto answer = (*client)->Send(request, limits_);
  if (failed) return *failed;
  if (answer && answer->status == 412) return Outcome::kDone;  // another put the same
  if (answer) return OutcomeOf(answer->status);
  if (answer.error().kind == ErrorKind::kCancelled) return answer.error();
  return PassesByItself(answer.error().kind) ? Outcome::kAgain : Outcome::kNotSo;
}

Result<DirectStore::Outcome> DirectStore::Get(const DirectWay& way, TargetFile& file) {
  net::HttpRequest request;
  request.headers = way.headers;
  const std::uint64_t offset = file.written();
  if (offset > 0) request.headers.emplace_back("Range", "bytes=" + std::to_string(offset) + "-");
  std::optional<Error> failed;
  request.on_head = [&](const net::HttpResponse& head) -> Result<void> {
    const std::string want = "bytes " + std::to_string(offset) + "-";
    if (offset == 0 || head.Header("content-range").rfind(want, 0) == 0) return {};
    auto again = file.Restart();
    if (!again) failed = again.error();
    return again;
  };
  request.on_body = [&](std::string_view piece) -> Result<bool> {
    auto written = file.Write(piece);
    if (!written) failed = written.error();
    return written ? Result<bool>(true) : written.error();
  };
  const auto client = ClientOf(way, request.target);
  if (!client) return Outcome::kNotSo;
  const auto answer = (*client)->Send(request, limits_);
  if (failed) return *failed;
  if (answer && answer->status == 416) return Outcome::kDone;  // nothing is left to ask for
  if (answer) return OutcomeOf(answer->status);
  if (answer.error().kind == ErrorKind::kCancelled) return answer.error();
  return PassesByItself(answer.error().kind) ? Outcome::kAgain : Outcome::kNotSo;
}

}  // namespace penstock::artifacts
