#include "operator/s3/client.h"

#include <algorithm>
#include <ctime>
#include <random>
#include <utility>

#include "operator/base/pause.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"
#include "operator/fetch/pace.h"
#include "operator/s3/refusal.h"
#include "operator/s3/xml.h"

namespace penstock::s3 {
namespace {

constexpr std::chrono::milliseconds kLongestPause{5'000};
constexpr std::chrono::seconds kAnswerTime{120};  // of a whole answer without a streamed body
constexpr std::size_t kMaxKeyLength = 1024;       // by S3's own limit

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
std::optional<TimePoint> ParseHttpDate(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != text.npos)
    return std::nullopt;
  return std::stoull(std::string(text));
}

ObjectInfo InfoOf(const net::HttpResponse& answer) {
  ObjectInfo info;
  info.size = ParseNumber(answer.Header("content-length")).value_or(0);
  info.etag = answer.Header("etag");
  info.crc32c = answer.Header("x-amz-checksum-crc32c");
  info.version = answer.Header("x-amz-version-id");
  info.modified = ParseHttpDate(std::string(answer.Header("last-modified"))).value_or(TimePoint{});
  return info;
}

// "bytes 5-9/10": where it begins, and how long the whole is.
std::optional<std::pair<std::uint64_t, std::uint64_t>> ParseContentRange(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == text.npos || slash == text.npos) return std::nullopt;
  const auto first = ParseNumber(text.substr(0, dash));
  const auto whole = ParseNumber(text.substr(slash + 1));
  if (!first || !whole) return std::nullopt;
  return std::pair{*first, *whole};
}

Result<void> CheckBucket(const std::string& bucket) {
  const bool good =
      bucket.size() >= 3 && bucket.size() <= 63 &&
      bucket.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos &&
      bucket.front() != '-' && bucket.front() != '.';
  if (good) return {};
  return Invalid("bucket '" + bucket.substr(0, 80) +
                 "' is no bucket's name: 3 to 63 of a-z, 0-9, '-' and '.'");
}

constexpr const char* kKeptEncoding = "x-goog-stored-content-encoding";

// Google sends another body than it keeps, of no length and without ranges.
bool IsUnpacked(const net::HttpResponse& head) {
  const auto kept = head.Header(kKeptEncoding);
  return !kept.empty() && kept != "identity" && head.Header("content-encoding").empty();
}

Result<net::Url> UrlOf(const BucketSettings& settings) {
  const std::string endpoint = EndpointOf(settings);
  auto url = net::ParseUrl(endpoint);
  if (!url) return Wrap("endpoint", url.error());
  if (url->target.find_first_not_of('/') != std::string::npos)
    return Invalid("endpoint '" + endpoint + "' has a path; it is https://host[:port] alone");
  if (settings.path_style) return url;
  if (url->tls && settings.bucket.find('.') != std::string::npos)
    return Invalid("bucket '" + settings.bucket +
                   "' has a dot: no certificate is good for it as a host name; set pathStyle");
  url->host = settings.bucket + "." + url->host;
  url->authority = settings.bucket + "." + url->authority;
  return url;
}

}  // namespace

std::string EndpointOf(const BucketSettings& settings) {
  if (!settings.endpoint.empty()) return settings.endpoint;
  return "https://s3." + settings.region + ".amazonaws.com";
}

Body BodyOf(std::string_view text) {
  auto sent = std::make_shared<bool>(false);
  Body body;
  body.size = text.size();
  body.next = [text, sent]() -> Result<std::string_view> {
    return std::exchange(*sent, true) ? std::string_view() : text;
  };
  body.rewind = [sent]() -> Result<void> {
    *sent = false;
    return {};
  };
  body.sha256 = Sha256Hex(text);
  return body;
}

Client::Client(BucketSettings settings, net::Url url, std::unique_ptr<net::HttpClient> http,
               std::shared_ptr<Credentials> credentials, const Clock& clock)
    : settings_(std::move(settings)),
      url_(std::move(url)),
      http_(std::move(http)),
      credentials_(std::move(credentials)),
      clock_(clock) {}

