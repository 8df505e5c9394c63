#include "components/model_format/prepared_step.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

#include "components/model_format/fnv1a.h"
#include "components/model_format/text_terms.h"
#include "components/model_format/words.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

constexpr float kMissingNumber = std::numeric_limits<float>::quiet_NaN();
constexpr double kLargest = std::numeric_limits<float>::max();

// Never infinite.
float ToFloat(double value) { return static_cast<float>(std::clamp(value, -kLargest, kLargest)); }

double PartOfTime(Source source, std::int64_t micros) {
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds(micros)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  switch (source) {
    case Source::kYear:
      return int(date.year());
    case Source::kMonth:
      return unsigned(date.month()) - 1;
    case Source::kDay:
      return unsigned(date.day()) - 1;
    case Source::kDayOfWeek:
      return weekday(day).iso_encoding() - 1;
    case Source::kDayOfYear:
      return double((day - sys_days(date.year() / January / 1)).count());
    default:
      return double((time - day).count()) / 3.6e9;
  }
}

// Through the points in order, flat beyond both ends.
double Interpolate(const std::vector<double>& points, const std::vector<double>& values, double x) {
  const auto above = std::upper_bound(points.begin(), points.end(), x);
  if (above == points.begin()) return values.front();
  if (above == points.end()) return values.back();
  const auto i = std::size_t(above - points.begin());
  // Halves, since the distance of two doubles may be none.
  const double share = (x / 2 - points[i - 1] / 2) / (points[i] / 2 - points[i - 1] / 2);
  return values[i - 1] + share * (values[i] - values[i - 1]);
}

std::uint64_t HashOf(std::string_view text) { return Fnv1a(text); }
std::uint64_t HashOf(std::int64_t value) { return Fnv1a(value); }

void ToUnitLength(float* begin, std::size_t count) {
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i) squares += double(begin[i]) * double(begin[i]);
  if (squares == 0) return;
  const double length = std::sqrt(squares);
  for (std::size_t i = 0; i < count; ++i) begin[i] = static_cast<float>(double(begin[i]) / length);
}

}  // namespace

CategoryIndex::CategoryIndex(const std::vector<Category>& categories)
    : size_(static_cast<std::int64_t>(categories.size())) {
  for (std::int64_t i = 0; i < size_; ++i) {
    const Category& c = categories[std::size_t(i)];
    if (const auto* text = std::get_if<std::string>(&c)) strings_.emplace(*text, i);
    if (const auto* flag = std::get_if<bool>(&c)) integers_.emplace(*flag ? 1 : 0, i);
    if (const auto* integer = std::get_if<std::int64_t>(&c)) integers_.emplace(*integer, i);
    if (const auto* number = std::get_if<double>(&c)) integers_.emplace(KeyOf(*number), i);
  }
}

std::int64_t CategoryIndex::Find(std::string_view text) const {
  const auto found = strings_.find(text);
  return found == strings_.end() ? size_ : found->second;
}

std::int64_t CategoryIndex::Find(std::int64_t key) const {
  const auto found = integers_.find(key);
  return found == integers_.end() ? size_ : found->second;
}

std::int64_t KeyOf(double value) { return std::bit_cast<std::int64_t>(value == 0 ? 0.0 : value); }

double SourceNumber(const TransformStep& step, ColumnType type, std::int64_t value) {
  constexpr double kSecondsOfDay = 86'400;
  if (type != ColumnType::kTimestamp) return static_cast<double>(value);
  const double seconds = static_cast<double>(value) / 1e6;
  if (step.source == Source::kValue) return seconds;
  if (step.source == Source::kAge) return (step.origin - seconds) / kSecondsOfDay;
  return PartOfTime(step.source, value);
}

double SourceNumber(const TransformStep& /*step*/, double value) { return value; }

double SourceNumber(const TransformStep& step, std::string_view value) {
  return double(step.source == Source::kWords ? CountWords(value) : CountCharacters(value));
}

bool IsNumberOp(TransformOp op) {
  switch (op) {
    case TransformOp::kPassthrough:
    case TransformOp::kScale:
    case TransformOp::kMinMax:
    case TransformOp::kBends:
    case TransformOp::kQuantile:
    case TransformOp::kCyclic:
    case TransformOp::kBuckets:
      return true;
    default:
      return false;
  }
}

bool IsTextOp(TransformOp op) {
  switch (op) {
    case TransformOp::kMultiHot:
    case TransformOp::kText:
    case TransformOp::kTfidf:
    case TransformOp::kTokens:
    case TransformOp::kWordVectors:
      return true;
    default:
      return false;
  }
}

