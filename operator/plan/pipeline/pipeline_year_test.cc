// A year of an operator that dies again and again: none twice, none missing within its deadline.
#include <map>
#include <random>

#include "operator/plan/pipeline/testing/scheduled_pipeline.h"
#include "operator/plan/schedule/firing.h"
#include "operator/plan/step/run_outcome.h"

namespace penstock::plan {
namespace {

// A year of an operator that is killed between any two of its calls and stays away for up to hours,
// while history deletes what has ended.
TEST_F(ScheduledPipeline, OfAYearOfRestartsHasEveryTimeOnce) {
  struct {
    const char *cron, *zone;
    int deadline_minutes;
  } cases[] = {{"*/5 * * * *", "America/New_York", 30},
               {"30 2 * * *", "America/New_York", 240},
               {"30 1 * * *", "Europe/Berlin", 240},
               {"0 0 * * *", "Australia/Lord_Howe", 240},
               {"0 6 * * 1-5", "Asia/Seoul", 240}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.cron);
    o_.runs.clear();
    o_.pipeline.status = {};
    SetSpec(
        "concurrency: {policy: Allow}\nhistoryLimits: {succeeded: 2}\n"
        "schedulePolicy: {missed: All, startingDeadline: " +
        std::to_string(c.deadline_minutes) + "m}\nschedules: [{name: s, cron: '" + c.cron +
        "', timeZone: " + c.zone + "}]\n");
    std::mt19937 random(11);
    std::map<TimePoint, TimePoint> first_made;  // by the time that it is for
    std::vector<std::pair<TimePoint, TimePoint>> away;
    TimePoint now = At("2026-01-01T00:00:00Z");
    const TimePoint from = now, end = At("2027-01-01T00:00:00Z");
    VisitAt(now);
    while (now < end) {
      const auto next = o_.pipeline.status.next_schedule;
      if (random() % 40 == 0) {
        const TimePoint before = now;
        now += std::chrono::minutes(random() % 500);
        away.emplace_back(before, now);
      } else {
        now = std::max(now + std::chrono::seconds(1 + random() % 20), next.value_or(now));
      }
      const bool killed_before_the_status = random() % 10 == 0;
      VisitAt(now, !killed_before_the_status);
      for (std::size_t i = 0; i < o_.runs.size(); ++i) {
        auto& run = o_.runs[i];
        run.meta.owners = {{"", "", "", "p-uid", true}};
        if (run.meta.created == WholeSeconds(now) && OutcomeOf(run) == RunOutcome::kActive) {
          const auto [it, fresh] = first_made.emplace(*run.spec.scheduled_time, now);
          ASSERT_TRUE(fresh || it->second == now) << FormatTime(*run.spec.scheduled_time);
        }
        if (random() % 3 == 0) End(run, now);
      }
      VisitAt(now);  // its own status wakes it: history is trimmed
    }
    const Timetable table = *TimetableOf(spec().schedules[0]);
    // Also what came due at the last visit, behind the year's end.
    const auto wanted = Firings(table, from, now, 200'000);
    std::size_t left_out = 0;
    for (const TimePoint t : wanted) {
      const auto it = first_made.find(t);
      if (it != first_made.end()) {
        EXPECT_LE(it->second - t, std::chrono::minutes(c.deadline_minutes));
        continue;
      }
      ++left_out;
      const bool nobody_was_there = std::any_of(away.begin(), away.end(), [&](const auto& gap) {
        return gap.first <= t && t + std::chrono::minutes(c.deadline_minutes) <= gap.second;
      });
      EXPECT_TRUE(nobody_was_there || t > now - std::chrono::minutes(10)) << FormatTime(t);
    }
    EXPECT_EQ(first_made.size() + left_out, wanted.size());
    EXPECT_GT(first_made.size(), wanted.size() / 2);
  }
}

}  // namespace
}  // namespace penstock::plan
