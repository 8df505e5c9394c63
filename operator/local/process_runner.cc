#include "operator/local/process_runner.h"

#include <algorithm>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/pod_status.h"
#include "operator/local/pod_worker.h"
#include "operator/local/readiness.h"
#include "operator/local/within.h"
#include "operator/os/child_process.h"
#include "operator/os/command.h"
#include "operator/protocol/task.h"

namespace penstock::local {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kNodeName = "local";
constexpr milliseconds kRelistPause{200};  // after a watch that broke
constexpr milliseconds kLookAtNext{200};   // while one of several containers is waited for
constexpr seconds kGraceOfOthers{30};      // when one of several is lost; a pod's own by default
constexpr milliseconds kProbeTime{5'000};  // of a command that says so

std::string Field(const Json& pod, const char* name) {
  return pod.at("metadata").value(name, std::string());
}

// "0,2" for the devices of a resource; "" for none.
std::string DeviceList(const Admission::Seat& seat, const std::string& resource) {
  std::string list;
  const auto it = seat.devices().find(resource);
  if (it == seat.devices().end()) return list;
  for (const int index : it->second) list += (list.empty() ? "" : ",") + std::to_string(index);
  return list;
}

void SetVariable(std::vector<std::string>& environment, const std::string& name,
                 const std::string& value) {
  std::erase_if(environment, [&](const std::string& v) { return v.starts_with(name + "="); });
  environment.push_back(name + "=" + value);
}

std::string ContainerName(const std::string& pod_uid, const PodLaunch& launch) {
  return "penstock-" + pod_uid + "-" + launch.container;
}

}  // namespace

ProcessRunner::ProcessRunner(kube::Client& client, const Clock& clock, RunnerOptions options)
    : client_(client),
      clock_(clock),
      options_(std::move(options)),
      admission_(options_.capacity),
      podman_(options_.podman) {}

ProcessRunner::~ProcessRunner() { Stop(); }

void ProcessRunner::Start() {
  watcher_ = std::jthread([this](std::stop_token stop) { FollowPods(stop); });
}

void ProcessRunner::Stop(seconds grace) {
  std::map<std::string, std::unique_ptr<PodWorker>> workers;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  watcher_.request_stop();
  if (watcher_.joinable()) watcher_.join();
  {
    const std::scoped_lock lock(mutex_);
    workers.swap(workers_);
  }
  // Nobody waits for statuses any more, and no object was deleted: only the processes end.
  for (auto& [uid, worker] : workers) worker->RequestStop(grace, true);
  for (auto& [uid, worker] : workers) worker->thread.join();
}

void ProcessRunner::FollowPods(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const Result<kube::ListPage> page = client_.List(kube::kPods, "", {}, {.stop = stop});
    if (page) {
      std::set<std::string> there;
      for (const Json& pod : page->items) {
        there.insert(Field(pod, "uid"));
        See(pod, false);
      }
      {
        // A deletion between two watches is told by no event.
        const std::scoped_lock lock(mutex_);
        for (auto& [uid, worker] : workers_) {
          if (there.contains(uid)) continue;
          worker->RequestStop(seconds(2), true);
          worker->end_seen = true;
        }
      }
      kube::WatchOptions options;
      options.resource_version = page->resource_version;
      const auto sink = [this](kube::WatchEvent& event) {
        if (event.type != kube::WatchEventType::kBookmark) {
          See(*event.object, event.type == kube::WatchEventType::kDeleted);
        }
        return true;
      };
      const Result<void> watched = client_.Watch(kube::kPods, "", options, sink, stop);
      if (watched) continue;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kRelistPause, [&] { return stop.stop_requested(); });
  }
}

