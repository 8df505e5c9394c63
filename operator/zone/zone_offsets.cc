#include "operator/zone/zone_offsets.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr std::size_t kHeader = 44;
constexpr std::size_t kMostBytes = 1 << 20;

Error NoZone(const std::string& why) { return Invalid("is no zoneinfo file that is read: " + why); }

std::int64_t Number(std::string_view bytes) {
  const bool negative = (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0;
  std::uint64_t out = negative ? ~std::uint64_t{0} : 0;
  for (const char c : bytes) out = out << 8U | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(out);
}

// The six counts of a header, and how long what follows is.
struct Counts {
  std::size_t is_ut = 0, is_standard = 0, leaps = 0, times = 0, types = 0, letters = 0;
  [[nodiscard]] std::size_t Bytes(std::size_t width) const {
    return times * width + times + types * 6 + letters + leaps * (width + 4) + is_standard + is_ut;
  }
};

Result<Counts> ReadCounts(std::string_view file, std::size_t at) {
  if (file.size() < at + kHeader || file.substr(at, 4) != "TZif") return NoZone("no TZif");
  if (file[at + 4] < '2') return NoZone("version 1, which ends with the year 2037");
  std::array<std::size_t, 6> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = Number(file.substr(at + 20 + 4 * i, 4));
    if (number < 0 || number > std::int64_t(kMostBytes)) return NoZone("it is broken");
    numbers[i] = std::size_t(number);
  }
  const auto [is_ut, is_standard, leaps, times, types, letters] = numbers;
  return Counts{is_ut, is_standard, leaps, times, types, letters};
}

}  // namespace

// POSIX's TZ: "CET-1CEST,M3.5.0,M10.5.0/3", "<+0330>-3:30".
class ZoneOffsets::RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  std::optional<Rule> Read() {
    Rule rule;
    if (!Name()) return std::nullopt;
    const auto standard = Clock(24);
    if (!standard) return std::nullopt;
    rule.standard = -*standard;  // POSIX counts west of Greenwich
    if (text_.empty()) return rule;
    if (!Name()) return std::nullopt;
    rule.summer = rule.standard + seconds{3600};
    if (!text_.empty() && text_.front() != ',') {
      const auto summer = Clock(24);
      if (!summer) return std::nullopt;
      rule.summer = -*summer;
    }
    const auto begin = Day();
    const auto end = Day();
    if (!begin || !end || !text_.empty()) return std::nullopt;
    rule.days = {*begin, *end};
    return rule;
  }

 private:
  bool Take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool Name() {
    if (Take('<')) {
      const auto end = text_.find('>');
      if (end == std::string_view::npos) return false;
      text_.remove_prefix(end + 1);
      return true;
    }
    std::size_t size = 0;
    while (size < text_.size() && std::isalpha(static_cast<unsigned char>(text_[size])) != 0)
      ++size;
    text_.remove_prefix(size);
    return size >= 3;
  }
  std::optional<unsigned> Digits(unsigned most) {
    unsigned number = 0;
    std::size_t size = 0;
    for (; size < text_.size() && size < 4 && text_[size] >= '0' && text_[size] <= '9'; ++size)
      number = number * 10 + unsigned(text_[size] - '0');
    text_.remove_prefix(size);
    if (size == 0 || number > most) return std::nullopt;
    return number;
  }
  // [+-]hh[:mm[:ss]]
  std::optional<seconds> Clock(unsigned most_hours) {
    const bool negative = Take('-');
    if (!negative) Take('+');
    seconds out{0};
    for (const unsigned unit : {3600U, 60U, 1U}) {
      if (unit != 3600 && !Take(':')) break;
      const auto number = Digits(unit == 3600 ? most_hours : 59);
      if (!number) return std::nullopt;
      out += seconds{std::int64_t(*number) * unit};
    }
    return negative ? -out : out;
  }
  std::optional<RuleDay> Day() {
    if (!Take(',')) return std::nullopt;
    RuleDay day;
    if (Take('M')) {
      const auto month = Digits(12);
      const auto week = month && Take('.') ? Digits(5) : std::nullopt;
      const auto weekday = week && Take('.') ? Digits(6) : std::nullopt;
      if (!weekday || *month == 0 || *week == 0) return std::nullopt;
      day.month = *month;
      day.week = *week;
      day.day = *weekday;
    } else {
      day.kind = Take('J') ? RuleDay::Kind::kJulian : RuleDay::Kind::kZeroBased;
      const auto number = Digits(365);
      if (!number || (day.kind == RuleDay::Kind::kJulian && *number == 0)) return std::nullopt;
      day.day = *number;
    }
    if (!Take('/')) return day;
    const auto time = Clock(167);
    if (!time) return std::nullopt;
    day.time = *time;
    return day;
  }

  std::string_view text_;
};

