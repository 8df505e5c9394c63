#include "components/transform/profile.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "components/model_format/prepared_step.h"
#include "components/sdk/exact_sum.h"
#include "components/transform/fit_step.h"

namespace penstock::transform {
namespace {

using sdk::Cell;
using sdk::ColumnType;

// The third standardised moment; 0 where there is no spread.
double SkewOf(const std::vector<double>& values) {
  const auto moments = sdk::MomentsOf(values);
  if (moments.constant || !(moments.std > 0) || !std::isfinite(moments.std)) return 0;
  sdk::ExactSum cubes;
  for (const double x : values) {
    const double z = (x - moments.mean) / moments.std;
    cubes.Add(z * z * z);
  }
  return cubes.Round() / double(values.size());
}

void ProfileNumbers(std::vector<double> numbers, Profile& profile) {
  std::sort(numbers.begin(), numbers.end());
  profile.least = numbers.front();
  profile.most = numbers.back();
  profile.constant = sdk::MomentsOf(numbers).constant;
  profile.whole = std::all_of(numbers.begin(), numbers.end(),
                              [](double x) { return x == std::trunc(x) && std::abs(x) < 0x1p62; });
  profile.skew = SkewOf(numbers);
  profile.quarter = QuantileOf(numbers, 0.25);
  profile.three_quarters = QuantileOf(numbers, 0.75);
  profile.distinct = 1;
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] == numbers[i - 1]) continue;
    ++profile.distinct;
    if (float(numbers[i]) == float(numbers[i - 1])) profile.survives_float = false;
  }
  if (!std::isfinite(float(numbers.front())) || !std::isfinite(float(numbers.back()))) {
    profile.survives_float = false;
  }
  for (double& x : numbers) x = std::copysign(std::log1p(std::abs(x)), x);
  profile.log_skew = SkewOf(numbers);
}

// An int64 beyond 2^53 is counted as itself.
std::int64_t DistinctIntegers(const sdk::TypedColumn& column) {
  std::vector<std::int64_t> integers;
  for (std::int64_t r = 0; r < column.array->length(); ++r) {
    const Cell cell = CellAt(column, r);
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) integers.push_back(*integer);
  }
  std::sort(integers.begin(), integers.end());
  return std::unique(integers.begin(), integers.end()) - integers.begin();
}

void ProfileTexts(const sdk::TypedColumn& column, Profile& profile) {
  std::unordered_map<std::string_view, std::int64_t> counts;
  double blanks = 0;
  for (std::int64_t r = 0; r < column.array->length(); ++r) {
    const Cell cell = CellAt(column, r);
    const auto* text = std::get_if<std::string_view>(&cell);
    if (text == nullptr) continue;
    ++profile.values;
    ++counts[*text];
    bool in_word = false;
    for (const char c : *text) {
      const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
      if (!blank && !in_word) ++blanks;
      in_word = !blank;
    }
  }
  profile.distinct = static_cast<std::int64_t>(counts.size());
  if (profile.values == 0) return;
  profile.words = blanks / double(profile.values);
}

}  // namespace

Profile ProfileOf(const sdk::TypedColumn& column) {
  Profile profile;
  profile.rows = column.array->length();
  if (column.type == ColumnType::kString) {
    ProfileTexts(column, profile);
    return profile;
  }
  std::vector<double> numbers;
  sdk::TransformStep step;
  profile.at_midnight = column.type == ColumnType::kTimestamp;
  constexpr std::int64_t kMicrosOfDay = 86'400'000'000;
  for (std::int64_t r = 0; r < profile.rows; ++r) {
    const Cell cell = CellAt(column, r);
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
      numbers.push_back(SourceNumber(step, column.type, *integer));
      if (*integer % kMicrosOfDay != 0) profile.at_midnight = false;
    } else if (const auto* flag = std::get_if<bool>(&cell)) {
      numbers.push_back(*flag ? 1 : 0);
    } else if (const auto* number = std::get_if<double>(&cell)) {
      if (std::isfinite(*number)) numbers.push_back(*number + 0.0);
    }
  }
  profile.values = static_cast<std::int64_t>(numbers.size());
  if (numbers.empty()) return profile;
  ProfileNumbers(std::move(numbers), profile);
  if (column.type == ColumnType::kInt64) profile.distinct = DistinctIntegers(column);
  return profile;
}

}  // namespace penstock::transform
