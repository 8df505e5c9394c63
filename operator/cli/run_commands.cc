// penstock logs and penstock cancel.
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <ostream>

#include "operator/base/is_there.h"
#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/cli/commands.h"
#include "operator/cli/gateway/artifact_upload.h"
#include "operator/cli/history/item_pods.h"
#include "operator/cli/history/run_lookup.h"
#include "operator/cli/history/step_makers.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/state.h"
#include "operator/kube/resources.h"
#include "operator/local/pod_launch.h"
#include "operator/net/url.h"
#include "operator/os/signal_process.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

// Prints whole lines, each with the step's name before it where several steps are shown.
class LinePrinter {
 public:
  LinePrinter(std::ostream& out, std::string prefix) : out_(out), prefix_(std::move(prefix)) {}
  void Write(std::string_view piece) {
    for (const char c : piece) {
      if (at_start_) out_ << prefix_;
      out_ << c;
      at_start_ = c == '\n';
    }
    out_ << std::flush;
  }

 private:
  std::ostream& out_;
  std::string prefix_;
  bool at_start_ = true;
};

std::string TailOf(const std::string& text, int lines) {
  if (lines < 0) return text;
  std::size_t position = text.size();
  if (position > 0 && text.back() == '\n') --position;
  for (int i = 0; i < lines; ++i) {
    if (position == 0 || position == std::string::npos) return text;
    position = text.rfind('\n', position - 1);
  }
  return position == std::string::npos ? text : text.substr(position + 1);
}

int LocalLogs(const LogsOptions& options, const State& state, const Json& run,
              const std::vector<StepPod>& pods, Session& session) {
  bool any = false;
  for (const StepPod& pod : pods) {
    if (pod.pod.empty()) continue;  // it has been told why
    const fs::path path = local::PathsOf(state.root(), kLocalNamespace, pod.pod).log;
    const Result<bool> there = IsThere(path);
    if (!there) return session.Fail(kFailed, there.error().message);
    if (!*there) continue;
    std::ifstream file(path, std::ios::binary);
    if (!file) return session.Fail(kFailed, "the log " + path.string() + " cannot be read");
    any = true;
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    LinePrinter printer(session.out, pods.size() > 1 ? pod.step + ": " : "");
    printer.Write(TailOf(text, options.tail));
    if (!options.follow || state.RunningProcess() == 0) continue;
    // Another process runs it; its log is read on until the step or that process has ended.
    file.clear();
    std::string more(4096, '\0');
    while (!session.interrupted.stop_requested()) {
      file.read(more.data(), static_cast<std::streamsize>(more.size()));
      const auto count = static_cast<std::size_t>(file.gcount());
      printer.Write(std::string_view(more).substr(0, count));
      if (count > 0) continue;
      file.clear();
      const Result<Json> now = state.FindRun(run["metadata"].value("name", ""));
      if (!now || StepHasEnded(*now, pod.step) || state.RunningProcess() == 0) break;
      Pause(Milliseconds(100), session.interrupted);
    }
  }
  if (any) return kOk;
  return session.Fail(kFailed, "run " + run["metadata"].value("name", "") +
                                   (options.step.empty() ? "" : ", step " + options.step) +
                                   ": no log is kept");
}

// The containers of a step's pod, in the order in which they run.
std::vector<std::string> ContainersOf(const Cluster& cluster, const std::string& pod,
                                      const std::stop_token& stop) {
  std::vector<std::string> names;
  const auto object = cluster.client->Get(kube::kPods, cluster.namespace_, pod, {.stop = stop});
  if (object)  // else its log cannot be read either, which is said then
    for (const Json& c : object->at("spec").value("containers", Json::array()))
      if (const std::string name = c.value("name", ""); name.starts_with(plan::kTurnPrefix))
        names.push_back(name);
  if (names.empty()) names.emplace_back(plan::kStepContainer);
  return names;
}

// "step, step-build: "
std::string Prefix(const std::string& step, const std::string& container) {
  if (step.empty() && container.empty()) return "";
  return step + (step.empty() || container.empty() ? "" : ", ") + container + ": ";
}

constexpr int kMostKept = 4 << 20;  // bytes that the gateway keeps of a log, and gives at once

// What the gateway keeps of the logs of pods that are gone. It is asked first when one is wanted.
class KeptLogs {
 public:
  KeptLogs(const LogsOptions& options, const Cluster& cluster, const Session& session)
      : options_(options), cluster_(cluster), session_(session) {}