// `offset`: what the clock is ahead until then.
ZoneOffsets::Seconds ZoneOffsets::At(const RuleDay& day, std::chrono::year year, seconds offset) {
  using std::chrono::sys_days;
  const sys_days first(year / std::chrono::January / 1);
  sys_days on;
  if (day.kind == RuleDay::Kind::kWeekday) {
    const auto month = year / std::chrono::month(day.month);
    const std::chrono::weekday weekday(day.day);
    on = day.week == 5 ? sys_days(month / weekday[std::chrono::last])
                       : sys_days(month / weekday[day.week]);
  } else if (day.kind == RuleDay::Kind::kZeroBased) {
    on = first + days(day.day);
  } else {  // 29 February has no number
    on = first + days(day.day - 1 + (year.is_leap() && day.day >= 60 ? 1 : 0));
  }
  return Seconds(on) + day.time - offset;
}

seconds ZoneOffsets::At(const Rule& rule, Seconds t) {
  if (!rule.days) return rule.standard;
  const auto year = std::chrono::year_month_day(std::chrono::floor<days>(t + rule.standard)).year();
  const Seconds begin = At(rule.days->first, year, rule.standard);
  const Seconds end = At(rule.days->second, year, rule.summer);
  const bool summer = begin < end ? t >= begin && t < end : t >= begin || t < end;
  return summer ? rule.summer : rule.standard;
}

// The second block of a file: 64 bits a time.
class ZoneOffsets::FileReader {
 public:
  FileReader(std::string_view block, const Counts& counts) : block_(block), counts_(counts) {}

  Result<ZoneOffsets> Read(std::string_view footer) const {
    ZoneOffsets out;
    const auto first = Offset(0);
    if (!first) return NoZone("it is broken");
    out.first_ = *first;
    for (std::size_t i = 0; i < counts_.times; ++i) {
      const Seconds at{seconds{Number(block_.substr(8 * i, 8))}};
      const auto offset = Offset(static_cast<unsigned char>(block_[8 * counts_.times + i]));
      if (!offset || (i > 0 && at <= out.changes_.back().at)) return NoZone("it is broken");
      out.changes_.push_back({at, *offset});
    }
    if (footer.empty()) return out;
    out.rule_ = RuleReader(footer).Read();
    if (!out.rule_) return NoZone("it ends with '" + std::string(footer.substr(0, 80)) + "'");
    return out;
  }

 private:
  [[nodiscard]] std::optional<seconds> Offset(std::size_t type) const {
    if (type >= counts_.types) return std::nullopt;
    return seconds{Number(block_.substr(9 * counts_.times + 6 * type, 4))};
  }

  const std::string_view block_;
  const Counts counts_;
};

Result<ZoneOffsets> ZoneOffsets::Parse(std::string_view file) {
  PENSTOCK_ASSIGN(const Counts narrow, ReadCounts(file, 0));
  const std::size_t second = kHeader + narrow.Bytes(4);
  PENSTOCK_ASSIGN(const Counts wide, ReadCounts(file, second));
  const std::size_t begin = second + kHeader;
  const std::size_t end = begin + wide.Bytes(8);
  if (file.size() < end + 2 || file[end] != '\n' || file.back() != '\n')
    return NoZone("it is broken");
  if (wide.leaps > 0) return NoZone("it counts leap seconds");
  return FileReader(file.substr(begin, end - begin), wide)
      .Read(file.substr(end + 1, file.size() - end - 2));
}

seconds ZoneOffsets::At(TimePoint t) const {
  const auto whole = std::chrono::floor<seconds>(t);
  const auto next = std::upper_bound(changes_.begin(), changes_.end(), whole,
                                     [](Seconds at, const Change& c) { return at < c.at; });
  if (next == changes_.end() && rule_) return At(*rule_, whole);
  return next == changes_.begin() ? first_ : std::prev(next)->offset;
}

bool IsZoneName(std::string_view name) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '+' ||
           c == '/';
  };
  return !name.empty() && name.size() <= 64 &&
         std::isalpha(static_cast<unsigned char>(name.front())) != 0 && name.back() != '/' &&
         name.find("//") == std::string_view::npos && std::all_of(name.begin(), name.end(), fits);
}

Result<ZoneOffsets> FindZoneOffsets(const std::string& name,
                                    const std::filesystem::path& zoneinfo) {
  // Debian has files beside the zones that are whatever the machine is set to.
  if (!IsZoneName(name) || name == "localtime" || name == "posixrules")
    return Invalid("'" + name.substr(0, 80) + "' is no time zone's name, such as Europe/Berlin");
  PENSTOCK_ASSIGN(const auto size, SizeOfFile(zoneinfo / name));
  if (!size)
    return NotFound("the time zone '" + name + "' is not in " + zoneinfo.string() +
                    ": write an IANA name such as Europe/Berlin, or install the package tzdata");
  PENSTOCK_ASSIGN(const std::string file, ReadFile(zoneinfo / name, kMostBytes));
  auto zone = ZoneOffsets::Parse(file);
  if (!zone) return Wrap((zoneinfo / name).string(), zone.error());
  return zone;
}

}  // namespace penstock
