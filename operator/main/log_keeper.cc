#include "operator/main/log_keeper.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/views/cluster_place.h"

namespace penstock::main {
namespace {

constexpr int kTailLines = 50'000, kItemTailLines = 1'000;
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

bool StillRuns(const Json& pod) {
  const auto containers = views::StepContainers(pod);
  return std::any_of(containers.begin(), containers.end(),
                     [&](const std::string& container) { return Runs(pod, container); });
}

// The end of what the pod's step containers wrote; kNotFound where the pod is gone.
Result<std::string> LogOf(kube::Client& client, const std::string& ns, const Json& object,
                          int tail_lines, const std::stop_token& stop) {
  const std::string pod = object.at("metadata").value("name", "");
  std::string text;
  for (const std::string& container : views::StepContainers(object)) {
    kube::LogOptions options;
    options.container = container;
    options.tail_lines = tail_lines;
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

// Whether a step of the run is a loop. One that is gone has no pods any more.
Result<bool> Loops(kube::Client& client, const metadata::RunRecord& run,
                   const std::stop_token& stop) {
  const auto object = client.Get(kube::kPipelineRuns, run.namespace_, run.name, {.stop = stop});
  if (!object && object.error().kind == ErrorKind::kNotFound) return false;
  if (!object) return object.error();
  if (object->at("metadata").value("uid", "") != run.uid) return false;
  const Json steps = object->value("status", Json::object()).value("steps", Json::array());
  return std::any_of(steps.begin(), steps.end(),
                     [](const Json& step) { return step.contains("items"); });
}

// Pods of items that have ended, those that failed first; kItemLogs at most.
Result<std::vector<Json>> ItemPods(kube::Client& client, const metadata::RunRecord& run,
                                   const std::stop_token& stop) {
  std::vector<Json> pods;
  PENSTOCK_ASSIGN(const bool loops, Loops(client, run, stop));
  if (!loops) return pods;
  for (const char* phase : {"Failed", "Succeeded"}) {
    kube::ListOptions options;
    options.label_selector =
        std::string(plan::kLabelRunUid) + "=" + run.uid + "," + plan::kLabelItem;
    options.field_selector = std::string("status.phase=") + phase;
    options.limit = kItemLogs - static_cast<int>(pods.size());
    if (options.limit == 0) break;
    PENSTOCK_ASSIGN(auto page, client.List(kube::kPods, run.namespace_, options, {.stop = stop}));
    for (Json& pod : page.items)
      if (pods.size() < static_cast<std::size_t>(kItemLogs)) pods.push_back(std::move(pod));
  }
  return pods;
}

// One run's pods, one after the other.
class Keeper {
 public:
  Keeper(kube::Client& client, const artifacts::LogStore& store, const metadata::RunRecord& run,
         const std::stop_token& stop)
      : client_(client), store_(store), run_(run), stop_(stop) {}

  // An error is for good; what passes by itself is kept for the end.
  Result<void> Keep(const std::string& pod, Result<Json> object, int tail_lines,
                    std::uint64_t most) {
    const auto text = object ? Read(*object, tail_lines) : Result<std::string>(object.error());
    if (!text && text.error().kind == ErrorKind::kCancelled) return text.error();
    if (!text && PassesByItself(text.error().kind) && !later_) later_ = text.error();
    if (!text) return {};  // it is gone, or we may not read it: `penstock logs` says which
    PENSTOCK_TRY(store_.Put(run_.namespace_, run_.uid, pod, *text, most));
    ++kept_;
    return {};
  }
  [[nodiscard]] bool HasLog(const std::string& pod) const {
    return store_.Path(run_.namespace_, run_.uid, pod).has_value();
  }
  [[nodiscard]] Result<int> End() const {
    if (later_) return *later_;
    return kept_;
  }

 private:
  // kTransient while a container writes on: what is kept is what people are shown from then on.
  Result<std::string> Read(const Json& object, int tail_lines) {
    const std::string pod = object.at("metadata").value("name", "");
    if (StillRuns(object)) return Transient("the pod " + pod + " still runs");
    const std::string node = object.value("spec", Json::object()).value("nodeName", "");
    if (away_.contains(node)) return Transient("node " + node + " of pod " + pod + " is away");
    auto text = LogOf(client_, run_.namespace_, object, tail_lines, stop_);
    if (!text && !node.empty() && PassesByItself(text.error().kind)) away_.insert(node);
    return text;
  }

  kube::Client& client_;
  const artifacts::LogStore& store_;
  const metadata::RunRecord& run_;
  const std::stop_token& stop_;
  std::optional<Error> later_;
  std::set<std::string> away_;  // nodes; each that is asked again may take half a minute
  int kept_ = 0;
};

}  // namespace

Result<int> KeepLogsOf(kube::Client& client, const metadata::Query& history,
                       const artifacts::LogStore& store, const metadata::RunRecord& run,
                       const std::stop_token& stop) {
  Keeper keeper(client, store, run, stop);
  PENSTOCK_ASSIGN(const auto pods, history.Pods(run.uid));
  for (const std::string& pod : pods) {
    if (keeper.HasLog(pod)) continue;
    PENSTOCK_TRY(keeper.Keep(pod, client.Get(kube::kPods, run.namespace_, pod, {.stop = stop}),
                             kTailLines, artifacts::kMaxLogBytes));
  }
  PENSTOCK_ASSIGN(auto items, ItemPods(client, run, stop));
  for (Json& object : items) {
    const std::string pod = object.at("metadata").value("name", "");
    if (keeper.HasLog(pod)) continue;
    PENSTOCK_TRY(keeper.Keep(pod, std::move(object), kItemTailLines, kItemLogBytes));
  }
  return keeper.End();
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
