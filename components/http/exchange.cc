#include "components/http/exchange.h"

#include <cerrno>
#include <fstream>

#include "components/http/webhook.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"
#include "operator/net/http_client.h"
#include "operator/net/proxy.h"
#include "operator/net/url.h"

namespace penstock::http {
namespace {

using std::chrono::steady_clock;

constexpr int kMostRedirects = 5;
constexpr std::chrono::milliseconds kConnectTimeout{10'000};

class Sender {
 public:
  Sender(const Request& request, const std::filesystem::path& file,
         const std::map<std::string, std::string>& environment, std::stop_token stop)
      : request_(request), file_(file), environment_(environment), stop_(std::move(stop)) {}

  Result<Answer> Run() {
    deadline_ = steady_clock::now() + request_.timeout;
    PENSTOCK_ASSIGN(net::Url url, Parsed(request_.url));
    const std::string origin = url.Origin();
    const bool follows = request_.method == "GET" || request_.method == "HEAD";
    for (int hop = 0; hop <= kMostRedirects; ++hop) {
      PENSTOCK_ASSIGN(net::HttpResponse reply, One(url));
      const std::string location(reply.Header("location"));
      if (!follows || reply.status / 100 != 3 || location.empty()) return Finish(reply);
      const std::string next = net::RedirectTarget(url, location);
      if (url.tls && next.starts_with("http://"))
        return Invalid("is led from https to http, which is not followed");
      PENSTOCK_ASSIGN(url, Parsed(next));
      const bool for_one = !request_.headers.empty() || request_.signature;
      if (url.Origin() != origin && for_one)
        return Invalid("is led to another server, " + url.Base() +
                       ", which gets none of this step's headers; where it may have them, name it "
                       "in url");
    }
    return Invalid("is redirected more than five times");
  }

 private:
  static Result<net::Url> Parsed(const std::string& text) {
    auto url = net::ParseUrl(text);
    if (url && url->target.empty()) url->target = "/";
    return url;
  }

  Result<net::HttpResponse> One(const net::Url& url) {
    net::HttpClientOptions how;
    how.connect_timeout = kConnectTimeout;
    auto proxy = net::ProxyFromEnvironment(url, environment_);
    if (!proxy) return proxy.error();
    how.proxy = *std::move(proxy);
    PENSTOCK_ASSIGN(const auto client, net::HttpClient::Make(url.Base(), how));
    net::HttpRequest sent;
    sent.method = request_.method;
    sent.target = url.target;
    sent.headers = {{"Accept-Encoding", "identity"}};
    sent.headers.insert(sent.headers.end(), request_.headers.begin(), request_.headers.end());
    sent.body = request_.body;
    if (request_.signature) {
      PENSTOCK_TRY(Sign(sent));
    }
    PENSTOCK_TRY(Restart());
    sent.on_body = [this](std::string_view bytes) -> Result<bool> {
      if (steady_clock::now() > deadline_)
        return Transient("its answer takes longer than " + FormatDuration(request_.timeout));
      PENSTOCK_TRY(Write(bytes));
      return true;
    };
    return client->Send(sent, {deadline_, request_.timeout, stop_});
  }

  Result<void> Sign(net::HttpRequest& sent) const {
    const auto& [key, id] = *request_.signature;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
    auto value = WebhookSignature(key, id, seconds, sent.body);
    if (!value) return Invalid("signingKey: what follows whsec_ is no base64");
    sent.headers.emplace_back("webhook-id", id);
    sent.headers.emplace_back("webhook-timestamp", std::to_string(seconds));
    sent.headers.emplace_back("webhook-signature", *std::move(value));
    return {};
  }

  Result<void> Restart() {
    out_.close();
    out_.clear();
    out_.open(file_, std::ios::binary | std::ios::trunc);
    bytes_ = 0;
    return Written();
  }

  Result<void> Write(std::string_view bytes) {
    bytes_ += bytes.size();
    if (bytes_ > request_.max_bytes) {
      Error error = Invalid("its answer has over " + std::to_string(request_.max_bytes) +
                            " bytes; allow more by maxBytes");
      error.kind = ErrorKind::kTooLarge;
      return error;
    }
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return Written();
  }

  Result<void> Written() const {
    if (out_.good()) return {};
    return FromErrno("writing " + file_.string(), errno != 0 ? errno : EIO);
  }

  Result<Answer> Finish(const net::HttpResponse& reply) {
    if (!reply.body.empty()) {
      PENSTOCK_TRY(Restart());
      PENSTOCK_TRY(Write(reply.body));
    }
    out_.close();
    PENSTOCK_TRY(Written());
    Answer answer{reply.status, {}, bytes_, reply.cut};
    for (const auto& [name, value] : reply.headers) answer.headers.emplace(name, value);
    return answer;
  }

  const Request& request_;
  const std::filesystem::path file_;
  const std::map<std::string, std::string>& environment_;
  const std::stop_token stop_;
  steady_clock::time_point deadline_;
  std::ofstream out_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<Answer> Send(const Request& request, const std::filesystem::path& file,
                    const std::map<std::string, std::string>& environment, std::stop_token stop) {
  auto answer = Sender(request, file, environment, std::move(stop)).Run();
  if (!answer) return Wrap(request.method + " " + ShownUri(request.url), answer.error());
  return answer;
}

}  // namespace penstock::http
