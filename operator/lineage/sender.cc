#include "operator/lineage/sender.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <memory>
#include <sstream>

#include "operator/base/file.h"
#include "operator/base/is_there.h"
#include "operator/base/pause.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/metadata/tracking.h"
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

// Of the event, and not of the server, its address or our token: another try is answered likewise.
bool IsRefusal(int status) {
  return status == 400 || status == 409 || status == 413 || status == 422;
}

// "<uid> <seconds>" or "since <seconds>"; nothing of a line that was cut off as the machine
// stopped.
std::optional<std::pair<std::string, std::int64_t>> ParseLine(const std::string& line) {
  const std::size_t space = line.find(' ');
  if (space == std::string::npos) return std::nullopt;
  std::int64_t at = 0;
  const char* const end = line.data() + line.size();
  const auto read = std::from_chars(line.data() + space + 1, end, at);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return std::pair{line.substr(0, space), at};
}

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
    const auto reply = client->Send(request, limits);
    // Only a 2xx has a body that is too large, and nobody wants it.
    if (!reply && reply.error().kind == ErrorKind::kTooLarge) return 200;
    if (!reply) return reply.error();
    return reply->status;
  });
}

Sender::Sender(const Clock& clock, SenderSettings settings)
    : clock_(clock), settings_(std::move(settings)), history_(settings_.history) {}

// A run whose line was cut off is told again.
Result<void> Sender::Tidy() {
  std::string text;
  PENSTOCK_ASSIGN(const bool there, IsThere(settings_.told));
  if (there) {
    PENSTOCK_ASSIGN(text, ReadFile(settings_.told, kMostTold));
  }
  if (!tidied_) {
    PENSTOCK_ASSIGN(at_begin_, history_.NewestChange());
  }
  const TimePoint now = clock_.Now();
  const std::int64_t oldest = SecondsOf(now - kRemembered);
  std::int64_t since = SecondsOf(now);
  std::string kept;
  std::istringstream lines(text);
  ended_.clear();
  for (std::string line; std::getline(lines, line);) {
    const auto read = ParseLine(line);
    if (read && read->first == "since") {
      since = read->second;
    } else if (read && read->second >= oldest) {
      ended_.insert(read->first);
      kept += line + "\n";
    }
  }
  PENSTOCK_TRY(WriteFileAtomically(settings_.told, "since " + std::to_string(since) + "\n" + kept));
  since_ = TimePoint{std::chrono::seconds(std::max(since, oldest))};
  std::erase_if(told_, [&](const auto& run) { return run.second.last < now - kRemembered; });
  tidied_ = now;
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

std::string Sender::NameOfMaker(const std::string& ns, const std::string& digest) const {
  const auto maker = history_.FirstMaker(ns, digest);
  if (!maker || !*maker) return "";
  const metadata::Maker& m = **maker;
  return (m.pipeline.empty() ? m.run : m.pipeline) + "/" + m.step + "/" + m.output;
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
    if (status && IsRefusal(*status)) {
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
  if (seen.cause == metadata::kTrackedCause) return {};  // it read and gave nothing that is known
  // One that goes on is recorded anew when the engine has begun; another was deleted as it went on.
  if (seen.outcome.empty() && change.at <= at_begin_) return {};
  if (!seen.outcome.empty() && seen.finished && *seen.finished < *since_) return {};
  const auto run = history_.OfUid(seen.uid);
  if (!run && run.error().kind == ErrorKind::kNotFound) return {};
  if (!run) return run.error();
  Told& told = told_[run->uid];
  const std::vector<Event> events = EventsOf(
      *run, [&](const std::string& digest) { return NameOfMaker(run->namespace_, digest); });
  for (const Event& event : events) {
    if (told.keys.contains(event.key)) continue;
    PENSTOCK_TRY(Send(event, stop));
    told.keys.insert(event.key);
  }
  told.last = clock_.Now();
  if (run->outcome.empty()) return {};
  return Remember(*run);
}

Result<bool> Sender::Look(const std::stop_token& stop) {
  if (!tidied_ || clock_.Now() - *tidied_ > kTidied) PENSTOCK_TRY(Tidy());
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
  bool failed = false;
  while (!stop.stop_requested()) {
    const auto more = Look(stop);
    if (!more && more.error().kind != ErrorKind::kCancelled && !failed)
      settings_.warn("OpenLineage events wait: " + more.error().message);
    failed = !more;
    if (more && *more) continue;
    Pause(settings_.look, stop);
  }
}

}  // namespace penstock::lineage