Result<std::unique_ptr<Client>> Client::Make(BucketSettings settings,
                                             std::shared_ptr<Credentials> credentials,
                                             const Clock& clock) {
  PENSTOCK_TRY(CheckBucket(settings.bucket));
  if (settings.region.empty()) return Invalid("region is empty");
  PENSTOCK_ASSIGN(net::Url url, UrlOf(settings));
  net::HttpClientOptions options;
  options.tls.ca_pem = settings.ca_pem;
  options.proxy = settings.proxy;
  auto http = net::HttpClient::Make(url.Base(), options);
  if (!http) return Wrap("endpoint", http.error());
  return std::unique_ptr<Client>(new Client(std::move(settings), std::move(url), *std::move(http),
                                            std::move(credentials), clock));
}

std::string Client::Name(const std::string& key) const {
  return settings_.scheme + "://" + settings_.bucket + "/" + key;
}

std::string Client::PathOf(const std::string& key) const {
  std::string path = settings_.path_style ? "/" + settings_.bucket : "";
  if (!key.empty() || path.empty()) path += "/" + key;
  return net::EncodePath(path);
}

std::string Client::Asked(const Ask& ask) const {
  std::string query;
  for (const auto& [name, value] : ask.query)
    if (value.empty()) query += (query.empty() ? "?" : "&") + name;
  return ask.method + " " + Name(ask.key) + query;
}

TimePoint Client::Now() const { return clock_.Now() + std::chrono::milliseconds(ahead_ms_); }

bool Client::Pause(int failures, const Error& error, const std::stop_token& stop) const {
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto top =
      std::min(kLongestPause, settings_.first_pause * (1 << std::min(failures - 1, 8)));
  const auto count = static_cast<int>(top.count());
  std::chrono::milliseconds wait(std::uniform_int_distribution<int>(count / 2, count)(random));
  if (error.retry_after) wait = std::min(std::max(wait, *error.retry_after), 4 * kLongestPause);
  penstock::Pause(wait, stop);
  return !stop.stop_requested();
}

Result<net::HttpResponse> Client::SendOnce(const Ask& ask, bool& keys_refused,
                                           const std::stop_token& stop) const {
  if (ask.key.size() > kMaxKeyLength) return Invalid(Asked(ask) + ": the key is over 1024 bytes");
  auto keys = credentials_->Keys(stop);
  if (!keys) return Wrap(Asked(ask), keys.error());
  net::HttpRequest request;
  request.method = ask.method;
  const std::string path = PathOf(ask.key);
  const std::string query = net::CanonicalQuery(ask.query);
  request.target = query.empty() ? path : path + "?" + query;
  std::string payload = Sha256Hex(ask.text);
  if (ask.body != nullptr) {
    payload = ask.body->sha256.empty() ? net::kUnsignedPayload : ask.body->sha256;
    request.source = ask.body->next;
    request.content_length = ask.body->size;
  } else {
    request.body = ask.text;
    request.repeatable = true;
  }
  request.headers = ask.headers;
  if (!keys->access_key.empty())
    request.headers = net::SignHeaders({ask.method, url_.authority, path, ask.query, ask.headers},
                                       payload, *keys, {settings_.region, "s3"}, Now());
  request.on_head = ask.on_head;
  request.on_body = ask.on_body;
  request.max_body = kMaxXmlBytes;
  net::Limits limits;
  limits.idle = settings_.idle;
  limits.stop = stop;
  if (ask.body == nullptr) limits.deadline = std::chrono::steady_clock::now() + kAnswerTime;
  auto answer = http_->Send(request, limits);
  if (!answer) return Wrap(Asked(ask), answer.error());
  const bool late = answer->Good() && ask.may_fail_late && !ReadRefusal(*answer).code.empty();
  if (answer->Good() && !late) return answer;
  const Refusal refusal = ReadRefusal(*answer);
  Error error = ErrorOf(refusal, Asked(ask));
  // A failure that comes behind a 200 has its code alone.
  if (late && error.kind == ErrorKind::kInvalid) error.kind = ErrorKind::kTransient;
  const std::string after(answer->Header("retry-after"));
  if (const auto seconds = ParseNumber(after); seconds && *seconds < 1000)
    error.retry_after = std::chrono::seconds(*seconds);
  keys_refused = RefusesKeys(refusal);
  if (refusal.code == "RequestTimeTooSkewed") {
    if (const auto theirs = ParseHttpDate(std::string(answer->Header("date")))) {
      ahead_ms_ =
          std::chrono::duration_cast<std::chrono::milliseconds>(*theirs - clock_.Now()).count();
      keys_refused = true;
    }
  }
  return error;
}

