// Which spans a window has, and whose a key is (span_uri.h).
#include <algorithm>
#include <set>

#include "operator/base/try.h"
#include "operator/protocol/span_uri.h"

namespace penstock {
namespace {

using Kind = SpanPart::Kind;
using std::chrono::hours;
using std::chrono::minutes;

std::optional<int> LeadingNumber(std::string_view text, std::size_t count) {
  int number = 0;
  if (text.size() < count) return std::nullopt;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

struct Fields {
  int year = -1, month = -1, day = -1, hour = -1;

  // Of a part that stands in a key twice both must say the same.
  [[nodiscard]] bool Set(Kind kind, int value) {
    int& field = kind == Kind::kYear    ? year
                 : kind == Kind::kMonth ? month
                 : kind == Kind::kDay   ? day
                                        : hour;
    if (field >= 0 && field != value) return false;
    field = value;
    return true;
  }
};

bool Matches(const SpanUri& uri, std::size_t part, std::string_view rest, Fields fields,
             Fields& out) {
  for (; part < uri.parts.size(); ++part) {
    const SpanPart& one = uri.parts[part];
    if (one.kind == Kind::kText) {
      if (!rest.starts_with(one.text)) return false;
      rest.remove_prefix(one.text.size());
    } else if (one.kind == Kind::kAny) {
      const std::size_t most = std::min(rest.find('/'), rest.size());
      for (std::size_t n = 0; n <= most; ++n)
        if (Matches(uri, part + 1, rest.substr(n), fields, out)) return true;
      return false;
    } else {
      const std::size_t count = one.kind == Kind::kYear ? 4 : 2;
      const auto number = LeadingNumber(rest, count);
      if (!number || !fields.Set(one.kind, *number)) return false;
      rest.remove_prefix(count);
    }
  }
  out = fields;
  return uri.folder ? !rest.empty() : rest.empty();
}

std::string Padded(unsigned number, std::size_t width) {
  std::string out = std::to_string(number);
  return std::string(width - std::min(width, out.size()), '0') + out;
}

struct Calendar {
  std::string year, month, day, hour;
};
Calendar CalendarOf(SpanTime span) {
  const auto day = std::chrono::floor<std::chrono::days>(span);
  const std::chrono::year_month_day date(day);
  return {Padded(unsigned(int(date.year())), 4), Padded(unsigned(date.month()), 2),
          Padded(unsigned(date.day()), 2), Padded(unsigned((span - day).count()), 2)};
}

// The day or hour that the clock shows.
SpanTime ShownAt(const SpanUri& uri, const ZoneOffsets& clock, TimePoint t) {
  const auto local = t + clock.At(t);
  return uri.hourly ? std::chrono::floor<hours>(local)
                    : SpanTime(std::chrono::floor<std::chrono::days>(local));
}

}  // namespace

Result<ZoneOffsets> ClockOf(const SpanUri& uri) {
  if (uri.ahead) return ZoneOffsets(*uri.ahead);
  auto clock = FindZoneOffsets(uri.zone);
  if (clock) return clock;
  return Invalid(clock.error().message +
                 " where this is read, or write what its clock is ahead of UTC, zone=+09:00");
}

std::vector<SpanTime> SpansOf(const SpanUri& uri, const ZoneOffsets& clock, TimePoint now) {
  // Each hour is shown for half an hour or more at a time, and each day for 23 hours.
  constexpr minutes kStep{15};
  const minutes back = uri.hourly ? kStep : minutes{6 * 60};
  constexpr int kAhead = 12;  // steps: a clock is set back by up to two hours, at times twice a day
  // Behind all that the zone's calendar has before the date, whatever it is ahead of UTC.
  const TimePoint end = uri.before ? TimePoint(*uri.before) + hours{26} : uri.to.value_or(now);
  std::set<SpanTime> later;
  if (!uri.before)
    for (int i = 0; i <= kAhead; ++i) later.insert(ShownAt(uri, clock, end + i * kStep));
  const auto has_ended = [&](SpanTime span) {
    return uri.before ? span < *uri.before : !later.contains(span);
  };
  std::set<SpanTime> out;
  for (TimePoint t = end - minutes{1}; out.size() < std::size_t(uri.window); t -= back) {
    const SpanTime span = ShownAt(uri, clock, t);
    if (has_ended(span)) out.insert(span);
  }
  return {out.begin(), out.end()};
}

TimePoint BeginOf(SpanTime span, const ZoneOffsets& clock) {
  const TimePoint local(span);
  const TimePoint before = local - clock.At(local - hours{26});
  const TimePoint after = local - clock.At(local + hours{26});
  // Left out by the clock: it goes on from the same moment.
  const bool shown = before + clock.At(before) == local;
  return shown ? before : after + clock.At(after) == local ? after : before;
}

std::string SpanName(const SpanUri& uri, SpanTime span) {
  const Calendar c = CalendarOf(span);
  const std::string date = c.year + "-" + c.month + "-" + c.day;
  return uri.hourly ? date + "T" + c.hour : date;
}

std::string SpanPrefix(const SpanUri& uri, SpanTime span) {
  const Calendar c = CalendarOf(span);
  std::string out;
  for (const SpanPart& part : uri.parts) {
    if (part.kind == Kind::kAny) break;
    out += part.kind == Kind::kText    ? part.text
           : part.kind == Kind::kYear  ? c.year
           : part.kind == Kind::kMonth ? c.month
           : part.kind == Kind::kDay   ? c.day
                                       : c.hour;
  }
  return out;
}

std::string CommonFolder(const SpanUri& uri) {
  if (uri.parts.front().kind != Kind::kText) return "";
  const std::string& text = uri.parts.front().text;
  const auto slash = text.rfind('/');
  return slash == std::string::npos ? "" : text.substr(0, slash + 1);
}

bool IsHiddenKey(const SpanUri& uri, std::string_view key) {
  // Which names of the pattern it begins itself. A * is never a /, so that they are the key's.
  std::vector<bool> told;
  bool begins = true;
  for (const SpanPart& part : uri.parts) {
    if (part.kind != Kind::kText) {
      if (begins) told.push_back(part.kind != Kind::kAny);
      begins = false;
      continue;
    }
    for (const char c : part.text) {
      if (begins) told.push_back(true);
      begins = c == '/';
    }
  }
  std::size_t name = 0;
  for (std::size_t begin = 0; begin < key.size(); ++name) {
    const bool open = name >= told.size() || !told[name];
    if (open && (key[begin] == '.' || key[begin] == '_')) return true;
    begin = std::min(key.find('/', begin), key.size() - 1) + 1;
  }
  return false;
}

std::optional<SpanTime> SpanOfKey(const SpanUri& uri, std::string_view key) {
  Fields f;
  if (!Matches(uri, 0, key, {}, f)) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{f.year},
                                         std::chrono::month{unsigned(f.month)},
                                         std::chrono::day{unsigned(f.day)}};
  if (!date.ok() || f.hour > 23) return std::nullopt;
  return SpanTime(std::chrono::sys_days(date)) + std::chrono::hours{uri.hourly ? f.hour : 0};
}

}  // namespace penstock
