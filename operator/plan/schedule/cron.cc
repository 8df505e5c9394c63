#include "operator/plan/schedule/cron.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operator/base/try.h"

namespace penstock::plan {
namespace {

using Words = std::span<const std::string_view>;
constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};

struct Field {
  const char* name;
  unsigned min, max;
  Words words = {};  // the first stands for `min`
  unsigned top = 0;  // the largest number that is taken, where it is not max
};
constexpr std::array<Field, 5> kFields{{{"minute", 0, 59},
                                        {"hour", 0, 23},
                                        {"day of month", 1, 31},
                                        {"month", 1, 12, kMonths},
                                        {"day of week", 0, 6, kWeekdays, 7}}};

struct Nickname {
  std::string_view name, text;
};
constexpr std::array<Nickname, 7> kNicknames{{{"@hourly", "0 * * * *"},
                                              {"@daily", "0 0 * * *"},
                                              {"@midnight", "0 0 * * *"},
                                              {"@weekly", "0 0 * * 0"},
                                              {"@monthly", "0 0 1 * *"},
                                              {"@yearly", "0 0 1 1 *"},
                                              {"@annually", "0 0 1 1 *"}}};
constexpr std::array<unsigned, 13> kLongest{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::vector<std::string_view> SplitAt(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  std::size_t from = 0;
  while (true) {
    const std::size_t at = text.find_first_of(separators, from);
    parts.push_back(text.substr(from, at - from));
    if (at == std::string_view::npos) return parts;
    from = at + 1;
  }
}

std::optional<unsigned> Number(std::string_view text) {
  unsigned n = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, n);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return n;
}

Result<unsigned> Value(const Field& field, std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto word = std::find(field.words.begin(), field.words.end(), lower);
  if (word != field.words.end())
    return static_cast<unsigned>(word - field.words.begin()) + field.min;
  const auto number = Number(text);
  const unsigned top = std::max(field.top, field.max);
  if (number && *number >= field.min && *number <= top) return *number;
  std::string range = std::to_string(field.min) + " to " + std::to_string(top);
  if (!field.words.empty())
    range += " or " + std::string(field.words.front()) + " to " + std::string(field.words.back());
  return Invalid(std::string(field.name) + " " + Quoted(text) + " is not " + range);
}

struct FieldBits {
  std::bitset<60> bits;
  bool any = false;  // the field says * of all
};

// One item of a list: "*", "*/5", "3", "3/5", "1-5", "1-10/2".
Result<void> AddItem(const Field& field, std::string_view item, FieldBits& out) {
  const auto halves = SplitAt(item, "/");
  unsigned step = 1;
  if (halves.size() > 2)
    return Invalid(std::string(field.name) + " " + Quoted(item) +
                   " has two steps; write one, like */5");
  if (halves.size() == 2) {
    const auto number = Number(halves[1]);
    if (!number || *number == 0)
      return Invalid(std::string(field.name) + " " + Quoted(item) +
                     ": a step is a number from 1, like */5");
    step = *number;
  }
  unsigned first = field.min;
  unsigned last = field.max;
  if (halves[0] == "*" || halves[0] == "?") {
    if (step == 1) out.any = true;
  } else {
    const auto ends = SplitAt(halves[0], "-");
    if (ends.size() > 2)
      return Invalid(std::string(field.name) + " " + Quoted(item) + " is no range, like 1-5");
    PENSTOCK_ASSIGN(first, Value(field, ends[0]));
    if (ends.size() == 1 && first > field.max) first = field.min;  // 7 of a week
    if (ends.size() == 2) {
      PENSTOCK_ASSIGN(last, Value(field, ends[1]));
    } else if (halves.size() == 1) {
      last = first;
    }
    if (first > last)
      return Invalid(std::string(field.name) + " " + Quoted(item) +
                     " ends before it begins; write two ranges, like 5-6,0-1");
  }
  for (unsigned n = first; n <= last; n += std::min(step, 100U))
    out.bits.set(n > field.max ? n - (field.max + 1) : n);
  return {};
}

Result<FieldBits> ParseField(const Field& field, std::string_view text) {
  FieldBits out;
  for (const std::string_view item : SplitAt(text, ",")) PENSTOCK_TRY(AddItem(field, item, out));
  return out;
}

template <std::size_t N>
void Copy(const FieldBits& from, std::bitset<N>& to) {
  for (std::size_t i = 0; i < N; ++i) to.set(i, from.bits.test(i));
}

// Whether any year holds such a day.
bool EverFires(const Cron& c) {
  if (c.any_day || !c.any_weekday) return true;
  for (unsigned month = 1; month <= 12; ++month)
    for (unsigned day = 1; c.months.test(month) && day <= kLongest[month]; ++day)
      if (c.days.test(day)) return true;
  return false;
}

Result<std::string_view> WithoutNickname(std::string_view text) {
  if (text.empty() || text[0] != '@') return text;
  for (const Nickname& n : kNicknames)
    if (n.name == text) return n.text;
  if (text.starts_with("@every"))
    return Invalid(Quoted(text) +
                   " counts from a start that nobody can see: write the minutes, "
                   "like */5 * * * * or 0 */2 * * *");
  return Invalid(Quoted(text) +
                 " is not taken: write five fields, or @hourly, @daily, @weekly, @monthly, "
                 "@yearly");
}

}  // namespace

bool Cron::IsOnDay(unsigned month, unsigned day, unsigned weekday) const {
  if (!months.test(month)) return false;
  const bool by_day = days.test(day);
  const bool by_weekday = weekdays.test(weekday);
  return any_day || any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

Result<Cron> ParseCron(std::string_view text) {
  std::string_view written = text;
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!written.empty() && blank(written.front())) written.remove_prefix(1);
  while (!written.empty() && blank(written.back())) written.remove_suffix(1);
  if (written.starts_with("TZ=") || written.starts_with("CRON_TZ="))
    return Invalid("the zone of " + Quoted(text) + " stands in timeZone, not in the expression");
  PENSTOCK_ASSIGN(written, WithoutNickname(written));
  std::vector<std::string_view> fields = SplitAt(written, " \t");
  std::erase_if(fields, [](std::string_view f) { return f.empty(); });
  if (fields.size() != kFields.size())
    return Invalid(Quoted(text) + " has " + std::to_string(fields.size()) +
                   " fields, not five: minute, hour, day of month, month, day of week, like "
                   "0 6 * * 1-5");
  std::array<FieldBits, 5> bits;
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    auto parsed = ParseField(kFields[i], fields[i]);
    if (!parsed) return Wrap(Quoted(text), parsed.error());
    bits[i] = *parsed;
  }
  Cron cron;
  Copy(bits[0], cron.minutes);
  Copy(bits[1], cron.hours);
  Copy(bits[2], cron.days);
  Copy(bits[3], cron.months);
  Copy(bits[4], cron.weekdays);
  cron.any_day = bits[2].any;
  cron.any_weekday = bits[4].any;
  if (!EverFires(cron))
    return Invalid(Quoted(text) +
                   " never comes: none of its months has such a day; for the last days of every "
                   "month write 28-31 and look at the date in the first step");
  return cron;
}

}  // namespace penstock::plan
