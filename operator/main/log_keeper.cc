#include "operator/main/log_keeper.h"

#include <algorithm>
#include <map>
#include <optional>

#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/views/cluster_place.h"

namespace penstock::main {
namespace {

constexpr int kTailLines = 50'000;
constexpr int kAtOnce = 100;  // runs
constexpr std::size_t kMostAgain = 10'000;
constexpr std::chrono::seconds kLook{2}, kAgain{30};
constexpr std::chrono::hours kSweep{1};

bool Runs(const Json& pod, const std::string& container) {
  const Json status = pod.value("status", Json::object());
  const Json containers = status.value("containerStatuses", Json::array());
  return std::any_of(containers.begin(), containers.end(), [&](const Json& one) {
    return one.value("name", "") == container &&
           one.value("state", Json::object()).contains("running");
  });
}

// The end of what the pod's step containers wrote; kNotFound where the pod is gone, kTransient
// while one of them writes on: what is kept is what people are shown from then on.
Result<std::string> LogOf(kube::Client& client, const std::string& ns, const std::string& pod,
                          const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const Json object, client.Get(kube::kPods, ns, pod, {.stop = stop}));
  std::string text;
  for (const std::string& container : views::StepContainers(object)) {
    if (Runs(object, container)) return Transient("the pod " + pod + " still runs");
    kube::LogOptions options;
    options.container = container;
    options.tail_lines = kTailLines;
    const auto read = client.Logs(
        ns, pod, options,
        [&](std::string_view piece) {
          text += piece;
          constexpr std::size_t kMost = 2 * artifacts::kMaxLogBytes;
          if (text.size() > 2 * kMost) text.erase(0, text.size() - kMost);
          return true;
        },
        stop);
    // A container that never began has none.
    if (!read && read.error().kind == ErrorKind::kInvalid) continue;
    if (!read) return read.error();
  }
  return text;
}

}  // namespace

Result<int> KeepLogsOf(kube::Client& client, const metadata::Query& history,
                       const artifacts::LogStore& store, const metadata::RunRecord& run,
                       const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const auto pods, history.Pods(run.uid));
  int kept = 0;
  std::optional<Error> later;
  for (const std::string& pod : pods) {
    if (store.Path(run.namespace_, run.uid, pod)) continue;
    const auto text = LogOf(client, run.namespace_, pod, stop);
    if (!text && text.error().kind == ErrorKind::kCancelled) return text.error();
    if (!text && PassesByItself(text.error().kind) && !later) later = text.error();
    if (!text) continue;  // it is gone, or we may not read it: `penstock logs` says which
    PENSTOCK_TRY(store.Put(run.namespace_, run.uid, pod, *text));
    ++kept;
  }
  if (later) return *later;
  return kept;
}

bool MayHaveLogs(const metadata::RunRecord& run, TimePoint now) {
  return !run.outcome.empty() && (!run.finished || now - *run.finished < kLateLogs);
}

void KeepLogs(kube::Client& client, const metadata::Query& history,
              const artifacts::LogStore& store, const runtime::Log& log,
              const std::stop_token& stop) {
  const auto now = [] { return std::chrono::system_clock::now(); };
  long long seen = 0;
  std::map<std::string, metadata::RunRecord> again;  // by UID: a node that is away stops no other
  std::optional<TimePoint> tried, swept;
  while (!stop.stop_requested()) {
    const auto changes = history.Changes(seen, kAtOnce);
    for (const metadata::RunChange& change :
         changes ? *changes : std::vector<metadata::RunChange>()) {
      seen = change.at;
      if (!MayHaveLogs(change.run, now())) continue;
      const auto kept = KeepLogsOf(client, history, store, change.run, stop);
      if (stop.stop_requested()) return;
      if (kept) {
        again.erase(change.run.uid);
      } else if (again.size() < kMostAgain && again.emplace(change.run.uid, change.run).second) {
        log.Write("warn", "logs of run " + change.run.namespace_ + "/" + change.run.name +
                              " are not kept yet: " + kept.error().message);
      }
    }
    if (!tried || now() - *tried > kAgain) {
      std::erase_if(again, [&](const auto& one) {
        return !MayHaveLogs(one.second, now()) ||
               KeepLogsOf(client, history, store, one.second, stop).has_value();
      });
      tried = now();
    }
    if (!swept || now() - *swept > kSweep) {
      swept = now();
      const auto removed = store.RemoveOlder(kLogRetention);
      if (!removed) log.Write("warn", "old logs were not all removed: " + removed.error().message);
    }
    if (changes && changes->size() == kAtOnce) continue;
    Pause(kLook, stop);
  }
}

}  // namespace penstock::main
