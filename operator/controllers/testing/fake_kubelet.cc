#include "operator/controllers/testing/fake_kubelet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::controllers {
namespace {

template <typename T>
void ExpectDone(const Result<T>& result) {
  EXPECT_TRUE(result) << (result ? std::string() : result.error().message);
}

Json Terminated(const Clock& clock, int exit_code, const std::string& reason,
                const std::string& message) {
  const std::string now = FormatTime(clock.Now());
  return {{"phase", exit_code == 0 ? "Succeeded" : "Failed"},
          {"startTime", now},
          {"containerStatuses", Json::array({{{"name", plan::kStepContainer},
                                              {"ready", false},
                                              {"restartCount", 0},
                                              {"state",
                                               {{"terminated",
                                                 {{"exitCode", exit_code},
                                                  {"reason", reason},
                                                  {"message", message},
                                                  {"startedAt", now},
                                                  {"finishedAt", now}}}}}}})}};
}

Json Running(const Clock& clock) {
  const std::string now = FormatTime(clock.Now());
  return {{"phase", "Running"},
          {"startTime", now},
          {"containerStatuses", Json::array({{{"name", plan::kStepContainer},
                                              {"ready", true},
                                              {"restartCount", 0},
                                              {"state", {{"running", {{"startedAt", now}}}}}}})}};
}

Result<TaskDocument> TaskOf(const Json& pod) {
  const auto& annotations = pod.at("metadata").at("annotations");
  return ParseTask(annotations.at(plan::kAnnotationTask).get<std::string>());
}

}  // namespace

FakeKubelet::FakeKubelet(kube::Client& client, const artifacts::Store& store, const Clock& clock)
    : client_(client), store_(store), clock_(clock) {
  thread_ = std::jthread([this](const std::stop_token& stop) { Follow(stop); });
}

FakeKubelet::~FakeKubelet() = default;

void FakeKubelet::Script(const std::string& step, int attempt, Ending ending) {
  const std::lock_guard lock(mutex_);
  script_[{step, attempt}] = ending;
}

std::vector<std::string> FakeKubelet::started() const {
  const std::lock_guard lock(mutex_);
  return started_;
}

int FakeKubelet::starts(const std::string& step) const {
  const auto all = started();
  return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const std::string& s) {
    return s.substr(0, s.find('/')) == step;
  }));
}

void FakeKubelet::Follow(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto page = client_.List(kube::kPods, "", {}, {.stop = stop});
    if (!page) continue;
    for (const Json& pod : page->items) See(pod);
    kube::WatchOptions options;
    options.resource_version = page->resource_version;
    static_cast<void>(client_.Watch(
        kube::kPods, "", options,
        [this](kube::WatchEvent& event) {
          if (event.type == kube::WatchEventType::kAdded) See(*event.object);
          return true;
        },
        stop));
  }
}

void FakeKubelet::See(const Json& pod) {
  const auto& meta = pod.at("metadata");
  if (!meta.contains("annotations") || !meta.at("annotations").contains(plan::kAnnotationTask)) {
    return;
  }
  auto task = TaskOf(pod);
  Ending ending = Ending::kSucceed;
  {
    const std::lock_guard lock(mutex_);
    if (!task || !seen_.insert(meta.at("uid").get<std::string>()).second) return;
    // An item of a looped step is scripted as "step.3".
    std::string step = task->step;
    if (task->item_index) step += "." + std::to_string(*task->item_index);
    started_.push_back(step + "/" + std::to_string(task->attempt));
    const auto scripted = script_.find({step, task->attempt});
    if (scripted != script_.end()) ending = scripted->second;
    if (ending == Ending::kHang || ending == Ending::kPend) ++to_hang_[task->step];
  }
  Run(pod, *task, ending);
}

void FakeKubelet::Run(const Json& pod, const TaskDocument& task, Ending ending) {
  if (ending != Ending::kPend) WriteStatus(pod, Running(clock_));
  switch (ending) {
    case Ending::kSucceed:
      return Succeed(pod, task);
    case Ending::kFail: {
      TerminationMessage message;
      message.outcome = TaskOutcome::kFailed;
      message.exit_code = 1;
      message.message = "the program ended with exit code 1";
      return WriteStatus(pod, Terminated(clock_, 1, "Error", FormatTerminationMessage(message)));
    }
    case Ending::kEvict:
      return WriteStatus(
          pod, {{"phase", "Failed"},
                {"reason", "Evicted"},
                {"message", "The node was low on resource: memory."},
                {"conditions", Json::array({{{"type", "DisruptionTarget"}, {"status", "True"}}})}});
    case Ending::kPend:
    case Ending::kHang: {
      const std::lock_guard lock(mutex_);
      hanging_[task.step].push_back(pod);
      hangs_.notify_all();
      return;
    }
    case Ending::kSilentSuccess: {
      ExpectDone(store_.PutReceipt(task.namespace_, Work(task)));
      kube::DeleteOptions now;
      now.grace_period_seconds = 0;
      ExpectDone(client_.Delete(kube::kPods, task.namespace_, task.pod, now));
    }
  }
}

void FakeKubelet::Finish(const std::string& step) {
  std::vector<Json> pods;
  {
    // One that counts as started may not have said yet that it runs.
    std::unique_lock lock(mutex_);
    hangs_.wait(lock, [&] { return hanging_[step].size() == to_hang_[step]; });
    to_hang_[step] = 0;
    pods.swap(hanging_[step]);
  }
  for (const Json& pod : pods) Succeed(pod, *TaskOf(pod));
}

Receipt FakeKubelet::Work(const TaskDocument& task) const {
  Receipt receipt;
  receipt.run_uid = task.run_uid;
  receipt.step = task.step;
  receipt.pod = task.pod;
  receipt.attempt = task.attempt;
  receipt.item_index = task.item_index;
  std::string basis = task.step + CanonicalJson(task.parameters) + CanonicalJson(task.values);
  for (const TaskInput& input : task.inputs) {
    if (input.artifact) basis += input.name + input.artifact->digest;
  }
  for (const TaskOutput& output : task.outputs) {
    const auto file = store_.root() / "work" / (task.pod + "-" + output.name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << basis << output.name;
    auto artifact = store_.Put(task.namespace_, file);
    ExpectDone(artifact);
    receipt.outputs.push_back({output.name, output.type, *artifact});
  }
  for (const TaskResult& result : task.results) receipt.results[result.name] = 0.75;
  return receipt;
}

void FakeKubelet::Succeed(const Json& pod, const TaskDocument& task) {
  TerminationMessage message;
  message.outcome = TaskOutcome::kSucceeded;
  message.receipt = Work(task);
  ExpectDone(store_.PutReceipt(task.namespace_, *message.receipt));
  WriteStatus(pod, Terminated(clock_, 0, "Completed", FormatTerminationMessage(message)));
}

// A pod that is deleted meanwhile has no status to write.
void FakeKubelet::WriteStatus(const Json& pod, const Json& status) {
  const auto& meta = pod.at("metadata");
  auto written = client_.MergePatch(
      kube::kPods, meta.at("namespace").get<std::string>(), meta.at("name").get<std::string>(),
      {{"metadata", {{"uid", meta.at("uid")}}}, {"status", status}}, {.subresource = "status"});
  if (!written && written.error().kind == ErrorKind::kNotFound) return;
  ExpectDone(written);
}

}  // namespace penstock::controllers