Result<net::HttpResponse> Client::Send(const Ask& ask, std::stop_token stop) const {
  bool renewed = false;
  for (int failures = 1;; ++failures) {
    bool keys_refused = false;
    auto answer = SendOnce(ask, keys_refused, stop);
    if (answer) return answer;
    const Error& error = answer.error();
    const bool again_at_once = keys_refused && !renewed;
    if (!again_at_once && (!PassesByItself(error.kind) || error.kind == ErrorKind::kNoSpace ||
                           failures >= settings_.tries))
      return error;
    if (ask.body != nullptr) {
      if (!ask.body->rewind) return error;
      if (auto ready = ask.body->rewind(); !ready) return ready.error();
    }
    if (again_at_once) {
      renewed = true;
      credentials_->Refused();
    } else if (!Pause(failures, error, stop)) {
      return Cancelled(Asked(ask) + ": stopped");
    }
  }
}

Result<ObjectInfo> Client::Put(const std::string& key, const Body& body, const PutOptions& options,
                               std::stop_token stop) const {
  Ask ask{.method = "PUT", .key = key, .headers = options.headers};
  ask.body = &body;
  if (options.only_new) ask.headers.emplace_back("If-None-Match", "*");
  auto answer = Send(ask, std::move(stop));
  if (!answer) return answer.error();
  ObjectInfo info = InfoOf(*answer);
  info.size = body.size;
  return info;
}

Result<ObjectInfo> Client::Head(const std::string& key, std::stop_token stop) const {
  const Ask ask{.method = "HEAD", .key = key, .headers = {{"x-amz-checksum-mode", "ENABLED"}}};
  auto answer = Send(ask, std::move(stop));
  if (!answer) return answer.error();
  return InfoOf(*answer);
}

