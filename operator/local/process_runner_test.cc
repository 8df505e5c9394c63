#include "operator/local/process_runner.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/forwarding_client.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/protocol/task.h"

namespace penstock::local {
namespace {

namespace fs = std::filesystem;

// A launcher of shell: it runs the task document itself as a script, with the termination log's
// path in $2's place.
constexpr const char* kLauncher = R"(#!/bin/sh
# run --task FILE --termination-log FILE
. "$3"
)";

class ProcessRunnerTest : public testing::Test {
 protected:
  ProcessRunnerTest() {
    fs::create_directories(state_);
    std::ofstream(state_ / "penstock-launcher") << kLauncher;
    fs::permissions(state_ / "penstock-launcher", fs::perms::owner_all);
    runner_.emplace(cluster_, clock_, Options());
    cluster_.SetLogSource(
        [this](const std::string& ns, const std::string& pod, const kube::LogOptions& options,
               const kube::LogSink& sink,
               std::stop_token stop) { return runner_->Logs(ns, pod, options, sink, stop); });
    runner_->Start();
  }
  ~ProcessRunnerTest() override {
    runner_->Stop(std::chrono::seconds(0));
    RemoveFolder(state_);
  }

  RunnerOptions Options() {
    return {.launch = {state_, state_ / "penstock-launcher", {}, host_},
            .isolation = Isolation::kProcess,
            .podman = "",
            .capacity = {1000, 1 << 30, {}},
            .notice =
                [this](const std::string& line) {
                  const std::scoped_lock lock(mutex_);
                  notices_.push_back(line);
                },
            .never_fits =
                [this](const std::string& pod) {
                  const std::scoped_lock lock(mutex_);
                  never_fit_.insert(pod);
                }};
  }

  // A pod whose "task" is a shell script.
  Json Create(const std::string& name, const std::string& script, const std::string& cpu = "1",
              const std::string& image = "registry.example.com/penstock/components:1",
              bool with_volume = false) {
    Json pod = Json::parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{},"spec":{
      "containers":[{"name":"step","command":["/bin/penstock-launcher","run","--task","/penstock/task/t",
        "--termination-log","/dev/termination-log"],
        "volumeMounts":[{"name":"task","mountPath":"/penstock/task"}]}],
      "volumes":[{"name":"task","downwardAPI":{"items":[{"path":"t",
        "fieldRef":{"fieldPath":"metadata.annotations['penstock.dev/task']"}}]}}]}})");
    pod["metadata"]["name"] = name;
    pod["metadata"]["annotations"]["penstock.dev/task"] = script;
    if (with_volume) {
      pod["spec"]["volumes"].push_back(Json::parse(R"({"name":"d","emptyDir":{}})"));
      pod["spec"]["containers"][0]["volumeMounts"].push_back(
          Json::parse(R"({"name":"d","mountPath":"/no-such-data","readOnly":true})"));
    }
    pod["spec"]["containers"][0]["image"] = image;
    pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = cpu;
    return *cluster_.Create(kube::kPods, "default", pod);
  }

  // Watches until the pod is as wanted (or gone, when `wanted` takes null).
  Json Await(const std::string& name, const std::function<bool(const Json&)>& wanted) {
    while (true) {
      const Result<kube::ListPage> page = cluster_.List(kube::kPods, "default", {});
      Json now;
      for (const Json& pod : page->items) {
        if (pod["metadata"]["name"] == name) now = pod;
      }
      if (wanted(now)) return now;
      kube::WatchOptions options;
      options.resource_version = page->resource_version;
      EXPECT_TRUE(cluster_.Watch(kube::kPods, "default", options,
                                 [](kube::WatchEvent&) { return false; }, {}));
    }
  }
  Json AwaitPhase(const std::string& name, const std::string& phase) {
    return Await(name, [&](const Json& pod) {
      return !pod.is_null() && pod["status"].value("phase", "") == phase;
    });
  }
  void AwaitFile(const std::string& name) {  // until the script has written it; ctest ends us
    while (!fs::exists(state_ / name)) std::this_thread::yield();
  }
  void AwaitText(const fs::path& file, const std::string& words) {
    for (Result<std::string> text = ReadFile(file); !text || text->find(words) == std::string::npos;
         text = ReadFile(file))
      std::this_thread::yield();
  }
  static kube::LogOptions Tail(int lines) {
    kube::LogOptions options;
    options.tail_lines = lines;
    return options;
  }
  std::string Log(const std::string& pod, const kube::LogOptions& options = {}) {
    std::string text;
    const Result<void> read = cluster_.Logs("default", pod, options,
                                            [&](std::string_view piece) {
                                              text += piece;
                                              return true;
                                            },
                                            {});
    return read ? text : "error: " + read.error().message;
  }

  const fs::path state_ = fs::path(testing::TempDir()) / ("runner-" + std::to_string(getpid()));
  const std::map<std::string, std::string> host_{{"PATH", "/usr/bin:/bin"},
                                                 {"TMPDIR", state_.string()}};
  SystemClock clock_;
  MemoryCluster cluster_{clock_};
  std::mutex mutex_;
  std::vector<std::string> notices_;
  std::set<std::string> never_fit_;  // told once or more
  std::optional<ProcessRunner> runner_;
};

