#include "operator/runtime/workers.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <vector>

namespace penstock::runtime {
namespace {

// The same error at every try fills the log of a day; another one, or one after a success, is news.
TEST(Workers, TellAnErrorOfAKeyOnceAChange) {
  const SystemClock clock;
  std::mutex mutex;
  std::condition_variable done;
  std::vector<std::string> lines;
  WorkerHooks hooks;
  hooks.log = [&](const std::string& level, const std::string& line) {
    const std::lock_guard lock(mutex);
    lines.push_back(level + " " + line);
  };
  const std::vector<Outcome> outcomes{Invalid("no"),
                                      Invalid("no"),
                                      Invalid("still no"),
                                      Invalid("no"),
                                      std::optional(Milliseconds{0}),
                                      Invalid("no"),
                                      Transient("away"),
                                      std::optional<Milliseconds>()};
  std::size_t next = 0;
  Workers workers("run", clock, hooks, [&](const std::string&) {
    const std::lock_guard lock(mutex);
    Outcome outcome = outcomes[next++];
    if (next == outcomes.size()) done.notify_all();
    return outcome;
  });
  workers.Start(1);
  workers.Wake("a");
  {
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return next == outcomes.size(); });
  }
  workers.Stop();
  const std::vector<std::string> expected{
      "error run a: no; tried again", "error run a: still no; tried again",
      "error run a: no; tried again", "error run a: no; tried again",
      "info run a: away; tried again"};
  EXPECT_EQ(lines, expected);
}

// A lease that is late for a moment refuses writes as cancelled: the key has to be seen again.
TEST(Workers, AskAgainForAKeyWhoseWorkWasCancelled) {
  const SystemClock clock;
  std::mutex mutex;
  std::condition_variable done;
  int visits = 0;
  std::vector<std::string> lines;
  WorkerHooks hooks;
  hooks.log = [&](const std::string&, const std::string& line) {
    const std::lock_guard lock(mutex);
    lines.push_back(line);
  };
  Workers workers("run", clock, hooks, [&](const std::string&) -> Outcome {
    const std::lock_guard lock(mutex);
    ++visits;
    done.notify_all();
    if (visits == 1) return Cancelled("this process does not lead");
    if (visits == 2) return Error{ErrorKind::kGone, "whoever asked has gone"};
    return std::optional<Milliseconds>();
  });
  workers.Start(1);
  workers.Wake("a");
  bool seen_again = false;
  {
    std::unique_lock lock(mutex);
    seen_again = done.wait_for(lock, std::chrono::seconds(10), [&] { return visits == 3; });
  }
  workers.Stop();
  EXPECT_TRUE(seen_again) << visits;
  EXPECT_TRUE(lines.empty()) << "there is nothing to tell";
}

}  // namespace
}  // namespace penstock::runtime
