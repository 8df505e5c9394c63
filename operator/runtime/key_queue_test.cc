#include "operator/runtime/key_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace penstock::runtime {
namespace {

class FakeClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return TimePoint(); }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override { return now_; }
  void Advance(Milliseconds by) { now_ += by; }

 private:
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
};

class KeyQueueTest : public ::testing::Test {
 protected:
  // What is ready now; "" when nothing is.
  std::string TakeNow() {
    std::stop_source stop;
    if (queue_.size() == 0) return "";
    std::jthread alarm([&stop](const std::stop_token& done) {
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      never.wait_for(lock, done, std::chrono::milliseconds(200), [] { return false; });
      stop.request_stop();
    });
    return queue_.Take(stop.get_token()).value_or("");
  }
  FakeClock clock_;
  KeyQueue queue_{clock_};
};

TEST_F(KeyQueueTest, NeverGivesAKeyToTwoWorkersAtOnce) {
  queue_.Add("a");
  EXPECT_EQ(TakeNow(), "a");
  queue_.Add("a");
  EXPECT_EQ(TakeNow(), "");
  queue_.Done("a");
  EXPECT_EQ(TakeNow(), "a");
}

TEST_F(KeyQueueTest, GivesAKeyThatWasAddedTwiceOnce) {
  queue_.Add("a");
  queue_.Add("a");
  EXPECT_EQ(TakeNow(), "a");
  queue_.Done("a");
  EXPECT_EQ(TakeNow(), "");
}

TEST_F(KeyQueueTest, HoldsADelayedKeyBackUntilItsTime) {
  queue_.Add("a", Milliseconds{100});
  EXPECT_EQ(TakeNow(), "");
  clock_.Advance(Milliseconds{100});
  EXPECT_EQ(TakeNow(), "a");
}

TEST_F(KeyQueueTest, TheSoonerOfTwoTimesCounts) {
  queue_.Add("a", Milliseconds{100});
  queue_.Add("a", Milliseconds{1'000});
  queue_.Add("b", Milliseconds{1'000});
  queue_.Add("b", Milliseconds{100});
  clock_.Advance(Milliseconds{100});
  EXPECT_EQ(TakeNow(), "a");
  EXPECT_EQ(TakeNow(), "b");
}

TEST_F(KeyQueueTest, WaitsLongerAfterEveryFailureUntilItIsForgotten) {
  for (const int wait : {5, 10, 20}) {
    queue_.AddAfterFailure("a");
    clock_.Advance(Milliseconds{wait - 1});
    EXPECT_EQ(TakeNow(), "") << wait;
    clock_.Advance(Milliseconds{1});
    EXPECT_EQ(TakeNow(), "a") << wait;
    queue_.Done("a");
  }
  queue_.Forget("a");
  queue_.AddAfterFailure("a");
  clock_.Advance(Milliseconds{5});
  EXPECT_EQ(TakeNow(), "a");
}

TEST(KeyQueue, AKeyThatIsDueSoonerEndsALongerWait) {
  const SystemClock clock;
  KeyQueue queue(clock);
  queue.Add("later", std::chrono::minutes(10));
  std::stop_source stop;
  std::optional<std::string> taken;
  std::jthread worker([&] { taken = queue.Take(stop.get_token()); });
  queue.Add("sooner", Milliseconds{30});
  worker.join();
  EXPECT_EQ(taken, "sooner");
}

TEST(KeyQueue, EndsAWaitWhenStopped) {
  const SystemClock clock;
  KeyQueue queue(clock);
  std::stop_source stop;
  std::optional<std::string> taken = "something";
  std::jthread worker([&] { taken = queue.Take(stop.get_token()); });
  stop.request_stop();
  worker.join();
  EXPECT_EQ(taken, std::nullopt);
}

}  // namespace
}  // namespace penstock::runtime
