#include "components/serve/http/busy_poll.h"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <memory>
#include <thread>

namespace penstock::serve {
namespace {

namespace net = boost::asio;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// How often it does not look before it looks again.
int LeftOut(PollBackoff* backoff) {
  int left_out = 0;
  while (!backoff->Looks()) ++left_out;
  return left_out;
}

TEST(PollBackoff, LooksWhileThatFindsWork) {
  PollBackoff backoff;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(backoff.Looks());
    backoff.Found(true);
  }
}

TEST(PollBackoff, LooksLessAndLessWhileThereIsNone) {
  PollBackoff backoff;
  for (const int expected : {0, 1, 3, 7, 15, 31, 63, 63}) {
    EXPECT_EQ(LeftOut(&backoff), expected);
    backoff.Found(false);
  }
}

TEST(PollBackoff, LooksEachTimeAgainAfterOneThatFoundWork) {
  PollBackoff backoff;
  for (int i = 0; i < 4; ++i) {
    (void)LeftOut(&backoff);
    backoff.Found(false);
  }
  (void)LeftOut(&backoff);
  backoff.Found(true);
  EXPECT_EQ(LeftOut(&backoff), 0);
  backoff.Found(false);
  EXPECT_EQ(LeftOut(&backoff), 1);
}

class RunBusyPollingTest : public testing::TestWithParam<microseconds> {
 protected:
  static constexpr std::chrono::seconds kLong{20};
  ~RunBusyPollingTest() override { context_.stop(); }
  // Whether a piece of work posted now is done, soon.
  bool Does() {
    const auto done = std::make_shared<std::promise<void>>();
    net::post(context_, [done] { done->set_value(); });
    return done->get_future().wait_for(kLong) == std::future_status::ready;
  }
  net::io_context context_{1};
  net::executor_work_guard<net::io_context::executor_type> work_{context_.get_executor()};
  // Its destructor waits for the thread.
  std::future<void> ended_ =
      std::async(std::launch::async, [this] { RunBusyPolling(context_, GetParam()); });
};

TEST_P(RunBusyPollingTest, DoesEachPieceOfWorkOnceAndInOrder) {
  constexpr int kPieces = 20'000;
  std::promise<void> all;
  int done = 0;  // of the context's thread
  bool in_order = true;
  for (int i = 0; i < kPieces; ++i) {
    net::post(context_, [&, i] {
      in_order = in_order && done == i;
      if (++done == kPieces) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_TRUE(in_order);
}

TEST_P(RunBusyPollingTest, WakesForWorkThatComesAfterItSlept) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Does());
    // Within the moment of looking, and long after it.
    std::this_thread::sleep_for(microseconds(i % 2 == 0 ? 1 : 2'000));
  }
}

TEST_P(RunBusyPollingTest, KeepsTimers) {
  net::steady_timer timer(context_, milliseconds(20));
  std::promise<void> rang;
  const auto start = std::chrono::steady_clock::now();
  timer.async_wait([&](const boost::system::error_code&) { rang.set_value(); });
  rang.get_future().wait();
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
}

TEST_P(RunBusyPollingTest, EndsWhileItLooksOrSleeps) {
  ASSERT_TRUE(Does());
  context_.stop();
  EXPECT_EQ(ended_.wait_for(kLong), std::future_status::ready);
}

INSTANTIATE_TEST_SUITE_P(Moments, RunBusyPollingTest,
                         testing::Values(microseconds(0), microseconds(50), microseconds(100'000)));

}  // namespace
}  // namespace penstock::serve
