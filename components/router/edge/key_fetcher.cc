#include "components/router/edge/key_fetcher.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/net/http_client.h"
#include "operator/net/url.h"

namespace penstock::router {
namespace {

constexpr std::size_t kMostBytes = 256U << 10;  // as KeySet::Parse takes
constexpr std::uint64_t kMostAuthorityBytes = 1U << 20;
// About half a minute of pauses: an issuer that is restarted is no trouble while its keys are
// known.
constexpr int kToldFailures = 6;

using Steady = std::chrono::steady_clock;

Result<std::string> Fetch(const KeyFetcher::Source& source, const KeyFetcherOptions& options,
                          const std::stop_token& stop) {
  const auto& [uri, ca_file] = source;
  PENSTOCK_ASSIGN(const net::Url url, net::ParseUrl(uri));
  net::HttpClientOptions how;
  how.may_connect = options.may_connect;
  if (!ca_file.empty()) {
    auto ca = ReadFile(ca_file, kMostAuthorityBytes);
    if (!ca) return Wrap("the authorities of expose.jwt.jwks.ca", ca.error());
    how.tls.ca_pem = *std::move(ca);
  }
  PENSTOCK_ASSIGN(const auto client, net::HttpClient::Make(url.Base(), how));
  net::HttpRequest request;
  request.target = url.target.empty() ? "/" : url.target;
  request.headers = {{"User-Agent", "penstock-router"},
                     {"Accept", "application/jwk-set+json, application/json"},
                     {"Accept-Encoding", "identity"}};
  request.max_body = kMostBytes;
  net::Limits limits;
  limits.deadline = Steady::now() + options.deadline;
  limits.stop = stop;
  PENSTOCK_ASSIGN(auto reply, client->Send(request, limits));
  if (reply.status != 200)
    return Transient("the issuer's server answers " + std::to_string(reply.status) +
                     (reply.status / 100 == 3 ? ": name the URL that it leads to" : ""));
  return std::move(reply.body);
}

}  // namespace

class KeyFetcher::Worker {
 public:
  // Outlives the worker in the hands of who tells of a key, so that nobody but its owner ends it.
  struct Wish {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::atomic<bool> is{false};
    void Make() {
      if (is.exchange(true)) return;
      const std::lock_guard lock(mutex);
      changed.notify_all();
    }
  };

  Worker(Source source, KeyFetcherOptions options)
      : source_(std::move(source)), options_(std::move(options)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }

  // Drops what is too old to count.
  void Look(Fetched* fetched) {
    const std::lock_guard lock(mutex_);
    const bool old = keys_ && options_.now() - fetched_at_ > options_.most_age;
    if (old) {
      keys_ = nullptr;
      text_.reset();
    }
    fetched->keys = keys_;
    if (!failure_.empty() && (keys_ == nullptr || failures_ >= kToldFailures))
      fetched->trouble = failure_;
    fetched->unknown_key = [wish = wish_] { wish->Make(); };
  }

 private:
  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      wish_->is = false;
      const auto begun = Steady::now();
      auto text = Fetch(source_, options_, stop);
      if (stop.stop_requested()) return;
      const auto [pause, good] = Take(std::move(text));
      // A wish is heard in good times alone: the pauses of bad ones are as they are.
      const auto end = begun + pause;
      Wait(good ? std::min(end, begun + options_.least_between) : end, end, stop);
    }
  }

  // Until `end`, or from `heard` on until there is a wish.
  void Wait(Steady::time_point heard, Steady::time_point end, const std::stop_token& stop) {
    std::unique_lock lock(wish_->mutex);
    wish_->changed.wait_until(lock, stop, heard, [] { return false; });
    wish_->changed.wait_until(lock, stop, end, [this] { return wish_->is.load(); });
  }

  // The pause until the next, and whether this one was good.
  std::pair<std::chrono::milliseconds, bool> Take(Result<std::string> text) {
    const std::lock_guard lock(mutex_);
    if (text && text_ == *text) return Good();
    auto set = text ? KeySet::Parse(*text, KeySet::By::kIssuer)
                    : Result<std::shared_ptr<const KeySet>>(text.error());
    if (set) {
      text_ = *std::move(text);
      keys_ = *std::move(set);
      return Good();
    }
    // An issuer that publishes no key any more has taken back those that it had.
    if (text && set.error().kind == ErrorKind::kUnsupported) {
      keys_ = nullptr;
      text_.reset();
    }
    failure_ = set.error().message;
    failures_ = std::min(failures_ + 1, 1'000);
    return {std::min(options_.longest_pause,
                     options_.first_pause * (1 << std::clamp(failures_ - 1, 0, 10))),
            false};
  }

  std::pair<std::chrono::milliseconds, bool> Good() {
    fetched_at_ = options_.now();
    failure_.clear();
    failures_ = 0;
    return {options_.renewal, true};
  }

  const Source source_;
  const KeyFetcherOptions options_;
  const std::shared_ptr<Wish> wish_ = std::make_shared<Wish>();
  std::mutex mutex_;
  std::optional<std::string> text_;  // that keys_ is made of
  std::shared_ptr<const KeySet> keys_;
  Steady::time_point fetched_at_{};
  std::string failure_;  // of the last fetch; empty: it was good
  int failures_ = 0;     // in a row
  std::jthread thread_;
};

KeyFetcher::KeyFetcher(KeyFetcherOptions options) : options_(std::move(options)) {}
KeyFetcher::~KeyFetcher() = default;

KeyFetcher::Fetched KeyFetcher::Look(const Source& source) {
  std::unique_ptr<Worker>& worker = workers_[source];
  if (!worker) worker = std::make_unique<Worker>(source, options_);
  Fetched fetched;
  worker->Look(&fetched);
  return fetched;
}

void KeyFetcher::KeepOnly(const std::set<Source>& sources) {
  std::erase_if(workers_, [&](const auto& one) { return !sources.contains(one.first); });
}

}  // namespace penstock::router
