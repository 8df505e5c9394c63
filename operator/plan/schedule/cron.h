// A cron expression: on which days and at which minutes of a day something is due. Knows no zones.
//
//   minute hour day-of-month month day-of-week      "0 6 * * 1-5", "*/15 8-18 * * MON-FRI"
//
// As robfig/cron and with it a Kubernetes CronJob reads it, but that 7 is Sunday too: names of
// months and days, lists, ranges, steps ("N/s" runs from N to the field's end), `?` for `*`,
// @hourly,
// @daily, @midnight, @weekly, @monthly, @yearly, @annually. Where day of month and day of week are
// both restricted, either suffices; "*/2" restricts. A value type.
#pragma once

#include <bitset>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::plan {

struct Cron {
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;     // from 1
  std::bitset<13> months;   // from 1
  std::bitset<7> weekdays;  // from Sunday
  bool any_day = false;     // the field says *
  bool any_weekday = false;

  [[nodiscard]] bool IsOnDay(unsigned month, unsigned day, unsigned weekday) const;
};

// Invalid, with what to write, of what cannot be read and of what no year holds ("0 0 31 4 *").
[[nodiscard]] Result<Cron> ParseCron(std::string_view text);

}  // namespace penstock::plan
