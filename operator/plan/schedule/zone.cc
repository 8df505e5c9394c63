#include "operator/plan/schedule/zone.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "operator/base/nearest.h"

namespace penstock::plan {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

date::local_seconds AsLocal(LocalMinute m) {
  return date::local_seconds(std::chrono::duration_cast<seconds>(m.time_since_epoch()));
}
TimePoint AsPoint(date::sys_seconds s) { return TimePoint(s.time_since_epoch()); }

// Some systems' zoneinfo leaves the years to come to a rule at the end of each file, which the
// library does not read: there every summer would be missed.
bool HasTheYearsToCome() {
  const date::time_zone* zone = date::locate_zone("America/New_York");
  return zone->get_info(date::sys_days(date::year(2036) / 7 / 1)).offset == hours(-4);
}

const char* const kInstall = "install the package tzdata where the operator runs";

}  // namespace

Zone::Instants Zone::At(LocalMinute local) const {
  if (zone_ == nullptr) return {local, local};
  const date::local_seconds at = AsLocal(local);
  const date::local_info info = zone_->get_info(at);
  const auto by = [&](const date::sys_info& i) {
    return AsPoint(date::sys_seconds(at.time_since_epoch() - i.offset));
  };
  switch (info.result) {
    case date::local_info::nonexistent:
      return {AsPoint(info.second.begin), AsPoint(info.second.begin), true, false};
    case date::local_info::ambiguous:
      return {by(info.first), by(info.second), false, true};
    default:
      return {by(info.first), by(info.first)};
  }
}

bool Zone::IsEvenDay(LocalMinute midnight) const {
  if (zone_ == nullptr) return true;
  const date::local_info info = zone_->get_info(AsLocal(midnight));
  if (info.result != date::local_info::unique) return false;
  const date::sys_seconds from(AsLocal(midnight).time_since_epoch() - info.first.offset);
  // An hour or two before its end the next day's clock may show the same minutes again.
  return from + hours(24) < info.first.end &&
         zone_->get_info(AsLocal(midnight + hours(24) - std::chrono::minutes(1))).result ==
             date::local_info::unique;
}

LocalMinute Zone::LocalOf(TimePoint t) const {
  const auto whole = std::chrono::floor<seconds>(t);
  if (zone_ == nullptr) return std::chrono::floor<std::chrono::minutes>(whole);
  const seconds offset = zone_->get_info(date::sys_seconds(whole.time_since_epoch())).offset;
  return std::chrono::floor<std::chrono::minutes>(whole + offset);
}

Result<Zone> FindZone(const std::string& name) {
  Zone zone;
  if (name.empty() || name == "UTC") return zone;
  try {
    const auto& zones = date::get_tzdb().zones;
    if (zones.empty()) return Invalid(std::string("this machine knows no time zones: ") + kInstall);
    const bool known =
        std::any_of(zones.begin(), zones.end(), [&](const auto& z) { return z.name() == name; });
    if (!known) {
      std::vector<std::string> names;
      for (const auto& z : zones) names.push_back(z.name());
      return Invalid(
          "'" + name + "' is no time zone" + DidYouMean(name, names) +
          (DidYouMean(name, names).empty() ? "; write an IANA name like Asia/Seoul" : ""));
    }
    if (!HasTheYearsToCome())
      return Invalid(std::string("this machine's time zones end before the years to come: ") +
                     kInstall + " (Debian's has them)");
    zone.zone_ = date::locate_zone(name);
  } catch (const std::exception& e) {  // of the library, where there is no zoneinfo
    return Invalid("this machine's time zones cannot be read (" + std::string(e.what()) +
                   "): " + kInstall);
  }
  return zone;
}

}  // namespace penstock::plan
