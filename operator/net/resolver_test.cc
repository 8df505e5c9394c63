#include "operator/net/resolver.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "operator/net/name_cache.h"

namespace penstock::net {
namespace {

using std::chrono::steady_clock;

Result<std::vector<std::string>> Resolve(const std::string& host, std::stop_token stop = {}) {
  return ResolveHost(host, steady_clock::now() + std::chrono::seconds(20), std::move(stop));
}

TEST(Resolver, GivesNumericHostsBack) {
  EXPECT_EQ(Resolve("10.0.0.1").value(), std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(Resolve("::1").value(), std::vector<std::string>{"::1"});
}

TEST(Resolver, ReadsTheHostsFileAndPutsIpv4First) {
  const std::string text =
      "::1 gateway # comment gateway2\n127.0.0.1\tother Gateway\n# 1.1.1.1 gateway\nbad gateway\n";
  EXPECT_EQ(AddressesInHosts(text, "gateway"), (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_TRUE(AddressesInHosts(text, "gateway2").empty());
}

TEST(Resolver, KnowsLocalhost) {
  auto found = Resolve("localhost");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->front(), "127.0.0.1");
}

TEST(Resolver, WaitsNoLongerThanItMay) {
  const auto begin = steady_clock::now();
  const auto late = ResolveHost("late.invalid", begin, {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kTransient);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = Resolve("stopped.invalid", stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kCancelled);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(1));
}

// A look-up whose answers the test lets go, one by one.
class SlowNames {
 public:
  std::vector<std::string> LookUp() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !open_.empty(); });
    return open_;
  }
  void Answer(std::vector<std::string> with) {
    const std::lock_guard lock(mutex_);
    open_ = std::move(with);
    changed_.notify_all();
  }
  void Hang() {
    const std::lock_guard lock(mutex_);
    open_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> open_;
};

class NameCacheTest : public testing::Test {
 protected:
  ~NameCacheTest() override { names_->Answer({"192.0.2.9"}); }  // lets the threads end

  Result<std::vector<std::string>> Resolve(std::chrono::milliseconds wait,
                                           const std::stop_token& stop = {}) {
    return cache_.Resolve("name.example", steady_clock::now() + wait, stop);
  }

  // Their threads may outlive the test.
  std::shared_ptr<SlowNames> names_ = std::make_shared<SlowNames>();
  std::shared_ptr<std::atomic<int>> passed_ = std::make_shared<std::atomic<int>>(0);
  NameCache cache_{[names = names_](const std::string&) { return names->LookUp(); },
                   [passed = passed_] {
                     return steady_clock::time_point(std::chrono::hours(1)) +
                            std::chrono::seconds(*passed);
                   }};
};

TEST_F(NameCacheTest, AnOldAnswerServesWhileTheNewOneIsAskedForButNotForLongerThanFiveMinutes) {
  names_->Answer({"192.0.2.1"});
  EXPECT_EQ(Resolve(std::chrono::seconds(20)).value().front(), "192.0.2.1");
  names_->Hang();
  *passed_ = 200;
  EXPECT_EQ(Resolve(std::chrono::milliseconds(0)).value().front(), "192.0.2.1");
  *passed_ = 301;
  const auto late = Resolve(std::chrono::milliseconds(0));
  ASSERT_FALSE(late) << "an address of five minutes ago may be somebody else's";
  EXPECT_EQ(late.error().kind, ErrorKind::kTransient);
  names_->Answer({"192.0.2.2"});
  EXPECT_EQ(Resolve(std::chrono::seconds(20)).value().front(), "192.0.2.2");
}

TEST_F(NameCacheTest, ALookUpThatHangsHoldsNobodyPastItsStopOrDeadline) {
  std::stop_source stop;
  const auto begin = steady_clock::now();
  std::jthread stopper([&stop] { stop.request_stop(); });
  const auto stopped = Resolve(std::chrono::seconds(60), stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(Resolve(std::chrono::milliseconds(1)).error().kind, ErrorKind::kTransient);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace penstock::net
