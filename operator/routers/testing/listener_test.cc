#include "operator/routers/listener.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>

#include "operator/base/json.h"
#include "operator/routers/testing/router_pod.h"

namespace penstock::routers {
namespace {

// A router answers when the test says that a request is held.
class Listeners : public ::testing::Test {
 protected:
  void Ready(const std::string& name, bool ready = true) {
    NotePod(pods_, name, ready);
    listener_.OnPods("team");
  }
  void Hold(const std::string& name) {
    const std::lock_guard lock(mutex_);
    held_ = name;
    changed_.notify_all();
  }
  Result<std::string> Await(const std::stop_token& stop) {
    ++asked_;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return !held_.empty(); });
    if (stop.stop_requested()) return Transient("stopped");
    return Json{{"startedAt", "t"}, {"deployments", {{held_, {{"held", 2}}}}}}.dump();
  }
  bool Eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 500 && !holds(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return holds();
  }
  int WokenOf(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return woken_[name];
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string held_;                  // guarded by mutex_
  std::map<std::string, int> woken_;  // guarded by mutex_
  std::atomic<int> asked_{0};
  RouterPods pods_;
  Listener listener_{pods_,
                     [this](const RouterPod&, const std::stop_token& stop) { return Await(stop); },
                     [this](const std::string& ns, const std::string& name) {
                       const std::lock_guard lock(mutex_);
                       ++woken_[ns + "/" + name];
                     },
                     Milliseconds(10)};
};

TEST_F(Listeners, TellOfARequestThatIsHeldForAModelWithoutServers) {
  Ready("1");
  Ready("2");
  EXPECT_EQ(listener_.listening(), 0U);
  listener_.Listen("team", "flights", true);
  EXPECT_EQ(listener_.listening(), 2U);
  EXPECT_TRUE(Eventually([&] { return asked_ == 2; }));
  EXPECT_EQ(WokenOf("team/flights"), 0);
  Hold("flights");
  EXPECT_TRUE(Eventually([&] { return WokenOf("team/flights") > 0; }));
}

TEST_F(Listeners, SayNothingOfModelsThatHaveServers) {
  Ready("1");
  listener_.Listen("team", "flights", true);
  Hold("prices");
  EXPECT_TRUE(Eventually([&] { return asked_ > 3; }));
  EXPECT_EQ(WokenOf("team/prices"), 0);
}

TEST_F(Listeners, FollowTheRoutersAndEndWithTheLastModel) {
  Ready("1");
  listener_.Listen("team", "flights", true);
  listener_.Listen("team", "prices", true);
  Ready("2");
  EXPECT_EQ(listener_.listening(), 2U);
  Ready("1", false);
  EXPECT_EQ(listener_.listening(), 1U);
  listener_.Listen("team", "flights", false);
  EXPECT_EQ(listener_.listening(), 1U);
  listener_.Listen("team", "prices", false);
  EXPECT_EQ(listener_.listening(), 0U);
}

TEST_F(Listeners, BeginNothingOnceStopped) {
  Ready("1");
  listener_.Listen("team", "flights", true);
  listener_.Stop();
  EXPECT_EQ(listener_.listening(), 0U);
  listener_.Listen("team", "prices", true);
  EXPECT_EQ(listener_.listening(), 0U);
}

}  // namespace
}  // namespace penstock::routers