bool IsCategoryOp(TransformOp op) {
  return !IsNumberOp(op) && !IsTextOp(op) && op != TransformOp::kMissing;
}

PreparedStep::PreparedStep(const TransformStep& step, const std::vector<Column>& inputs,
                           std::size_t offset)
    : step_(step),
      column_(inputs[step.input]),
      other_column_(inputs[step.other]),
      offset_(offset),
      width_(WidthOf(step)),
      index_(step.categories),
      other_index_(step.other_categories),
      words_(step.vectors.table) {}

void PreparedStep::PutBends(double x, float* row) const {
  for (std::size_t i = 0; i < width_; ++i) {
    const double over = std::max(0.0, x - step_.numbers[i]);
    row[offset_ + i] = ToFloat((over - step_.values[2 * i]) / step_.values[2 * i + 1]);
  }
}

void PreparedStep::PutPrepared(double number, float* row) const {
  double x = std::clamp(number, step_.low, step_.high);
  if (step_.log) x = std::copysign(std::log1p(std::abs(x)), x);
  switch (step_.op) {
    case TransformOp::kScale:
      row[offset_] = ToFloat((x - step_.mean) / step_.std);
      return;
    case TransformOp::kMinMax:
      row[offset_] = ToFloat(std::clamp((x - step_.mean) / step_.std, 0.0, 1.0));
      return;
    case TransformOp::kBends:
      return PutBends(x, row);
    case TransformOp::kQuantile:
      row[offset_] = ToFloat(Interpolate(step_.numbers, step_.values, x));
      return;
    case TransformOp::kCyclic: {
      const double angle = 2 * std::numbers::pi * (x / step_.std);
      row[offset_] = static_cast<float>(std::sin(angle));
      row[offset_ + 1] = static_cast<float>(std::cos(angle));
      return;
    }
    case TransformOp::kBuckets:
      return PutPlace(
          std::upper_bound(step_.numbers.begin(), step_.numbers.end(), x) - step_.numbers.begin(),
          row);
    default:
      row[offset_] = ToFloat(x);
  }
}

void PreparedStep::PutPlace(std::int64_t place, float* row) const {
  if (step_.op == TransformOp::kTargetEncode) {
    const double* means = step_.numbers.data() + std::size_t(place) * width_;
    for (std::size_t i = 0; i < width_; ++i) {
      row[offset_ + i] = ToFloat((means[i] - step_.values[2 * i]) / step_.values[2 * i + 1]);
    }
    return;
  }
  if (step_.op != TransformOp::kOneHot && !step_.indicators) {
    row[offset_] = static_cast<float>(place);
    return;
  }
  std::fill_n(row + offset_, width_, 0.0F);
  row[offset_ + std::size_t(place)] = 1;
}

// Until the second column comes, the first feature holds the place of the first.
void PreparedStep::PutPair(std::int64_t place, float* row, bool second) const {
  if (!second) {
    row[offset_] = static_cast<float>(place);
    return;
  }
  const std::int64_t pair =
      static_cast<std::int64_t>(row[offset_]) * (other_index_.size() + 1) + place;
  const auto found = std::lower_bound(step_.pairs.begin(), step_.pairs.end(), pair);
  const bool kept = found != step_.pairs.end() && *found == pair;
  PutPlace(kept ? found - step_.pairs.begin() : std::int64_t(step_.pairs.size()), row);
}

template <typename Key>
void PreparedStep::PutCategory(const Key& key, float* row, bool second) const {
  if (step_.op == TransformOp::kCross) {
    return PutPair((second ? other_index_ : index_).Find(key), row, second);
  }
  if (step_.op == TransformOp::kHash) {
    return PutPlace(std::int64_t(HashOf(key) % std::uint64_t(step_.oov_buckets)), row);
  }
  std::int64_t place = index_.Find(key);
  if (place == index_.size() && step_.op == TransformOp::kVocabulary) {
    place += std::int64_t(HashOf(key) % std::uint64_t(step_.oov_buckets));
  }
  PutPlace(place, row);
}

void PreparedStep::PutTokens(std::string_view text, float* row) const {
  float* ids = row + offset_;
  std::fill_n(ids, width_, 0.0F);
  const auto id_of = [&](std::string_view token) {
    std::int64_t place = index_.Find(token);
    if (place == index_.size()) {
      place += std::int64_t(HashOf(token) % std::uint64_t(step_.oov_buckets));
    }
    return static_cast<float>(1 + place);
  };
  std::size_t count = 0;
  ForEachToken(text, step_.shortest, step_.longest, [&](std::string_view token) {
    const std::size_t at = count++;
    if (at < width_ || step_.keep_end) ids[at % width_] = id_of(token);
  });
  // The last ones stand around a ring, whose first is where the next would go.
  if (step_.keep_end && count > width_) std::rotate(ids, ids + count % width_, ids + width_);
}

