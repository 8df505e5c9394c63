#include <gtest/gtest.h>

#include <fstream>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/testing/process_runner_fixture.h"

namespace penstock::local {
namespace {

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

}  // namespace
}  // namespace penstock::local
