#include "operator/local/process_runner.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <future>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/forwarding_client.h"
#include "operator/kube/resources.h"
#include "operator/local/testing/process_runner_fixture.h"
#include "operator/protocol/task.h"

namespace penstock::local {
namespace {

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
