#include "operator/kube/server_clock.h"

#include <array>
#include <cstdlib>
#include <optional>
#include <string>

namespace penstock::kube {
namespace {

// IMF-fixdate of RFC 9110, the one form that is still written: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<TimePoint> ParseDate(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return {};
  std::size_t month = 0;
  while (month < kMonths.size() && kMonths[month] != text.substr(8, 3)) ++month;
  if (month == kMonths.size()) return {};
  const std::string number = (month < 9 ? "0" : "") + std::to_string(month + 1);
  auto time =
      ParseTime(std::string(text.substr(12, 4)) + "-" + number + "-" +
                std::string(text.substr(5, 2)) + "T" + std::string(text.substr(17, 8)) + "Z");
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace

void ServerClock::Note(std::string_view date) {
  const auto server = ParseDate(date);
  if (!server) return;
  // Half a second: the Date is cut to its second.
  const auto ahead =
      std::chrono::duration_cast<Milliseconds>(*server + Milliseconds(500) - own_.Now());
  std::int64_t before = ahead_.load();
  if (std::chrono::abs(ahead - Milliseconds(before)) <= kTolerance) return;
  // Of two answers at once, one is enough.
  if (ahead_.compare_exchange_strong(before, ahead.count()) && changed_) changed_(ahead);
}

}  // namespace penstock::kube