void ProcessRunner::See(const Json& pod, bool deleted) {
  Sweep();
  const std::string uid = Field(pod, "uid");
  const Json& meta = pod.at("metadata");
  const bool deleting = deleted || meta.contains("deletionTimestamp");
  const std::scoped_lock lock(mutex_);
  const auto it = workers_.find(uid);
  if (it != workers_.end()) {
    if (deleted || HasEnded(pod)) it->second->end_seen = true;
    if (deleting) {
      it->second->RequestStop(seconds(deleted ? 2 : meta.value("deletionGracePeriodSeconds", 30)),
                              deleted);
    }
    return;
  }
  if (stopping_ || deleted || HasEnded(pod)) return;
  auto worker = std::make_unique<PodWorker>();
  worker->pod = pod;
  worker->uid = uid;
  worker->ns = Field(pod, "namespace");
  worker->name = Field(pod, "name");
  if (deleting) worker->RequestStop(seconds(0), false);
  PodWorker& started = *workers_.emplace(uid, std::move(worker)).first->second;
  started.thread = std::jthread([this, &started] {
    RunPod(started);
    const std::scoped_lock done_lock(mutex_);
    started.done = true;
    changed_.notify_all();
  });
}

// Joins the workers that have ended. Not before the pod's end was seen: an event of before that
// comes late would start it a second time.
void ProcessRunner::Sweep() {
  const std::scoped_lock lock(mutex_);
  std::erase_if(workers_,
                [](const auto& entry) { return entry.second->done && entry.second->end_seen; });
}

void ProcessRunner::WriteStatus(PodWorker& worker, const Json& status) {
  {
    const std::scoped_lock lock(worker.mutex);
    if (worker.removed) return;
  }
  kube::PatchOptions options;
  options.subresource = "status";
  const Json patch = {{"metadata", {{"uid", worker.uid}}}, {"status", status}};
  const Result<Json> wrote =
      client_.MergePatch(kube::kPods, worker.ns, worker.name, patch, options);
  // A pod that is gone needs no status; anything else in a cluster in memory is a bug to be seen.
  if (!wrote && wrote.error().kind != ErrorKind::kNotFound && options_.notice) {
    options_.notice("pod " + worker.name + ": status not written: " + wrote.error().message);
  }
}

void ProcessRunner::Notice(const std::string& key, const std::string& line) {
  {
    const std::scoped_lock lock(mutex_);
    if (!noticed_.insert(key).second) return;
  }
  if (options_.notice) options_.notice(line);
}

void ProcessRunner::RunPod(PodWorker& worker) {
  const Result<Resources> requests = PodRequests(worker.pod);
  const std::string never = requests ? admission_.WhyNever(*requests) : "";
  if (!requests) {
    EndUnstarted(worker, requests.error());
  } else if (!never.empty()) {
    if (options_.never_fits) options_.never_fits(worker.name);
    WriteStatus(worker, PendingStatus("Unschedulable", never, clock_.Now()));
  } else {
    const auto waiting = [&](const std::string& why) {
      WriteStatus(worker, PendingStatus("Unschedulable", why, clock_.Now()));
    };
    std::optional<Admission::Seat> seat =
        admission_.Enter(*requests, worker.stop.get_token(), waiting);
    if (seat) RunAdmitted(worker, *std::move(seat));
  }
  // As the kubelet does: a pod that was deleted with grace is removed when its containers have
  // ended.
  const std::scoped_lock lock(worker.mutex);
  if (!worker.stop.stop_requested() || worker.removed) return;
  kube::DeleteOptions options;
  options.uid = worker.uid;
  options.grace_period_seconds = 0;
  const Result<void> removed = client_.Delete(kube::kPods, worker.ns, worker.name, options);
  static_cast<void>(removed);  // gone already, or never deleted: Stop() asked
}

void ProcessRunner::RunAdmitted(PodWorker& worker, Admission::Seat seat) {
  const Result<Json> bound = client_.MergePatch(kube::kPods, worker.ns, worker.name,
                                                {{"spec", {{"nodeName", kNodeName}}}});
  if (!bound) {
    if (bound.error().kind != ErrorKind::kNotFound) EndUnstarted(worker, bound.error());
    return;
  }
  WriteStatus(worker, PendingStatus("", "", clock_.Now()));
  const auto launches = PrepareLaunches(worker.pod, options_.launch, client_);
  if (!launches) {
    // What was written of its volumes may be a Secret.
    RemoveFolder(PathsOf(options_.launch.state, worker.ns, worker.name).folder / "volumes");
    return EndUnstarted(worker, launches.error());
  }
  RunProcesses(worker, *launches, seat);
  for (const PodLaunch& launch : *launches)
    for (const fs::path& folder : launch.scratch) RemoveFolder(folder);
}

