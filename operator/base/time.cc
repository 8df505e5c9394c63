#include "operator/base/time.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <ctime>

namespace penstock {
namespace {

std::tm UtcParts(TimePoint t) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(t));
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return tm;
}

// What nanoseconds in 64 bits can tell.
constexpr int kFirstYear = 1678;
constexpr int kLastYear = 2261;

struct Unit {
  std::string_view name;
  long long milliseconds;
};
constexpr std::array<Unit, 4> kUnits{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

}  // namespace

std::string FormatTime(TimePoint t) {
  const std::tm tm = UtcParts(t);
  std::array<char, 32> buf{};
  std::strftime(buf.data(), buf.size(), "%Y-%m-%dT%H:%M:%SZ", &tm);
  return buf.data();
}

std::string FormatMicroTime(TimePoint t) {
  const std::tm tm = UtcParts(t);
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(
                      t - std::chrono::floor<std::chrono::seconds>(t))
                      .count();
  std::array<char, 32> buf{};
  std::strftime(buf.data(), buf.size(), "%Y-%m-%dT%H:%M:%S", &tm);
  std::array<char, 16> frac{};
  std::snprintf(frac.data(), frac.size(), ".%06dZ", static_cast<int>(us));
  return std::string(buf.data()) + frac.data();
}

Result<TimePoint> ParseTime(std::string_view text) {
  const std::string s(text);
  const auto bad = [&] { return Invalid("'" + s + "' is not an RFC 3339 time"); };
  std::tm tm{};
  int used = 0;
  if (std::sscanf(s.c_str(), "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon,
                  &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6 ||
      used == 0)
    return bad();
  // A number may have had a sign.
  const auto within = [](int n, int low, int high) { return low <= n && n <= high; };
  if (!within(tm.tm_mon, 1, 12) || !within(tm.tm_mday, 1, 31) || !within(tm.tm_hour, 0, 23) ||
      !within(tm.tm_min, 0, 59) || !within(tm.tm_sec, 0, 60))
    return bad();
  if (!within(tm.tm_year, kFirstYear, kLastYear))
    return Invalid("'" + s + "' is not between the years " + std::to_string(kFirstYear) + " and " +
                   std::to_string(kLastYear));
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  std::size_t at = static_cast<std::size_t>(used);
  long long micros = 0;
  if (at < s.size() && s[at] == '.') {
    long long scale = 100'000;
    for (++at; at < s.size() && std::isdigit(static_cast<unsigned char>(s[at])); ++at, scale /= 10)
      micros += (s[at] - '0') * scale;
  }
  long offset = 0;
  if (at >= s.size()) return bad();
  if (s[at] != 'Z' && s[at] != 'z') {
    int h = 0;
    int m = 0;
    char sign = 0;
    if (std::sscanf(s.c_str() + at, "%c%2d:%2d", &sign, &h, &m) != 3 ||
        (sign != '+' && sign != '-') || !within(h, 0, 23) || !within(m, 0, 59))
      return bad();
    offset = (sign == '+' ? 1 : -1) * (h * 3600L + m * 60L);
  } else if (at + 1 != s.size()) {
    return bad();
  }
  return std::chrono::system_clock::from_time_t(timegm(&tm) - offset) +
         std::chrono::microseconds(micros);
}

Result<Milliseconds> ParseDuration(std::string_view text) {
  const auto bad = [&] {
    return Invalid("'" + std::string(text) +
                   "' is not a duration; write hours, minutes, seconds and milliseconds like "
                   "1h30m, 45s or 500ms");
  };
  std::size_t at = 0;
  std::size_t next_unit = 0;
  long long total = 0;
  if (text.empty()) return bad();
  while (at < text.size()) {
    long long n = 0;
    const std::size_t from = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) {
      n = n * 10 + (text[at++] - '0');
      if (at - from > 5) return bad();
    }
    if (at == from) return bad();
    std::size_t end = at;
    while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end]))) ++end;
    const std::string_view unit = text.substr(at, end - at);
    std::size_t u = next_unit;
    while (u < kUnits.size() && kUnits[u].name != unit) ++u;
    if (u == kUnits.size()) return bad();
    total += n * kUnits[u].milliseconds;
    next_unit = u + 1;
    at = end;
  }
  return Milliseconds(total);
}

std::string FormatDuration(Milliseconds d) {
  long long left = d.count();
  if (left <= 0) return "0s";
  std::string out;
  for (const auto& unit : kUnits) {
    const long long n = left / unit.milliseconds;
    if (n > 0) out += std::to_string(n) + std::string(unit.name);
    left %= unit.milliseconds;
  }
  return out;
}

}  // namespace penstock