void PreparedStep::PutVector(std::string_view text, float* row) const {
  std::vector<double> pooled(width_);
  const bool known = words_.Pool(text, step_.pooling, pooled) > 0;
  for (std::size_t i = 0; i < width_; ++i) {
    row[offset_ + i] =
        known ? ToFloat((pooled[i] - step_.values[2 * i]) / step_.values[2 * i + 1]) : 0;
  }
}

void PreparedStep::PutText(std::string_view text, float* row) const {
  if (step_.op == TransformOp::kTokens) return PutTokens(text, row);
  if (step_.op == TransformOp::kWordVectors) return PutVector(text, row);
  std::fill_n(row + offset_, width_, 0.0F);
  if (step_.op == TransformOp::kMultiHot) {
    return ForEachPart(text, step_.separator, [&](std::string_view part) {
      row[offset_ + std::size_t(index_.Find(part))] = 1;
    });
  }
  if (step_.op == TransformOp::kText) {
    ForEachTerm(text, step_.shortest, step_.longest, [&](std::string_view term) {
      const std::uint64_t hash = Fnv1a(term);
      const float sign = (hash >> 63) != 0 ? -1.0F : 1.0F;
      row[offset_ + std::size_t(hash % std::uint64_t(step_.oov_buckets))] += sign;
    });
  } else {
    ForEachTerm(text, step_.shortest, step_.longest, [&](std::string_view term) {
      const auto at = index_.Find(term);
      if (at < index_.size()) row[offset_ + std::size_t(at)] += 1;
    });
    for (std::size_t i = 0; i < width_; ++i) {
      row[offset_ + i] = static_cast<float>(double(row[offset_ + i]) * step_.numbers[i]);
    }
  }
  ToUnitLength(row + offset_, width_);
}

void PreparedStep::PutNull(float* row, std::size_t input) const {
  if (step_.op == TransformOp::kMissing) {
    row[offset_] = 1;
  } else if (step_.op == TransformOp::kCross) {
    PutPair((IsSecond(input) ? other_index_ : index_).size(), row, IsSecond(input));
  } else if (IsTextOp(step_.op) || step_.op == TransformOp::kCyclic) {
    std::fill_n(row + offset_, width_, 0.0F);
  } else if (step_.op == TransformOp::kBuckets && step_.fill_category == kNullUnseen) {
    PutPrepared(step_.fill, row);
  } else if (IsNumberOp(step_.op) && step_.op != TransformOp::kBuckets) {
    if (!step_.keep_null) return PutPrepared(step_.fill, row);
    std::fill_n(row + offset_, width_, kMissingNumber);
  } else if (step_.fill_category == kNullKept) {
    row[offset_] = kMissingNumber;
  } else if (step_.fill_category == kNullOwn) {
    PutPlace(PlacesOf(step_) - 1, row);
  } else if (step_.fill_category >= 0) {
    PutPlace(step_.fill_category, row);
  } else {
    PutPlace(step_.op == TransformOp::kHash ? 0 : index_.size(), row);
  }
}

void PreparedStep::PutNumber(double value, float* row, std::size_t input) const {
  if (IsNumberOp(step_.op)) return PutPrepared(SourceNumber(step_, value), row);
  if (step_.op == TransformOp::kMissing) {
    row[offset_] = 0;
    return;
  }
  PutCategory(KeyOf(value), row, IsSecond(input));
}

void PreparedStep::PutInteger(std::int64_t value, float* row, std::size_t input) const {
  if (IsNumberOp(step_.op)) return PutPrepared(SourceNumber(step_, column_.type, value), row);
  if (step_.op == TransformOp::kMissing) {
    row[offset_] = 0;
    return;
  }
  PutCategory(value, row, IsSecond(input));
}

void PreparedStep::PutString(std::string_view value, float* row, std::size_t input) const {
  if (IsNumberOp(step_.op)) return PutPrepared(SourceNumber(step_, value), row);
  if (step_.op == TransformOp::kMissing) {
    row[offset_] = 0;
    return;
  }
  if (IsTextOp(step_.op)) return PutText(value, row);
  PutCategory(value, row, IsSecond(input));
}

}  // namespace penstock::sdk