  Result<std::string> Of(const StepPod& pod) {
    if (pod.of_run.empty()) return NotFound("nothing tells whose it was");
    if (options_.previous) return NotFound("of a container before the last none is");
    if (!gateway_) {
      auto opened = Gateway::Open({options_.gateway, options_.token_file, options_.ca_file},
                                  cluster_, session_);
      if (!opened) return opened.error();
      gateway_ = *std::move(opened);
    }
    return gateway_->AskText("/api/v1/namespaces/" + cluster_.namespace_ + "/runs/" +
                             net::UrlEncode(pod.of_run) + "/steps/" + net::UrlEncode(pod.of_step) +
                             "/log?tail=" + std::to_string(kMostKept) +
                             (pod.item ? "&item=" + std::to_string(*pod.item) : ""));
  }

 private:
  const LogsOptions& options_;
  const Cluster& cluster_;
  const Session& session_;
  std::unique_ptr<Gateway> gateway_;
};

// Prints the logs of pods, one after the other: of those that stand what the kubelet has, of the
// others what the gateway kept.
class ClusterLogs {
 public:
  ClusterLogs(const LogsOptions& options, const Cluster& cluster, bool several, Session& session)
      : options_(options),
        cluster_(cluster),
        several_(several),
        session_(session),
        kept_(options, cluster, session) {}

  void Print(const StepPod& pod) {
    if (pod.pod.empty()) return Fail();  // it has been told why
    if (pod.gone) return PrintOfItem(pod);
    const Result<void> read = Read(pod);
    any_ = any_ || read;
    if (read || read.error().kind == ErrorKind::kCancelled) return;
    if (read.error().kind != ErrorKind::kNotFound)
      return Fail("step " + pod.step + ": " + read.error().message);
    const Result<void> kept = PrintKept(pod);
    if (kept) return;
    Fail("step " + pod.step + ": its pod " + pod.pod +
         (kept.error().kind == ErrorKind::kNotFound
              ? " is gone, and no log of it was kept: "
              : " is gone, and the gateway, which keeps logs, could not be asked: ") +
         kept.error().message);
  }

  // To be called once, behind the last pod.
  int End() {
    if (without_ > 0 && (any_ || options_.step.empty()))
      session_.err << "note: " << Without() << "\n";
    else if (without_ > 0)
      Fail(Without());
    return any_ && options_.step.empty() ? kOk : code_;
  }

 private:
  Result<void> Read(const StepPod& pod) {
    const auto containers = ContainersOf(cluster_, pod.pod, session_.interrupted);
    for (const std::string& container : containers) {
      kube::LogOptions log;
      log.container = container;
      log.follow = options_.follow;
      log.previous = options_.previous;
      if (options_.tail >= 0) log.tail_lines = options_.tail;
      LinePrinter printer(session_.out,
                          Prefix(several_ ? pod.step : "", containers.size() > 1 ? container : ""));
      Result<void> read = cluster_.client->Logs(
          cluster_.namespace_, pod.pod, log,
          [&](std::string_view piece) {
            printer.Write(piece);
            return true;
          },
          session_.interrupted);
      if (!read) return read;
    }
    return {};
  }

  Result<void> PrintKept(const StepPod& pod) {
    const Result<std::string> log = kept_.Of(pod);
    if (!log) return log.error();
    any_ = true;
    LinePrinter(session_.out, Prefix(several_ ? pod.step : "", ""))
        .Write(TailOf(*log, options_.tail));
    return {};
  }

  // A loop may have thousands of items: what is the same of many is told once.
  void PrintOfItem(const StepPod& pod) {
    if (unreachable_ || session_.interrupted.stop_requested()) return;
    const Result<void> kept = PrintKept(pod);
    if (kept) return;
    if (kept.error().kind == ErrorKind::kNotFound) {
      if (without_++ == 0) first_without_ = pod.step;
      return;
    }
    unreachable_ = true;
    Fail("step " + pod.step +
         ": its pod is gone, and the gateway, which keeps logs, could not be asked: " +
         kept.error().message);
  }

  [[nodiscard]] std::string Without() const {
    const bool one = without_ == 1;
    return "step " + first_without_ +
           (one ? "" : " and " + std::to_string(without_ - 1) + " more items") +
           ": no log is kept; " + (one ? "its pod is" : "their pods are") + " gone, or " +
           (one ? "it" : "they") + " came from the cache";
  }

  void Fail(const std::string& message = "") {
    if (!message.empty()) session_.err << "error: " << message << "\n";
    code_ = kFailed;
  }

  const LogsOptions& options_;
  const Cluster& cluster_;
  const bool several_;
  Session& session_;
  KeptLogs kept_;
  int code_ = kOk, without_ = 0;
  std::string first_without_;
  bool any_ = false, unreachable_ = false;
};