TEST_F(ProcessRunnerTest, RunsAPodToItsEndAsAKubeletReportsIt) {
  Create("good", "echo working; printf done > $5");
  const Json pod = AwaitPhase("good", "Succeeded");
  const Json& status = pod["status"]["containerStatuses"][0];
  EXPECT_EQ(status["name"], "step");
  EXPECT_EQ(status["state"]["terminated"]["exitCode"], 0);
  EXPECT_EQ(status["state"]["terminated"]["reason"], "Completed");
  EXPECT_EQ(status["state"]["terminated"]["message"], "done");
  EXPECT_TRUE(ParseTime(pod["status"]["startTime"].get<std::string>()));
  EXPECT_EQ(Log("good"), "working\n");
}

// Shows what a watch has told, but for the first event, once it is let go.
class LateWatch : public kube::ForwardingClient {
 public:
  explicit LateWatch(kube::Client& below) : ForwardingClient(below) {}
  Result<void> Watch(const kube::ResourceType& type, const std::string& ns,
                     const kube::WatchOptions& options, const kube::WatchSink& sink,
                     std::stop_token stop) override {
    const auto late = [&](kube::WatchEvent& event) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, stop, [&] { return seen_ == 0 || let_go_; });
      lock.unlock();
      const bool more = sink(event);
      lock.lock();
      ++seen_;
      has_ended_ = has_ended_ ||
                   event.object->value("status", Json::object()).value("phase", "") == "Succeeded";
      changed_.notify_all();
      return more;
    };
    return ForwardingClient::Watch(type, ns, options, late, stop);
  }
  void LetGo() {
    const std::scoped_lock lock(mutex_);
    let_go_ = true;
    changed_.notify_all();
  }
  // Until a pod has been shown as ended.
  bool AwaitEnd() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return has_ended_; });
  }

 private:
  Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }
  std::mutex mutex_;
  std::condition_variable_any changed_;
  int seen_ = 0;
  bool let_go_ = false, has_ended_ = false;
};

TEST_F(ProcessRunnerTest, APodWhoseEventsComeLateRunsOnce) {
  runner_->Stop(std::chrono::seconds(0));
  LateWatch late(cluster_);
  runner_.emplace(late, clock_, Options());
  runner_->Start();
  Create("good", "echo working");
  AwaitPhase("good", "Succeeded");
  late.LetGo();
  ASSERT_TRUE(late.AwaitEnd());
  runner_->Stop(std::chrono::seconds(10));  // and waits for whatever it has started
  EXPECT_EQ(Log("good"), "working\n");
  runner_.emplace(cluster_, clock_, Options());  // none that knows `late`
}

TEST_F(ProcessRunnerTest, ReportsTheExitCodeOfAFailure) {
  Create("bad", "exit 7");
  const Json pod = AwaitPhase("bad", "Failed");
  const Json& end = pod["status"]["containerStatuses"][0]["state"]["terminated"];
  EXPECT_EQ(end["exitCode"], 7);
  EXPECT_EQ(end["reason"], "Error");
}

TEST_F(ProcessRunnerTest, APodThatNeverFitsStaysPendingAndSaysWhy) {
  Create("huge", "exit 0", "64");
  const Json pod = Await(
      "huge", [](const Json& p) { return !p.is_null() && p["status"].contains("conditions"); });
  EXPECT_EQ(pod["status"]["phase"], "Pending");
  EXPECT_EQ(pod["status"]["conditions"][0]["reason"], "Unschedulable");
  EXPECT_NE(pod["status"]["conditions"][0]["message"].get<std::string>().find("Insufficient cpu"),
            std::string::npos);
  const std::scoped_lock lock(mutex_);
  EXPECT_EQ(never_fit_, std::set<std::string>{"huge"});
}

TEST_F(ProcessRunnerTest, APodWaitsForThePlaceOfAnother) {
  Create("first", "touch $TMPDIR/started; while [ ! -e $TMPDIR/go ]; do sleep 0.01; done");
  AwaitFile("started");
  Create("second", "exit 0");
  Await("second", [](const Json& p) { return !p.is_null() && p["status"].contains("conditions"); });
  std::ofstream(state_ / "go").flush();
  AwaitPhase("first", "Succeeded");
  AwaitPhase("second", "Succeeded");
  const std::scoped_lock lock(mutex_);
  EXPECT_TRUE(never_fit_.empty());
}

