#include "components/serve/host/thread_class.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace penstock::serve {
namespace {

int Nice() { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }

// Each in a thread of its own: niceness does not come back.
template <typename Work>
void InAThread(Work work) {
  std::thread(work).join();
}

TEST(ThreadClass, GivesWayByTenMoreThanTheProcessDoes) {
  InAThread([] {
    const int before = Nice();
    GiveWayToOthers();
    EXPECT_EQ(Nice(), std::min(before + 10, 19));
  });
}

TEST(ThreadClass, KeepsWhatWhoeverStartedTheServerHasSet) {
  InAThread([] {
    const int nicer = std::min(Nice() + 3, 19);
    ASSERT_EQ(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), nicer), 0);
    AskForShortSlices();
    EXPECT_EQ(Nice(), nicer);
    GiveWayToOthers();
    EXPECT_EQ(Nice(), std::min(nicer + 10, 19));
  });
  InAThread([] {
    const sched_param none = {};
    ASSERT_EQ(sched_setscheduler(0, SCHED_BATCH, &none), 0);
    AskForShortSlices();
    EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH);
  });
}

}  // namespace
}  // namespace penstock::serve
