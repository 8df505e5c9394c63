#include "operator/local/process_runner.h"

#include <algorithm>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/pod_status.h"
#include "operator/local/pod_worker.h"
#include "operator/local/within.h"
#include "operator/os/child_process.h"
#include "operator/protocol/task.h"

namespace penstock::local {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kNodeName = "local";
constexpr milliseconds kRelistPause{200};  // after a watch that broke

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

std::string ContainerName(const std::string& pod_uid) { return "penstock-" + pod_uid; }

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
  const Result<PodLaunch> launch = PrepareLaunch(worker.pod, options_.launch, client_);
  if (!launch) {
    // What was written of its volumes may be a Secret.
    RemoveFolder(PathsOf(options_.launch.state, worker.ns, worker.name).folder / "volumes");
    return EndUnstarted(worker, launch.error());
  }
  RunProcess(worker, *launch, seat);
  for (const fs::path& folder : launch->scratch) RemoveFolder(folder);
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
    const Json& container = worker.pod["spec"]["containers"][0];
    return Started{podman_.Command(launch, container, ContainerName(worker.uid)), true};
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

void ProcessRunner::RunProcess(PodWorker& worker, const PodLaunch& launch,
                               const Admission::Seat& seat) {
  const Result<Started> started = Isolate(worker, launch);
  if (!started) return EndUnstarted(worker, started.error());
  ChildOptions child_options{started->argv, launch.environment, launch.directory, launch.paths.log};
  if (options_.capacity.other.contains("nvidia.com/gpu")) {
    SetVariable(child_options.environment, "CUDA_VISIBLE_DEVICES",
                DeviceList(seat, "nvidia.com/gpu"));
  }
  ContainerRun run{launch.container, launch.image, clock_.Now()};
  Result<ChildProcess> child = ChildProcess::Start(child_options);
  if (!child) return EndUnstarted(worker, child.error());
  {
    const std::scoped_lock lock(worker.mutex);
    worker.child = &*child;
    if (worker.stop.stop_requested()) child->Wake();
  }
  WriteStatus(worker, RunningStatus(run));

  std::optional<ChildExit> exit = child->Wait(std::nullopt);
  if (!exit) exit = worker.EndChild();  // woken: a deletion
  child->KillAll();
  if (started->in_podman) podman_.Remove(ContainerName(worker.uid));
  while (!exit) exit = child->Wait(std::nullopt);
  {
    const std::scoped_lock lock(worker.mutex);
    worker.child = nullptr;
  }
  const Result<std::string> message = ReadFile(launch.paths.termination_log);
  WriteStatus(worker, EndedStatus(run, {exit->ExitCode(), exit->signal.value_or(0),
                                        message ? message->substr(0, kMaxTerminationMessage) : "",
                                        clock_.Now()}));
}

void ProcessRunner::EndUnstarted(PodWorker& worker, const Error& why) {
  TerminationMessage said;
  said.outcome =
      why.kind == ErrorKind::kCancelled ? TaskOutcome::kCancelled : TaskOutcome::kInvalid;
  said.exit_code = LauncherExitCode(said);
  said.message = why.message;
  const Json& containers = worker.pod["spec"]["containers"];
  const ContainerRun run{containers.empty() ? "" : containers[0].value("name", ""),
                         containers.empty() ? "" : containers[0].value("image", ""), clock_.Now()};
  WriteStatus(worker,
              EndedStatus(run, {said.exit_code, 0, FormatTerminationMessage(said), clock_.Now()}));
}

}  // namespace penstock::local
