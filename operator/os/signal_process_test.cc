#include "operator/os/signal_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <optional>

#include "operator/os/child_process.h"

namespace penstock {
namespace {

Result<ChildProcess> Sleeper() {
  return ChildProcess::Start({{"sleep", "60"}, {"PATH=/usr/bin:/bin"}});
}

TEST(SignalProcess, SignalsTheOneThatIsMeant) {
  auto child = Sleeper();
  ASSERT_TRUE(child);
  EXPECT_TRUE(SignalProcess(child->pid(), SIGTERM, [] { return true; }));
  EXPECT_EQ(child->Wait(std::nullopt)->ExitCode(), 128 + SIGTERM);
}

TEST(SignalProcess, LeavesOneAloneThatIsAnother) {
  auto child = Sleeper();
  ASSERT_TRUE(child);
  EXPECT_FALSE(SignalProcess(child->pid(), SIGTERM, [] { return false; }));
  EXPECT_FALSE(child->Wait(std::chrono::milliseconds(0)));
}

TEST(SignalProcess, ThatEndedWhileItWasAskedAboutReachesNobody) {
  std::optional<ChildProcess> child;
  auto started = Sleeper();
  ASSERT_TRUE(started);
  child.emplace(std::move(*started));
  EXPECT_FALSE(SignalProcess(child->pid(), SIGTERM, [&] {
    child.reset();  // killed and reaped: the number is free
    return true;
  }));
}

TEST(SignalProcess, IsNotGivenUpWhereNoDescriptorIsLeft) {
  auto child = Sleeper();
  ASSERT_TRUE(child);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool sent = SignalProcess(child->pid(), SIGTERM, [] { return true; });
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(sent);
  EXPECT_EQ(child->Wait(std::nullopt)->ExitCode(), 128 + SIGTERM);
}

}  // namespace
}  // namespace penstock