TEST_F(ProcessRunnerTest, ADeletedPodGetsSigtermAndIsRemovedWhenItHasEnded) {
  Create("mild",
         "trap 'echo asked; exit 0' TERM; touch $TMPDIR/started; while :; do sleep 0.01; done");
  AwaitFile("started");
  ASSERT_TRUE(cluster_.Delete(kube::kPods, "default", "mild"));
  Await("mild", [](const Json& pod) { return pod.is_null(); });
  EXPECT_EQ(*ReadFile(state_ / "logs/default/mild.log"), "asked\n");
}

TEST_F(ProcessRunnerTest, APodThatIgnoresSigtermIsKilledAfterItsGrace) {
  Create("deaf", "trap '' TERM; touch $TMPDIR/started; while :; do sleep 0.01; done");
  AwaitFile("started");
  kube::DeleteOptions options;
  options.grace_period_seconds = 1;
  ASSERT_TRUE(cluster_.Delete(kube::kPods, "default", "deaf", options));
  Await("deaf", [](const Json& pod) { return pod.is_null(); });
}

TEST_F(ProcessRunnerTest, AMissingSecretEndsThePodWithAMessageThatSaysWhatToDo) {
  Json pod = Json::parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"secret"},
    "spec":{"containers":[{"name":"step","image":"penstock/components","command":["true"],
    "env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}]}})");
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default", pod));
  pod = AwaitPhase("secret", "Failed");
  const Json& end = pod["status"]["containerStatuses"][0]["state"]["terminated"];
  const Result<TerminationMessage> said =
      ParseTerminationMessage(end["message"].get<std::string>());
  ASSERT_TRUE(said);
  EXPECT_EQ(said->outcome, TaskOutcome::kInvalid);
  EXPECT_NE(said->message.find("PENSTOCK_SECRET_S_K"), std::string::npos);
}

TEST_F(ProcessRunnerTest, SaysOnceThatAnImageIsNotIsolated) {
  Create("one", "exit 0", "100m", "python:3.12");
  Create("two", "exit 0", "100m", "python:3.12");
  AwaitPhase("one", "Succeeded");
  AwaitPhase("two", "Succeeded");
  const std::scoped_lock lock(mutex_);
  ASSERT_EQ(notices_.size(), 1U);
  EXPECT_NE(notices_[0].find("python:3.12"), std::string::npos);
  EXPECT_NE(notices_[0].find("not isolated"), std::string::npos);
}

// A podman of shell: it notes its words and runs the entrypoint on the host.
constexpr const char* kPodman = R"sh(#!/bin/sh
echo "$*" >> "$(dirname "$0")/podman-calls"
[ "$1 $2" = "image exists" ] && exit "$(cat "$(dirname "$0")/podman-has-image")"
[ "$1 $3" = "pull example.com/hangs:1" ] && exec sleep 60
[ "$1" = pull ] && { echo "no such registry" >&2; exit 125; }
[ "$1" = run ] || exit 0
for word; do
  shift
  case "$word" in
    --entrypoint=*) program=${word#--entrypoint=} ;;
    --env=*) export "${word#--env=}" ;;
    example.com/*) break ;;
  esac
done
[ "$1" = --help ] && exit 0
exec "$program" "$@"
)sh";

class PodmanRunnerTest : public ProcessRunnerTest {
 protected:
  // `has_image`: the exit code of `podman image exists`.
  void UsePodman(Isolation isolation, const char* has_image) {
    runner_->Stop(std::chrono::seconds(0));
    std::ofstream(state_ / "podman") << kPodman;
    fs::permissions(state_ / "podman", fs::perms::owner_all);
    std::ofstream(state_ / "podman-has-image") << has_image;
    runner_.emplace(cluster_, clock_,
                    RunnerOptions{.launch = {state_, state_ / "penstock-launcher", {}, host_},
                                  .isolation = isolation,
                                  .podman = (state_ / "podman").string(),
                                  .capacity = {1000, 1 << 30, {}},
                                  .notice = [this](const std::string& line) {
                                    const std::scoped_lock lock(mutex_);
                                    notices_.push_back(line);
                                  }});
    runner_->Start();
  }
};

TEST_F(PodmanRunnerTest, RunsAnImageOfTheUsersInAContainer) {
  UsePodman(Isolation::kAuto, "0");
  Create("boxed", "printf done > $5", "100m", "example.com/tool:1");
  const Json pod = AwaitPhase("boxed", "Succeeded");
  EXPECT_EQ(pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"], "done");
  const std::string calls = *ReadFile(state_ / "podman-calls");
  EXPECT_NE(calls.find("--volume=" + (state_ / "pods/default/boxed").string() + ":"),
            std::string::npos)
      << calls;
  const std::scoped_lock lock(mutex_);
  EXPECT_TRUE(notices_.empty());
}

TEST_F(PodmanRunnerTest, MountsTheStepsOwnVolumesAtTheirPaths) {
  UsePodman(Isolation::kAuto, "0");
  Create("boxed", "exit 0", "100m", "example.com/tool:1", true);
  AwaitPhase("boxed", "Succeeded");
  const std::string calls = *ReadFile(state_ / "podman-calls");
  EXPECT_NE(calls.find("--volume=" + (state_ / "pods/default/boxed/volumes/d").string() +
                       ":/no-such-data:ro "),
            std::string::npos)
      << calls;
}

// The launcher of these tests knows no `within`, as a machine that lets nobody mount.
TEST_F(ProcessRunnerTest, AVolumeThatTheMachineCannotShowAtItsPathEndsThePodByName) {
  Create("lost", "exit 0", "100m", "registry.example.com/penstock/components:1", true);
  const Json pod = AwaitPhase("lost", "Failed");
  const std::string said =
      pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"].get<std::string>();
  EXPECT_NE(said.find("mounts at /no-such-data: the machine lets no process have volumes"),
            std::string::npos)
      << said;
  EXPECT_FALSE(fs::exists("/no-such-data"));
}

TEST_F(PodmanRunnerTest, AnImageThatCannotBePulledRunsOnTheHostAndSaysSo) {
  UsePodman(Isolation::kAuto, "1");
  Create("open", "exit 0", "100m", "example.com/tool:1");
  AwaitPhase("open", "Succeeded");
  const std::scoped_lock lock(mutex_);
  ASSERT_EQ(notices_.size(), 1U);
  EXPECT_NE(notices_[0].find("no such registry"), std::string::npos) << notices_[0];
}

TEST_F(PodmanRunnerTest, APullThatHangsEndsWithItsPodAndHoldsUpNoOtherImage) {
  UsePodman(Isolation::kPodman, "1");
  Create("hangs", "exit 0", "100m", "example.com/hangs:1");
  AwaitText(state_ / "podman-calls", "pull -q example.com/hangs:1");
  Create("waits", "exit 0", "100m", "example.com/hangs:1");  // for that pull
  Create("other", "exit 0", "100m", "example.com/tool:1");
  AwaitPhase("other", "Failed");  // its own pull has been answered
  const auto start = std::chrono::steady_clock::now();
  for (const char* pod : {"hangs", "waits"}) {
    ASSERT_TRUE(cluster_.Delete(kube::kPods, "default", pod, {}));
    Await(pod, [](const Json& now) { return now.is_null(); });
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(PodmanRunnerTest, WhereIsolationIsAskedForNothingRunsWithoutIt) {
  UsePodman(Isolation::kPodman, "1");
  Create("strict", "exit 0", "100m", "example.com/tool:1");
  const Json pod = AwaitPhase("strict", "Failed");
  EXPECT_NE(pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"]
                .get<std::string>()
                .find("no such registry"),
            std::string::npos);
}

TEST_F(ProcessRunnerTest, FollowsALogUntilThePodEndsAndTailsIt) {
  Create("talker",
         "echo one; echo two; touch $TMPDIR/started; "
         "while [ ! -e $TMPDIR/go ]; do sleep 0.01; done; echo three");
  AwaitFile("started");
  std::promise<void> seen;
  auto follower = std::async(std::launch::async, [&] {
    std::string text;
    bool told = false;
    kube::LogOptions options;
    options.follow = true;
    const Result<void> read = runner_->Logs("default", "talker", options,
                                            [&](std::string_view piece) {
                                              text += piece;
                                              if (!std::exchange(told, true)) seen.set_value();
                                              return true;
                                            },
                                            {});
    return read ? text : read.error().message;
  });
  seen.get_future().wait();
  std::ofstream(state_ / "go").flush();
  EXPECT_EQ(follower.get(), "one\ntwo\nthree\n");
  EXPECT_EQ(Log("talker", Tail(2)), "two\nthree\n");
  EXPECT_EQ(Log("talker", Tail(9)), "one\ntwo\nthree\n");
  EXPECT_EQ(Log("talker", Tail(0)), "");
  kube::LogOptions limited;
  limited.limit_bytes = 5;
  EXPECT_EQ(Log("talker", limited), "one\nt");
}

TEST_F(ProcessRunnerTest, StopEndsChildrenThatRun) {
  Create("long", "echo $$ > $TMPDIR/pid; mv $TMPDIR/pid $TMPDIR/started; exec sleep 600");
  AwaitFile("started");
  runner_->Stop(std::chrono::seconds(5));
  const int child = std::stoi(*ReadFile(state_ / "started"));
  EXPECT_EQ(kill(child, 0), -1);
}

}  // namespace
}  // namespace penstock::local
