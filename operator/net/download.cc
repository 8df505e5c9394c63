#include "operator/net/download.h"

#include <algorithm>
#include <optional>

#include "operator/base/pause.h"
#include "operator/base/time.h"
#include "operator/base/try.h"
#include "operator/net/url.h"

namespace penstock::net {
namespace {

constexpr int kMostRedirects = 5;
constexpr int kNothingLeft = 416;

Error OfStatus(int status) {
  const std::string said = "the server answered " + std::to_string(status);
  if (status == 408 || status == 429 || status >= 500) return Transient(said);
  if (status == 401 || status == 403) return Error{ErrorKind::kForbidden, said};
  if (status == 404 || status == 410) return NotFound(said + ": there is nothing of that name");
  return Invalid(said);
}

std::optional<std::uint64_t> Number(std::string_view text) {
  if (text.empty() || text.size() > 18 ||
      text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return std::stoull(std::string(text));
}

class Transfer {
 public:
  Transfer(const Send& send, const TakeBytes& take, const DownloadOptions& options)
      : send_(send), take_(take), options_(options) {}

  Result<HttpResponse> Run() {
    auto pause = options_.first_pause;
    for (int failures = 0;;) {
      const std::uint64_t before = taken_;
      auto reply = Try();
      if (reply) return reply;
      if (fatal_) return *fatal_;
      if (taken_ > before) {
        failures = 0;
        pause = options_.first_pause;
      }
      if (!PassesByItself(reply.error().kind) || ++failures >= options_.tries) return reply;
      if (!Pause(reply.error().retry_after.value_or(pause), options_.stop))
        return Cancelled("stopped while fetching");
      pause = std::min(pause * 2, std::chrono::milliseconds(10'000));
    }
  }

 private:
  Result<HttpResponse> Try() {
    HttpRequest request;
    request.repeatable = true;
    request.headers = {{"User-Agent", "penstock"}, {"Accept-Encoding", "identity"}};
    if (taken_ > 0) request.headers.emplace_back("Range", "bytes=" + std::to_string(taken_) + "-");
    request.on_head = [this](const HttpResponse& head) { return OnHead(head); };
    request.on_body = [this](std::string_view bytes) { return OnBody(bytes); };
    auto reply = send_(request);
    if (!reply) return reply;
    if (reply->status == kNothingLeft && taken_ > 0) return reply;  // cut exactly at the end
    if (!reply->Good()) return OfStatus(reply->status);
    if (total_ && *total_ != taken_)
      return Transient("the server sent " + std::to_string(taken_) + " of " +
                       std::to_string(*total_) + " bytes");
    return reply;
  }

  Result<void> OnHead(const HttpResponse& head) {
    since_ = std::chrono::steady_clock::now();
    in_stretch_ = 0;
    const auto encoding = head.Header("content-encoding");
    if (!encoding.empty() && encoding != "identity")
      return Fatal(Invalid("the server compresses what was asked for as it is"));
    const auto length = Number(head.Header("content-length"));
    skip_ = 0;
    if (head.status == 206) {
      const std::string want = "bytes " + std::to_string(taken_) + "-";
      if (head.Header("content-range").rfind(want, 0) != 0)
        return Fatal(Invalid("the server answered a range that was not asked for"));
      if (length) total_ = taken_ + *length;
    } else {
      skip_ = taken_;  // it knows no ranges: what was taken comes once more
      total_ = length;
    }
    if (total_ && *total_ > options_.max_bytes) return Fatal(TooLarge());
    return {};
  }

  Result<bool> OnBody(std::string_view bytes) {
    if (!ComesOn(bytes.size()))
      return Transient("the server sends less than " + std::to_string(options_.least_bytes) +
                       " bytes in " + FormatDuration(options_.least_in));
    const auto known = std::min<std::uint64_t>(skip_, bytes.size());
    skip_ -= known;
    bytes.remove_prefix(known);
    if (bytes.empty()) return true;
    if (taken_ + bytes.size() > options_.max_bytes) return Fatal(TooLarge());
    if (auto taken = take_(bytes); !taken) return Fatal(taken.error());
    taken_ += bytes.size();
    return true;
  }

  // A body that does not come on has no end: each stretch of time brings so much, or it is over.
  bool ComesOn(std::size_t more) {
    in_stretch_ += more;
    const auto now = std::chrono::steady_clock::now();
    if (now - since_ < options_.least_in) return true;
    const bool enough = in_stretch_ >= options_.least_bytes;
    since_ = now;
    in_stretch_ = 0;
    return enough;
  }

  Error TooLarge() const {
    return {ErrorKind::kTooLarge, "it has more than " + std::to_string(options_.max_bytes) +
                                      " bytes, which is the most that is fetched"};
  }
  Error Fatal(Error error) {
    fatal_ = error;
    return error;
  }

  const Send& send_;
  const TakeBytes& take_;
  const DownloadOptions& options_;
  std::optional<Error> fatal_;  // no failure of the network: not tried again
  std::uint64_t taken_ = 0;
  std::uint64_t skip_ = 0;
  std::optional<std::uint64_t> total_;
  std::chrono::steady_clock::time_point since_;
  std::uint64_t in_stretch_ = 0;
};

}  // namespace

Result<HttpResponse> SendFollowing(const std::string& url, const HttpRequest& request,
                                   const Headers& private_headers, const FollowOptions& options) {
  std::string next = url, first;
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    auto where = ParseUrl(next);
    if (!where) return where.error();
    if (first.empty()) first = where->Origin();
    HttpClientOptions how = options.client;
    how.proxy.reset();
    if (options.proxy_for) {
      PENSTOCK_ASSIGN(how.proxy, options.proxy_for(*where));
    }
    PENSTOCK_ASSIGN(const auto client, HttpClient::Make(where->Base(), how));
    HttpRequest asked = request;
    asked.target = where->target.empty() ? "/" : where->target;
    if (where->Origin() == first)
      asked.headers.insert(asked.headers.end(), private_headers.begin(), private_headers.end());
    const Limits limits{std::min(options.deadline, std::chrono::steady_clock::now() + options.idle),
                        options.idle, options.stop};
    auto reply = client->Send(asked, limits);
    if (!reply) return Wrap("asking " + where->host, reply.error());
    const std::string location(reply->Header("location"));
    if (reply->status / 100 != 3 || location.empty()) return reply;
    if (where->tls && location.rfind("http://", 0) == 0)
      return Invalid(where->host + " leads from https to http, which is not followed");
    next = RedirectTarget(*where, location);
  }
  return Invalid("it redirects more than five times");
}

Result<HttpResponse> Download(const Send& send, const TakeBytes& take,
                              const DownloadOptions& options) {
  return Transfer(send, take, options).Run();
}

}  // namespace penstock::net
