#include <gtest/gtest.h>
#include <signal.h>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/testing/process_runner_fixture.h"

namespace penstock::local {
namespace {

TEST_F(ProcessRunnerTest, RunsTheContainersOfAPodTogetherAndTellsHowEachEnded) {
  // The first waits for what the second writes, so that both must be there.
  const std::string flag = (state_ / "second-is-there").string();
  const Json pod = InTurn("two", {"while [ ! -e " + flag + " ]; do sleep 0.01; done; echo a",
                                  "touch " + flag + "; echo b; echo why > ${0#*=}; code=3"});
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default", pod));
  const Json ended = AwaitPhase("two", "Failed");
  const Json& statuses = ended["status"]["containerStatuses"];
  ASSERT_EQ(statuses.size(), 2U);
  EXPECT_EQ(statuses[0]["name"], "step-c0");
  EXPECT_EQ(statuses[0]["state"]["terminated"]["exitCode"], 0);
  EXPECT_EQ(statuses[1]["state"]["terminated"]["exitCode"], 3);
}

// The first would wait for the second's word for ever.
TEST_F(ProcessRunnerTest, AContainerThatIsKilledEndsTheOthersOfItsPod) {
  const std::string waits =
      "trap 'echo asked; exit 143' TERM; touch $TMPDIR/waits; while :; do sleep 0.01; done";
  const std::string dies = "while [ ! -e $TMPDIR/waits ]; do sleep 0.01; done; kill -9 $$$$";
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default", InTurn("two", {waits, dies, "true"})));
  const Json ended = AwaitPhase("two", "Failed");
  const Json& statuses = ended["status"]["containerStatuses"];
  EXPECT_EQ(statuses[0]["state"]["terminated"]["exitCode"], 143);
  EXPECT_EQ(statuses[1]["state"]["terminated"]["exitCode"], 137);
  EXPECT_EQ(statuses[2]["state"]["terminated"]["exitCode"], 0);
  EXPECT_EQ(Log("two"), "asked\n");
}

TEST_F(ProcessRunnerTest, AContainerThatEndsWithoutAWordEndsTheOthersOfItsPod) {
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default",
                              InTurn("two", {"touch $TMPDIR/waits; exec sleep 600",
                                             "while [ ! -e $TMPDIR/waits ]; do sleep 0.01; done; "
                                             "code=126"})));
  const Json ended = AwaitPhase("two", "Failed");
  const Json& statuses = ended["status"]["containerStatuses"];
  EXPECT_EQ(statuses[0]["state"]["terminated"]["exitCode"], 143);
  EXPECT_EQ(statuses[1]["state"]["terminated"]["exitCode"], 126);
}

TEST_F(ProcessRunnerTest, AContainerThatCannotBeStartedEndsTheOthersOfItsPodAndIsNamed) {
  Json pod = InTurn("two", {"echo $$$$ > $TMPDIR/pid; exec sleep 600", "true"});
  pod["spec"]["containers"][1]["command"] = {"/no/such/program"};
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default", pod));
  const Json ended = AwaitPhase("two", "Failed");
  const Json& status = ended["status"]["containerStatuses"][0];
  EXPECT_EQ(status["name"], "step-c1");
  const std::string message = status["state"]["terminated"]["message"];
  EXPECT_NE(message.find("container step-c1 was not started"), std::string::npos) << message;
  if (const auto text = ReadFile(state_ / "pid"); text && !text->empty()) {
    // Killed, it keeps its number until its container goes, but no command line.
    const int pid = std::stoi(*text);
    std::string command = "sleep";  // the test's own time-out is the limit of this wait
    while (kill(pid, 0) == 0 && !command.empty()) {
      const auto line = ReadFile("/proc/" + std::to_string(pid) + "/cmdline");
      command = line ? *line : "";
    }
    EXPECT_EQ(kill(pid, 0) == 0 ? command : "", "");
  }
}

TEST_F(ProcessRunnerTest, DeletionEndsEveryContainerOfAPod) {
  const std::string wait = "touch $TMPDIR/started-$$; exec sleep 600";
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default", InTurn("two", {wait, wait, wait})));
  AwaitPhase("two", "Running");
  kube::DeleteOptions options;
  options.grace_period_seconds = 20;
  ASSERT_TRUE(cluster_.Delete(kube::kPods, "default", "two", options));
  Await("two", [](const Json& pod) { return pod.is_null(); });
}

TEST_F(ProcessRunnerTest, RefusesASidecarByName) {
  Json pod = InTurn("s", {"true"});
  pod["spec"]["initContainers"] =
      Json::parse(R"([{"name":"sidecar-db","image":"pg","restartPolicy":"Always"}])");
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default", pod));
  const Json ended = AwaitPhase("s", "Failed");
  const std::string message =
      ended["status"]["containerStatuses"][0]["state"]["terminated"]["message"];
  EXPECT_NE(message.find("sidecar-db: a local run has no sidecars"), std::string::npos) << message;
}

}  // namespace
}  // namespace penstock::local
