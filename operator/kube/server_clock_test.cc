#include "operator/kube/server_clock.h"

#include <gtest/gtest.h>

#include <vector>

namespace penstock::kube {
namespace {

class OwnClock : public SystemClock {
 public:
  [[nodiscard]] TimePoint Now() const override { return now; }
  TimePoint now = *ParseTime("2026-11-28T05:20:00Z");
};

TEST(ServerClock, IsTheApiServersWhateverTheMachinesOwnClockSays) {
  for (const int minutes : {-10, 0, 10}) {
    OwnClock own;
    const TimePoint server = own.now;
    own.now += std::chrono::minutes(minutes);
    ServerClock clock(own);
    clock.Note("Sat, 28 Nov 2026 05:20:00 GMT");
    EXPECT_LE(std::chrono::abs(clock.Now() - server), ServerClock::kTolerance) << minutes;
    own.now += std::chrono::hours(1);
    EXPECT_LE(std::chrono::abs(clock.Now() - server - std::chrono::hours(1)),
              ServerClock::kTolerance);
  }
}

TEST(ServerClock, DoesNotJumpWithTheWayOfAnAnswer) {
  OwnClock own;
  std::vector<Milliseconds> told;
  ServerClock clock(own, [&](Milliseconds ahead) { told.push_back(ahead); });
  for (const char* date : {"Sat, 28 Nov 2026 05:20:01 GMT", "Sat, 28 Nov 2026 05:19:58 GMT"}) {
    clock.Note(date);
    EXPECT_EQ(clock.Now(), own.now);
  }
  EXPECT_TRUE(told.empty());
  clock.Note("Sat, 28 Nov 2026 05:30:00 GMT");
  clock.Note("Sat, 28 Nov 2026 05:30:01 GMT");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], Milliseconds(600'500));
}

TEST(ServerClock, TakesWhatIsNoDateForNothing) {
  OwnClock own;
  ServerClock clock(own);
  for (const char* date :
       {"", "now", "Sat, 28 Nov 2026 05:30:00 EST", "Sat, 28 Nop 2026 05:30:00 GMT",
        "Saturday, 28-Nov-26 05:30:00 GMT", "Sat, 28 Nov 2026 25:30:00 GMT"}) {
    clock.Note(date);
    EXPECT_EQ(clock.Now(), own.now) << date;
  }
}

}  // namespace
}  // namespace penstock::kube
