#include "components/statistics/value_text.h"

#include <charconv>
#include <cmath>

#include "components/sdk/page/page.h"

namespace penstock::statistics {
namespace {

constexpr double kMicrosOfSecond = 1e6;
constexpr double kSecondsOfDay = 86'400;
constexpr std::size_t kTopShown = 5;

// Days since 1970 as a date (Hinnant: "chrono-compatible low-level date algorithms").
std::string DateText(std::int64_t days) {
  const std::int64_t z = days + 719'468;
  const std::int64_t era = (z >= 0 ? z : z - 146'096) / 146'097;
  const auto day_of_era = unsigned(z - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month_from_march = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const std::int64_t year = std::int64_t(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
  char text[48];
  std::snprintf(text, sizeof text, "%04lld-%02u-%02u", static_cast<long long>(year), month, day);
  return text;
}

std::string MomentText(double micros) {
  const double seconds = std::floor(micros / kMicrosOfSecond);
  const double days = std::floor(seconds / kSecondsOfDay);
  const auto of_day = int(seconds - days * kSecondsOfDay);
  char text[32];
  std::snprintf(text, sizeof text, "T%02d:%02d:%02dZ", of_day / 3600, of_day / 60 % 60,
                of_day % 60);
  return DateText(std::int64_t(days)) + text;
}

std::string RangeText(const Numbers& n) {
  const std::string least = sdk::NumberText(n.min);
  return n.min == n.max
             ? least
             : least + " to " + sdk::NumberText(n.max) + ", mean " + sdk::NumberText(n.mean);
}

void AddNumbers(const Column& column, std::vector<std::string>& facts) {
  const Numbers& n = *column.numbers;
  facts.push_back("from " + LeastText(column) + " to " + MostText(column));
  std::string middle = "mean " + NumberText(n.mean, column);
  if (n.deviation) middle += ", deviation " + SpreadText(*n.deviation, column);
  facts.push_back(middle);
  facts.push_back("quartiles " + NumberText(n.quantiles[25], column) + ", " +
                  NumberText(n.quantiles[50], column) + ", " + NumberText(n.quantiles[75], column));
  if (column.kind != Kind::kNumber) return;
  if (n.zeros > 0) facts.push_back("zeros " + CountAndShare(n.zeros, column.rows));
  if (n.negative > 0) facts.push_back("negative " + CountAndShare(n.negative, column.rows));
}

std::string TopText(const Column& column) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kTopShown, column.top.size()); ++i) {
    text += (i == 0 ? "" : ", ") + ValueText(column.top[i].value) + " " +
            ShareText(double(column.top[i].count) / double(column.rows));
  }
  return text;
}

}  // namespace

std::string CountText(std::int64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3 && text[at - 4] != '-'; at -= 3) {
    text.insert(at - 3, 1, ',');
  }
  return text;
}

std::string ShareText(double share) {
  if (share == 0) return "0 %";
  if (share < 0.001) return "< 0.1 %";
  if (share > 0.999 && share < 1) return "> 99.9 %";
  return sdk::NumberText(std::round(share * 1000) / 10) + " %";
}

std::string NumberText(double value, const Column& column) {
  constexpr double kMost = 1e15;
  if (column.kind != Kind::kTime || !(std::abs(value) < kMost * 100)) return sdk::NumberText(value);
  if (column.type == "date") return DateText(std::int64_t(std::floor(value)));
  return MomentText(value);
}

std::string SpreadText(double value, const Column& column) {
  if (column.kind != Kind::kTime) return sdk::NumberText(value);
  const double days = column.type == "date" ? value : value / kMicrosOfSecond / kSecondsOfDay;
  if (days >= 2) return sdk::NumberText(days) + " days";
  return sdk::NumberText(days * kSecondsOfDay) + " s";
}

std::string LeastText(const Column& column) {
  if (!column.least.is_null()) return ValueText(column.least);
  return column.numbers ? NumberText(column.numbers->min, column) : "";
}

std::string MostText(const Column& column) {
  if (!column.most.is_null()) return ValueText(column.most);
  return column.numbers ? NumberText(column.numbers->max, column) : "";
}

std::string ValueText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return sdk::NumberText(value.get<double>());
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string CountAndShare(std::int64_t count, std::int64_t of) {
  return CountText(count) + " (" + ShareText(of == 0 ? 0 : double(count) / double(of)) + ")";
}

std::vector<std::string> FactsOf(const Column& column) {
  std::vector<std::string> facts;
  facts.push_back(column.nulls == 0 ? "no nulls"
                                    : "nulls " + CountAndShare(column.nulls, column.rows));
  if (column.nan > 0) facts.push_back("NaN " + CountAndShare(column.nan, column.rows));
  const std::int64_t infinite = column.positive_infinite + column.negative_infinite;
  if (infinite > 0) facts.push_back("infinite " + CountAndShare(infinite, column.rows));
  if (column.kind != Kind::kList && column.kind != Kind::kOther) {
    facts.push_back((column.distinct_error > 0 ? "about " : "") + CountText(column.distinct) +
                    (column.distinct == 1 ? " value" : " different values"));
  }
  if (column.numbers) AddNumbers(column, facts);
  const char* what = column.kind == Kind::kList    ? "elements "
                     : column.kind == Kind::kBytes ? "bytes "
                                                   : "characters ";
  if (column.lengths) facts.push_back(what + RangeText(*column.lengths));
  if (column.empty > 0) facts.push_back("empty " + CountAndShare(column.empty, column.rows));
  if (!column.top.empty() && column.top.front().count > 1) {
    facts.push_back("most frequent: " + TopText(column));
  }
  return facts;
}

}  // namespace penstock::statistics