// Puts the pods that made a step's outputs in the place of each that came from the cache, those of
// its items, "each.3", in that of each loop, and the pods of its run, "call/fit", in the place of
// each that is a Pipeline.
Result<void> TakePods(const RunArchive& archive, const KnownRun& run, const RunPlace& place,
                      const Session& session, std::vector<StepPod>& pods) {
  if (auto found = FindItems(archive, run, place, session, pods, GoneItems::kNamed); !found)
    return found;
  for (StepPod& pod : pods) {
    pod.of_run = run.run.meta.name;
    pod.of_step = pod.item ? pod.step.substr(0, pod.step.rfind('.')) : pod.step;
  }
  std::vector<StepPod> own, all;
  for (StepPod& pod : pods) {
    if (pod.run.empty()) {
      own.push_back(std::move(pod));
      continue;
    }
    const Result<KnownRun> within = archive.Find(pod.run);
    if (!within) return within.error();
    Result<std::vector<StepPod>> its = PodsOf(within->object, "");
    if (!its) return its.error();
    if (Result<void> found = TakePods(archive, *within, place, session, *its); !found) return found;
    for (StepPod& inner : *its)
      all.push_back({.step = pod.step + "/" + inner.step,
                     .pod = std::move(inner.pod),
                     .run = "",
                     .item = inner.item,
                     .gone = inner.gone,
                     .of_run = std::move(inner.of_run),
                     .of_step = std::move(inner.of_step)});
  }
  if (Result<void> found = FindMakers(archive, run, own, "its log", session); !found) return found;
  own.insert(own.end(), all.begin(), all.end());
  pods = std::move(own);
  return {};
}

}  // namespace

int Logs(const LogsOptions& options, Session& session) {
  const std::optional<State> state = State::IfLocal(session);
  std::optional<Cluster> cluster;
  if (!state) {
    Result<Cluster> connected = session.connect(session.flags);
    if (!connected) return session.Fail(kFailed, connected.error().message);
    cluster = *std::move(connected);
  }
  const RunArchive archive =
      state ? RunArchive(*state) : RunArchive(*cluster->client, cluster->namespace_);
  const RunPlace place{state ? &*state : nullptr, cluster ? &*cluster : nullptr};
  const Result<KnownRun> run = archive.Find(options.run);
  if (!run) return session.Fail(kFailed, run.error().message);
  Result<std::vector<StepPod>> pods = PodsOf(run->object, options.step);
  if (!pods) return session.Fail(kFailed, pods.error().message);
  if (Result<void> found = TakePods(archive, *run, place, session, *pods); !found) {
    return session.Fail(kFailed, found.error().message);
  }
  if (state) return LocalLogs(options, *state, run->object, *pods, session);
  ClusterLogs logs(options, *cluster, pods->size() > 1, session);
  for (const StepPod& pod : *pods) logs.Print(pod);
  return logs.End();
}

int Cancel(const CancelOptions& options, Session& session) {
  const char* mode = options.now ? "Now" : "Stop";
  if (const std::optional<State> state = State::IfLocal(session)) {
    const Result<Json> run = state->FindRun(options.run);
    if (!run) return session.Fail(kFailed, run.error().message);
    const std::string name = (*run)["metadata"].value("name", "");
    const int pid = state->RunningProcess();
    if (ConditionStatus(*run, "Finished") == "True" || pid == 0) {
      return session.Fail(kFailed, "run " + name + " is not running");
    }
    // One process holds the state folder's lock, and it runs this run.
    const auto is_it = [&] { return state->RunningProcess() == pid; };
    if (!SignalProcess(pid, options.now ? SIGTERM : SIGINT, is_it)) {
      return session.Fail(kFailed, "process " + std::to_string(pid) + " cannot be told to cancel");
    }
    session.out << "pipelinerun/" << name << " cancelled\n";
    return kOk;
  }
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const Result<Json> run = FindClusterRun(*cluster, options.run);
  if (!run) return session.Fail(kFailed, run.error().message);
  const std::string name = (*run)["metadata"].value("name", "");
  if (ConditionStatus(*run, "Finished") == "True") {
    return session.Fail(kFailed, "run " + name + " has ended already");
  }
  const Result<Json> patched = cluster->client->MergePatch(kube::kPipelineRuns, cluster->namespace_,
                                                           name, {{"spec", {{"cancel", mode}}}});
  if (!patched) return session.Fail(kFailed, patched.error().message);
  session.out << "pipelinerun/" << name << " cancelled\n";
  return kOk;
}

}  // namespace penstock::cli
