// A time zone: from a local time of day to instants and back, by the system's zoneinfo, which is
// read once, at first use (an update of tzdata counts after a restart). UTC needs no zoneinfo.
//
// Zones whose clocks change are known to the end of 2037; from then on they stay at their standard
// time. A value type, safe in all threads.
#pragma once

#include <chrono>
#include <string>

#include "operator/base/result.h"
#include "operator/base/time.h"

namespace date {
class time_zone;
}

namespace penstock::plan {

// Minutes since 1970 as a clock on the wall shows them.
using LocalMinute = std::chrono::sys_time<std::chrono::minutes>;

class Zone {
 public:
  Zone() = default;  // UTC

  // When the clock shows a local time.
  struct Instants {
    TimePoint first;   // the first time; of a gap, the first instant after it
    TimePoint second;  // the same but where `twice`
    bool gap = false;  // the clock never shows it
    bool twice = false;
  };
  [[nodiscard]] Instants At(LocalMinute local) const;
  // True where the clock goes on evenly for a day from `midnight` on, so that each of its minutes
  // comes once: At(midnight + m) is At(midnight) + m.
  [[nodiscard]] bool IsEvenDay(LocalMinute midnight) const;
  [[nodiscard]] LocalMinute LocalOf(TimePoint t) const;  // seconds are cut

 private:
  friend Result<Zone> FindZone(const std::string& name);
  const date::time_zone* zone_ = nullptr;  // of the library, for ever; null: UTC
};

// Invalid, with the nearest name, where there is no such zone, or where the system's zoneinfo has
// none of the years to come. "" is UTC.
[[nodiscard]] Result<Zone> FindZone(const std::string& name);

}  // namespace penstock::plan
