#include "operator/rollouts/servers_measure.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "operator/base/shown_text.h"
#include "operator/rollouts/exposition.h"

namespace penstock::rollouts {
namespace {

constexpr Milliseconds kMostOfOne{2'000};
constexpr std::size_t kMostBounds = 200;
constexpr std::size_t kMostColumns = 1'000;
constexpr double kMostCount = 9e15;

std::string LabelOf(const Sample& sample, const char* name) {
  const auto it = sample.labels.find(name);
  return it == sample.labels.end() ? "" : it->second;
}

std::optional<std::int64_t> CountOf(double v) {
  if (!(v >= 0 && v <= kMostCount)) return std::nullopt;
  return static_cast<std::int64_t>(v);
}

// Counts up to each bound become counts between them.
struct Buckets {
  std::map<double, std::int64_t> up_to;

  void Add(const Sample& sample) {
    const std::string le = LabelOf(sample, "le");
    double bound = std::numeric_limits<double>::infinity();
    if (le != "+Inf") {
      const auto read = std::from_chars(le.data(), le.data() + le.size(), bound);
      if (read.ec != std::errc{} || read.ptr != le.data() + le.size()) return;
    }
    if (const auto count = CountOf(sample.value); count && up_to.size() <= kMostBounds)
      up_to[bound] = *count;
  }
  [[nodiscard]] std::vector<double> Bounds() const {
    std::vector<double> bounds;
    for (const auto& [bound, count] : up_to)
      if (std::isfinite(bound)) bounds.push_back(bound);
    return bounds;
  }
  // Empty where they do not fit.
  [[nodiscard]] std::vector<std::int64_t> Between(const std::vector<double>& bounds) const {
    std::vector<std::int64_t> counts;
    if (Bounds() != bounds || up_to.size() != bounds.size() + 1) return {};
    std::int64_t before = 0;
    for (const auto& [bound, count] : up_to) {
      if (count < before) return {};
      counts.push_back(count - before);
      before = count;
    }
    return counts;
  }
};

bool Speaks(const Sample& sample, const std::string& model, std::int64_t version) {
  return LabelOf(sample, "model") == model && LabelOf(sample, "version") == std::to_string(version);
}

// penstock_serve_requests_total of inference, by code.
void AddAnswered(const Sample& sample, rollout::VersionCounters& counters) {
  const std::string code = LabelOf(sample, "code");
  const auto count = CountOf(sample.value);
  if (!count || code.size() != 3) return;
  counters.requests += *count;
  if (code[0] == '2') counters.ok += *count;
  if (code == "504") {
    counters.timeouts += *count;
  } else if (code[0] == '5') {
    counters.server_errors += *count;
  }
  if (code[0] == '4' && counters.client_errors.size() < kMostBounds)
    counters.client_errors[LabelOf(sample, "operation") + ":" + code] += *count;
}

}  // namespace

std::optional<rollout::ServerFact> ReadServer(const std::string& text, const std::string& model,
                                              std::int64_t version) {
  rollout::ServerFact fact;
  fact.version = version;
  Buckets queue;
  Buckets compute;
  Buckets whole;
  for (const Sample& sample : ReadSamples(text, "penstock_serve_")) {
    const bool of_this = Speaks(sample, model, version);
    if (of_this && sample.name == "penstock_serve_queue_duration_seconds_bucket") queue.Add(sample);
    if (of_this && sample.name == "penstock_serve_compute_duration_seconds_bucket")
      compute.Add(sample);
    if (of_this && sample.name == "penstock_serve_request_duration_seconds_bucket")
      whole.Add(sample);
    if (of_this && sample.name == "penstock_serve_requests_total")
      AddAnswered(sample, fact.answered);
    if (sample.name == "penstock_serve_drift_rows")
      fact.drift_rows = CountOf(sample.value).value_or(0);
    if (sample.name == "penstock_serve_drift_psi" && fact.drift.size() < kMostColumns)
      fact.drift[LabelOf(sample, "kind") + " " + plan::Shown(LabelOf(sample, "column"), 64)] =
          sample.value;
  }
  fact.bounds = queue.Bounds();
  fact.queue = queue.Between(fact.bounds);
  fact.compute = compute.Between(fact.bounds);
  fact.answered_bounds = whole.Bounds();
  fact.answered.latency = whole.Between(fact.answered_bounds);
  if (fact.queue.empty() || fact.compute.empty()) return std::nullopt;
  return fact;
}

ServersMeasure MeasureServers(const rollout::ServersToAsk& servers, const AskServer& ask) {
  ServersMeasure m;
  for (const rollout::ServerAddress& server : servers.all) {
    const auto answer = ask(server, {"/metrics", "", kMostOfOne});
    if (!answer || answer->status != 200) {
      m.error = answer ? "pod " + server.pod + " answers " + std::to_string(answer->status) +
                             " to GET /metrics"
                       : answer.error().message;
      continue;
    }
    auto fact = ReadServer(answer->body, servers.model, server.version);
    if (!fact) {
      m.error = "pod " + server.pod + " tells nothing of version " + std::to_string(server.version);
      continue;
    }
    fact->pod = server.pod;
    m.servers.push_back(*std::move(fact));
  }
  if (!m.servers.empty()) m.error.clear();
  if (servers.all.empty()) m.error = "no pod is Ready with an address of its own";
  m.error = plan::Shown(m.error, 512);
  return m;
}

}  // namespace penstock::rollouts
