#include "operator/lineage/sender.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>

#include "operator/base/file.h"
#include "operator/base/is_there.h"
#include "operator/base/pause.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/net/http_client.h"
#include "operator/net/url.h"

namespace penstock::lineage {
namespace {

constexpr int kAtOnce = 100;  // runs
constexpr std::chrono::seconds kPatience{15};
constexpr std::size_t kMostAnswer = 64 * 1024, kMostKey = 16 * 1024, kMostTold = 64UL << 20;

Error Stopped() {
  Error e = Transient("stopped");
  e.kind = ErrorKind::kCancelled;
  return e;
}

std::int64_t SecondsOf(TimePoint t) {
  return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}

bool IsWorthAnotherTry(int status) { return status == 408 || status == 429 || status >= 500; }

}  // namespace

Result<Post> PostTo(const std::string& url, const std::filesystem::path& key_file) {
  PENSTOCK_ASSIGN(const net::Url parsed, net::ParseUrl(url));
  PENSTOCK_ASSIGN(auto made, net::HttpClient::Make(parsed.Base(), {}));
  const std::shared_ptr<net::HttpClient> client = std::move(made);
  return Post([client, key_file, target = parsed.target.empty() ? "/" : parsed.target](
                  const Json& event, const std::stop_token& stop) -> Result<int> {
    net::HttpRequest request;
    request.method = "POST";
    request.target = target;
    request.headers = {{"Content-Type", "application/json"}, {"User-Agent", "penstock"}};
    if (!key_file.empty()) {
      PENSTOCK_ASSIGN(std::string key, ReadFile(key_file, kMostKey));
      while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
      request.headers.emplace_back("Authorization", "Bearer " + key);
    }
    request.body = event.dump(-1, ' ', false, Json::error_handler_t::replace);
    request.repeatable = true;
    request.max_body = kMostAnswer;
    net::Limits limits;
    limits.deadline = std::chrono::steady_clock::now() + kPatience;
    limits.stop = stop;
    PENSTOCK_ASSIGN(const net::HttpResponse reply, client->Send(request, limits));
    return reply.status;
  });
}

Sender::Sender(metadata::Query history, const Clock& clock, SenderSettings settings)
    : history_(std::move(history)), clock_(clock), settings_(std::move(settings)) {}

// The file: "since <seconds>", then a line "<uid> <seconds>" for each run. What is older than a
// week is left out of it as it is read.
Result<void> Sender::ReadTold() {
  std::string text;
  PENSTOCK_ASSIGN(const bool there, IsThere(settings_.told));
  if (there) {
    PENSTOCK_ASSIGN(text, ReadFile(settings_.told, kMostTold));
  }
  const std::int64_t oldest = SecondsOf(clock_.Now() - kRemembered);
  std::int64_t since = SecondsOf(clock_.Now());
  std::string kept;
  ended_.clear();
  std::istringstream lines(text);
  for (std::string name, seconds; lines >> name >> seconds;) {
    // A line that was cut off as the machine stopped is of a run that is told again.
    if (seconds.empty() || seconds.size() > 12 ||
        seconds.find_first_not_of("0123456789") != std::string::npos)
      continue;
    const std::int64_t at = std::stoll(seconds);
    if (name == "since") {
      since = at;
    } else if (at >= oldest) {
      ended_.insert(name);
      kept += name + " " + seconds + "\n";
    }
  }
  since_ = TimePoint{std::chrono::seconds(std::max(since, oldest))};
  if (!read_) {
    PENSTOCK_ASSIGN(at_begin_, history_.NewestChange());
  }
  PENSTOCK_TRY(WriteFileAtomically(settings_.told, "since " + std::to_string(since) + "\n" + kept));
  read_ = clock_.Now();
  return {};
}

Result<void> Sender::Remember(const metadata::RunRecord& run) {
  ended_.insert(run.uid);
  told_.erase(run.uid);
  std::ofstream file(settings_.told, std::ios::app);
  file << run.uid << " " << SecondsOf(run.finished.value_or(clock_.Now())) << "\n";
  file.close();
  if (!file) return Transient("cannot write to " + settings_.told.string());
  return {};
}

std::string Sender::MadeBy(const std::string& ns, const std::string& digest) const {
  const auto edges = history_.Lineage(ns, digest);
  if (!edges) return "";
  for (const metadata::LineageEdge& edge : *edges)
    if (edge.direction == "out")
      return (edge.pipeline.empty() ? edge.run : edge.pipeline) + "/" + edge.step + "/" + edge.name;
  return "";
}

void Sender::WarnOnce(const std::string& what) {
  if (!warned_) settings_.warn(what);
  warned_ = true;
}

Result<void> Sender::Send(const Event& event, const std::stop_token& stop) {
  Milliseconds wait = settings_.first_wait;
  for (;;) {
    const auto status = settings_.post(event.body, stop);
    if (stop.stop_requested()) return Stopped();
    if (status && *status >= 200 && *status < 300) {
      settings_.count(Outcome::kSent);
      warned_ = false;
      return {};
    }
    const std::string what =
        status ? "answered " + std::to_string(*status) : plan::Shown(status.error().message, 512);
    if (status && !IsWorthAnotherTry(*status)) {
      settings_.count(Outcome::kRefused);
      WarnOnce("the OpenLineage server refuses events (" + what + "); they are left out");
      return {};
    }
    settings_.count(Outcome::kRetried);
    WarnOnce("the OpenLineage server does not take events (" + what +
             "); they are sent when it does");
    if (!Pause(wait, stop)) return Stopped();
    wait = std::min(wait * 2, settings_.longest_wait);
  }
}

Result<void> Sender::Tell(const metadata::RunChange& change, const std::stop_token& stop) {
  const metadata::RunRecord& seen = change.run;
  if (ended_.contains(seen.uid)) return {};
  // One that goes on is recorded anew when the engine has begun; another was deleted as it went on.
  if (seen.outcome.empty() && change.at <= at_begin_) return {};
  if (!seen.outcome.empty() && seen.finished && *seen.finished < *since_) return {};
  auto run = history_.Run(seen.namespace_, seen.name);
  if (!run && run.error().kind == ErrorKind::kNotFound) return {};
  if (!run) return run.error();
  if (run->uid != seen.uid) return {};  // another of that name has taken its place
  std::set<std::string>& told = told_[run->uid];
  for (const Event& event :
       EventsOf(*run, [&](const std::string& d) { return MadeBy(run->namespace_, d); })) {
    if (told.contains(event.key)) continue;
    PENSTOCK_TRY(Send(event, stop));
    told.insert(event.key);
  }
  if (run->outcome.empty()) return {};
  return Remember(*run);
}

Result<bool> Sender::Look(const std::stop_token& stop) {
  if (!read_ || clock_.Now() - *read_ > kTidied) PENSTOCK_TRY(ReadTold());
  // Another database has taken the place of one that was damaged.
  PENSTOCK_ASSIGN(const long long newest, history_.NewestChange());
  if (newest < seen_) seen_ = at_begin_ = 0;
  PENSTOCK_ASSIGN(const auto changes, history_.Changes(seen_, kAtOnce));
  for (const metadata::RunChange& change : changes) {
    PENSTOCK_TRY(Tell(change, stop));
    seen_ = change.at;
  }
  return changes.size() == kAtOnce;
}

void Sender::Follow(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto more = Look(stop);
    if (!more && more.error().kind != ErrorKind::kCancelled)
      WarnOnce("OpenLineage events wait: " + more.error().message);
    if (more && *more) continue;
    Pause(settings_.look, stop);
  }
}

}  // namespace penstock::lineage