Result<ProcessRunner::Started> ProcessRunner::Isolate(const PodWorker& worker,
                                                      const PodLaunch& launch) {
  if (launch.library_image) return OnHost(launch);
  const bool must = options_.isolation == Isolation::kPodman;
  Result<void> there = Invalid("--isolation process was given");
  if (options_.isolation != Isolation::kProcess) {
    const std::stop_token stop = worker.stop.get_token();
    there = podman_.Usable(stop);
    if (there) there = podman_.CanRun(launch.image, options_.launch.launcher, stop);
    if (!there && there.error().kind == ErrorKind::kCancelled) return there.error();
  }
  if (there) {
    return Started{podman_.Command(launch, launch.spec, ContainerName(worker.uid, launch)), true};
  }
  if (must) return there.error();
  Notice(launch.image, "image " + launch.image + ": its commands run on this host, not isolated (" +
                           there.error().message + ")");
  return OnHost(launch);
}

Result<ProcessRunner::Started> ProcessRunner::OnHost(const PodLaunch& launch) const {
  if (launch.mounts.empty()) return Started{launch.argv, false};
  if (auto can = CanMount(options_.launch.launcher, options_.launch.state); !can) {
    std::string paths;
    for (const OwnMount& m : launch.mounts) paths += (paths.empty() ? "" : ", ") + m.target;
    return Wrap("mounts at " + paths, can.error());
  }
  return Started{Within(options_.launch.launcher, launch.mounts, launch.argv), false};
}

Result<ProcessRunner::Running> ProcessRunner::StartOne(PodWorker& worker, const PodLaunch& launch,
                                                       const Admission::Seat& seat) {
  const Result<Started> started = Isolate(worker, launch);
  if (!started) return started.error();
  ChildOptions child_options{started->argv, launch.environment, launch.directory, launch.paths.log};
  if (options_.capacity.other.contains("nvidia.com/gpu")) {
    SetVariable(child_options.environment, "CUDA_VISIBLE_DEVICES",
                DeviceList(seat, "nvidia.com/gpu"));
  }
  Result<ChildProcess> child = ChildProcess::Start(child_options);
  if (!child) return child.error();
  return Running{*std::move(child), started->in_podman};
}

namespace {

// Ended by a signal, or with a failure of which it left no word: those that wait for it in turn
// would wait for ever.
bool IsLost(const ChildExit& end, const PodLaunch& launch) {
  if (end.signal) return true;
  if (end.ExitCode() == 0) return false;
  const Result<std::string> said = ReadFile(launch.paths.termination_log);
  return !said || said->empty();
}

}  // namespace

// Until all have ended, somebody has asked them to, or one of several is lost, which ends the
// others as a deletion would.
void ProcessRunner::AwaitEnds(PodWorker& worker, const std::vector<PodLaunch>& launches,
                              std::vector<std::optional<ChildExit>>& ends) {
  if (ends.size() == 1) {
    ends[0] = worker.children[0]->Wait(std::nullopt);
    if (!ends[0]) worker.EndChildren(ends);  // woken: a deletion
    return;
  }
  for (auto next = ends.begin(); next != ends.end();
       next = std::find(ends.begin(), ends.end(), std::nullopt)) {
    const auto waited_for = static_cast<std::size_t>(next - ends.begin());
    for (std::size_t k = 0; k < ends.size(); ++k) {
      const std::size_t i = (waited_for + k) % ends.size();
      if (ends[i]) continue;
      ends[i] = worker.children[i]->Wait(k == 0 ? kLookAtNext : milliseconds(0));
      if (!ends[i] || !IsLost(*ends[i], launches[i])) continue;
      worker.RequestGrace(kGraceOfOthers);
      return worker.EndChildren(ends);
    }
    if (worker.stop.stop_requested()) return worker.EndChildren(ends);
  }
}