Result<ObjectInfo> Client::Get(const std::string& key, Range range, const Sink& sink,
                               std::stop_token stop) const {
  ObjectInfo info;
  std::uint64_t got = 0;
  bool known = false;
  std::optional<Error> sunk;  // the sink's own: it ends the call
  for (int failures = 1;; ++failures) {
    const std::uint64_t from = range.offset + got;
    const bool whole = from == 0 && range.length == UINT64_MAX;
    Ask ask{.method = "GET", .key = key};
    const std::string last =
        range.length == UINT64_MAX ? "" : std::to_string(range.offset + range.length - 1);
    if (!whole) ask.headers.emplace_back("Range", "bytes=" + std::to_string(from) + "-" + last);
    const std::string meant = known ? info.etag : range.etag;
    if (!meant.empty()) ask.headers.emplace_back("If-Match", meant);
    const std::uint64_t before = got;
    fetch::Pace pace(settings_.least_bytes, settings_.least_in);
    ask.on_head = [&](const net::HttpResponse& head) -> Result<void> {
      pace.Begin();
      if (IsUnpacked(head)) {
        sunk = Invalid(Asked(ask) + ": is kept with Content-Encoding: " +
                       std::string(head.Header(kKeptEncoding)) +
                       ", which the store takes off on the way, so that there is no length to hold "
                       "it to; keep it without, or with Cache-Control: no-transform");
        return *sunk;
      }
      ObjectInfo seen = InfoOf(head);
      const auto part = ParseContentRange(head.Header("content-range"));
      if (head.status == 206 && (!part || part->first != from))
        return Internal(Asked(ask) + ": the store answered a range that was not asked for");
      if (head.status != 206 && !whole)
        return Internal(Asked(ask) + ": the store does not answer ranges");
      if (part) seen.size = part->second;
      // A store that does not look at the condition.
      if (!meant.empty() && !seen.etag.empty() && seen.etag != meant) {
        sunk = Transient(Asked(ask) + ": the object changed while it was read");
        return *sunk;
      }
      info = std::move(seen);
      known = true;
      return {};
    };
    ask.on_body = [&](std::string_view bytes) -> Result<bool> {
      got += bytes.size();
      if (auto taken = sink(bytes); !taken) {
        sunk = taken.error();
        return taken.error();
      }
      if (!pace.Holds(bytes.size()))
        return Transient("the store sends less than " + std::to_string(settings_.least_bytes) +
                         " bytes in " + FormatDuration(settings_.least_in));
      return true;
    };
    bool keys_refused = false;
    auto answer = SendOnce(ask, keys_refused, stop);
    if (answer) return info;
    if (sunk) return *sunk;
    if (got > before && got - before >= settings_.least_bytes) failures = 1;
    if (known && range.offset + got >= std::min(info.size, range.length == UINT64_MAX
                                                               ? info.size
                                                               : range.offset + range.length))
      return info;  // cut exactly at the end
    Error error = answer.error();
    if (!meant.empty() && error.kind == ErrorKind::kAlreadyExists)
      return Transient(Asked(ask) + ": the object changed while it was read");
    if (keys_refused && failures == 1) {
      credentials_->Refused();
      continue;
    }
    if (!PassesByItself(error.kind) || failures >= settings_.tries) return error;
    if (!Pause(failures, error, stop)) return Cancelled(Asked(ask) + ": stopped");
  }
}

Result<std::string> Client::GetText(const std::string& key, std::uint64_t limit,
                                    std::stop_token stop) const {
  std::string text;
  const auto take = [&](std::string_view bytes) -> Result<void> {
    if (text.size() + bytes.size() > limit) {
      Error error = Invalid(Name(key) + " is over " + std::to_string(limit) + " bytes");
      error.kind = ErrorKind::kTooLarge;
      return error;
    }
    text += bytes;
    return {};
  };
  auto got = Get(key, {}, take, std::move(stop));
  if (!got) return got.error();
  return text;
}

Result<void> Client::Delete(const std::string& key, std::stop_token stop) const {
  auto answer = Send({.method = "DELETE", .key = key}, std::move(stop));
  if (!answer && answer.error().kind != ErrorKind::kNotFound) return answer.error();
  return {};
}

Result<void> Client::Copy(const std::string& from, const std::string& to,
                          std::stop_token stop) const {
  Ask ask{.method = "PUT", .key = to};
  ask.headers = {{"x-amz-copy-source", net::EncodePath("/" + settings_.bucket + "/" + from)}};
  ask.may_fail_late = true;
  auto answer = Send(ask, std::move(stop));
  if (!answer) return answer.error();
  return {};
}

Result<SignedUrl> Client::Sign(const std::string& method, const std::string& key,
                               const net::Headers& headers, std::chrono::seconds lifetime,
                               std::stop_token stop) const {
  auto keys = credentials_->Keys(std::move(stop));
  if (!keys) return Wrap("signing a URL of " + Name(key), keys.error());
  if (const auto left = credentials_->Left()) lifetime = std::min(lifetime, *left);
  if (lifetime.count() <= 0) return Transient("the keys of " + Name(key) + " end just now");
  SignedUrl out;
  const std::string path = PathOf(key);
  out.headers = headers;
  out.lifetime = lifetime;
  out.url = url_.Base() + path + "?" +
            net::SignQuery({method, url_.authority, path, {}, headers}, *keys,
                           {settings_.region, "s3"}, Now(), lifetime);
  return out;
}

}  // namespace penstock::s3
