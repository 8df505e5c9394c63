#include "components/ingest/csv/time.h"

#include <chrono>

namespace penstock::ingest {
namespace {

// Takes two digits at `at`; -1 when there are none.
int TwoDigits(std::string_view text, std::size_t at) {
  if (at + 2 > text.size()) return -1;
  const auto tens = static_cast<unsigned>(text[at] - '0');
  const auto ones = static_cast<unsigned>(text[at + 1] - '0');
  return tens > 9 || ones > 9 ? -1 : int(tens * 10 + ones);
}

std::optional<std::int64_t> Day(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const int century = TwoDigits(text, 0), year = TwoDigits(text, 2);
  const int month = TwoDigits(text, 5), day = TwoDigits(text, 8);
  if (century < 0 || year < 0 || month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(century * 100 + year),
                                         std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// ".25" at `at` as microseconds; at the end of it afterwards.
std::optional<std::int64_t> Fraction(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '.') return 0;
  std::int64_t micros = 0, unit = 100'000;
  const std::size_t first = ++at;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    if (unit == 0 && text[at] != '0') return std::nullopt;  // nanoseconds
    micros += unit * (text[at] - '0');
    unit /= 10;
  }
  if (at == first) return std::nullopt;
  return micros;
}

// "Z", "+09:00", "+0900", "+09" as seconds east of UTC, to the end of the text.
std::optional<std::int64_t> Offset(std::string_view zone) {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.front() != '+' && zone.front() != '-') return std::nullopt;
  const int hours = TwoDigits(zone, 1);
  int minutes = 0;
  if (zone.size() > 3) {
    const std::size_t at = zone[3] == ':' ? 4 : 3;
    minutes = at + 2 == zone.size() ? TwoDigits(zone, at) : -1;
  }
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return (zone.front() == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

}  // namespace

std::optional<Time> ParseTime(std::string_view text) {
  const auto day = Day(text);
  if (!day) return std::nullopt;
  const std::int64_t midnight = *day * 86'400'000'000;
  if (text.size() == 10) return Time{TimeForm::kDate, midnight};
  if (text[10] != 'T' && text[10] != ' ' && text[10] != 't') return std::nullopt;
  const int hour = TwoDigits(text, 11), minute = TwoDigits(text, 14);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || text[13] != ':') return std::nullopt;
  std::size_t at = 16;
  int second = 0;
  std::int64_t micros = 0;
  if (at < text.size() && text[at] == ':') {
    second = TwoDigits(text, at + 1);
    at += 3;
    const auto fraction = Fraction(text, at);
    if (second < 0 || second > 59 || !fraction) return std::nullopt;
    micros = *fraction;
  }
  const std::int64_t local = midnight + (hour * 3600LL + minute * 60 + second) * 1'000'000 + micros;
  if (at == text.size()) return Time{TimeForm::kLocal, local};
  const auto offset = Offset(text.substr(at));
  if (!offset) return std::nullopt;
  return Time{TimeForm::kZoned, local - *offset * 1'000'000};
}

}  // namespace penstock::ingest