void ProcessRunner::RunProcesses(PodWorker& worker, const std::vector<PodLaunch>& launches,
                                 const Admission::Seat& seat) {
  std::vector<Running> running;
  std::vector<ContainerRun> runs;
  std::vector<std::optional<ChildExit>> ends(launches.size());
  running.reserve(launches.size());  // the worker points to them
  // Also what a child left in its session.
  const auto end_all = [&] {
    for (std::size_t i = 0; i < running.size(); ++i) {
      running[i].child.KillAll();
      if (running[i].in_podman) podman_.Remove(ContainerName(worker.uid, launches[i]));
      while (!ends[i]) ends[i] = running[i].child.Wait(std::nullopt);
    }
    const std::scoped_lock lock(worker.mutex);
    worker.children.clear();
  };
  for (const PodLaunch& launch : launches) {
    runs.push_back({launch.container, launch.image, clock_.Now()});
    Result<Running> one = StartOne(worker, launch, seat);
    if (!one) {
      end_all();
      return EndUnstarted(
          worker,
          launches.size() == 1
              ? one.error()
              : Wrap("container " + launch.container + " was not started", one.error()),
          runs.size() - 1);
    }
    const std::scoped_lock lock(worker.mutex);
    worker.children.push_back(&running.emplace_back(*std::move(one)).child);
    if (worker.stop.stop_requested()) running.back().child.Wake();
  }
  std::jthread prober = BeginProbing(worker, launches, running, runs);
  AwaitEnds(worker, launches, ends);
  end_all();
  prober = {};  // what it says comes before the end
  std::vector<ContainerEnd> said;
  for (std::size_t i = 0; i < running.size(); ++i) {
    const Result<std::string> message = ReadFile(launches[i].paths.termination_log);
    said.push_back({ends[i]->ExitCode(), ends[i]->signal.value_or(0),
                    message ? message->substr(0, kMaxTerminationMessage) : "", clock_.Now()});
  }
  WriteStatus(worker, EndedStatus(runs, said));
}

std::jthread ProcessRunner::BeginProbing(PodWorker& worker, const std::vector<PodLaunch>& launches,
                                         const std::vector<Running>& running,
                                         const std::vector<ContainerRun>& runs) {
  const Json* probe = ReadinessProbeOf(worker.pod);
  WriteStatus(worker, RunningStatus(runs, probe == nullptr, runs.front().started));
  if (probe == nullptr) return {};
  const PodLaunch& launch = launches.front();
  const std::string container =
      running.front().in_podman ? ContainerName(worker.uid, launch) : std::string();
  return std::jthread([this, &worker, &launch, container, probe, runs](std::stop_token stop) {
    const auto exec = [&](const std::vector<std::string>& command, std::stop_token asked) {
      ChildOptions options;
      options.argv = command;
      if (!container.empty())
        options.argv.insert(options.argv.begin(), {options_.podman, "exec", container});
      options.environment = launch.environment;
      options.directory = launch.directory;
      CommandLimits limits;
      limits.time = kProbeTime;
      limits.stop = std::move(asked);
      const auto end = RunCommand(std::move(options), limits);
      return end && end->exit && end->exit->ExitCode() == 0;
    };
    const auto tell = [&](bool ready) {
      WriteStatus(worker, RunningStatus(runs, ready, clock_.Now()));
    };
    KeepAsking(*probe, exec, tell, std::move(stop));
  });
}

void ProcessRunner::EndUnstarted(PodWorker& worker, const Error& why, std::size_t container) {
  TerminationMessage said;
  said.outcome =
      why.kind == ErrorKind::kCancelled ? TaskOutcome::kCancelled : TaskOutcome::kInvalid;
  said.exit_code = LauncherExitCode(said);
  said.message = why.message;
  const Json& containers = worker.pod["spec"]["containers"];
  const Json of = container < containers.size() ? containers[container] : Json::object();
  const ContainerRun run{of.value("name", ""), of.value("image", ""), clock_.Now()};
  WriteStatus(
      worker,
      EndedStatus({run}, {{said.exit_code, 0, FormatTerminationMessage(said), clock_.Now()}}));
}

}  // namespace penstock::local
