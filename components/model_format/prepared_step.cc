#include "components/model_format/prepared_step.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

#include "components/model_format/fnv1a.h"
#include "components/model_format/text_terms.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

constexpr float kMissingNumber = std::numeric_limits<float>::quiet_NaN();
constexpr double kLargest = std::numeric_limits<float>::max();

// Never infinite.
float ToFloat(double value) { return static_cast<float>(std::clamp(value, -kLargest, kLargest)); }

std::string CategoryText(const Category& category) {
  if (const auto* text = std::get_if<std::string>(&category)) return *text;
  if (const auto* flag = std::get_if<bool>(&category)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&category)) return std::to_string(*integer);
  return Json(std::get<double>(category)).dump();
}

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
  return op == TransformOp::kMultiHot || op == TransformOp::kText || op == TransformOp::kTfidf;
}

bool IsCategoryOp(TransformOp op) {
  return !IsNumberOp(op) && !IsTextOp(op) && op != TransformOp::kMissing;
}

std::int64_t PlacesOf(const TransformStep& step) {
  const std::int64_t own = step.fill_category == kNullOwn ? 1 : 0;
  const auto categories = static_cast<std::int64_t>(step.categories.size());
  switch (step.op) {
    case TransformOp::kBuckets:
      return static_cast<std::int64_t>(step.numbers.size()) + 1 + own;
    case TransformOp::kHash:
      return step.oov_buckets + own;
    case TransformOp::kCross:
      return static_cast<std::int64_t>(step.pairs.size()) + 1;
    case TransformOp::kVocabulary:
      return categories + step.oov_buckets + own;
    default:
      return categories + 1 + own;
  }
}

std::size_t WidthOf(const TransformStep& step) {
  switch (step.op) {
    case TransformOp::kCyclic:
      return 2;
    case TransformOp::kBends:
      return step.numbers.size();
    case TransformOp::kBuckets:
    case TransformOp::kHash:
    case TransformOp::kCross:
      return step.indicators ? std::size_t(PlacesOf(step)) : 1;
    case TransformOp::kOneHot:
    case TransformOp::kMultiHot:
      return std::size_t(PlacesOf(step));
    case TransformOp::kText:
      return std::size_t(step.oov_buckets);
    case TransformOp::kTfidf:
      return step.categories.size();
    case TransformOp::kTargetEncode:
      return step.numbers.size() / std::size_t(PlacesOf(step));
    default:
      return 1;
  }
}

PreparedStep::PreparedStep(const TransformStep& step, const std::vector<Column>& inputs,
                           std::size_t offset)
    : step_(step),
      column_(inputs[step.input]),
      other_column_(inputs[step.other]),
      offset_(offset),
      width_(WidthOf(step)),
      index_(step.categories),
      other_index_(step.other_categories) {}

std::string PreparedStep::SourceName() const {
  if (step_.source == Source::kValue) return column_.name;
  return column_.name + "." + Name(step_.source);
}

void PreparedStep::AddFeatures(std::vector<Feature>& features) const {
  const std::string name = SourceName();
  const auto each = [&](auto text_of) {
    for (std::size_t i = 0; i < width_; ++i) features.push_back({name + text_of(i), 0});
  };
  const std::int64_t places = PlacesOf(step_);
  const auto category = [&](std::size_t i) -> std::string {
    if (i < step_.categories.size()) return "=" + CategoryText(step_.categories[i]);
    return i == step_.categories.size() ? "=?" : "=null";
  };
  switch (step_.op) {
    case TransformOp::kVocabulary:
      return features.push_back({name, places});
    case TransformOp::kMissing:
      return features.push_back({name + " missing", 0});
    case TransformOp::kBends:
      for (const double knot : step_.numbers) {
        features.push_back({name + ">" + Json(knot).dump(), 0, true});
      }
      return;
    case TransformOp::kQuantile:
      return features.push_back({name + " rank", 0});
    case TransformOp::kCyclic:
      return each([](std::size_t i) { return i == 0 ? " sin" : " cos"; });
    case TransformOp::kOneHot:
    case TransformOp::kMultiHot:
      return each(category);
    case TransformOp::kTfidf:
      return each([&](std::size_t i) { return "~" + CategoryText(step_.categories[i]); });
    case TransformOp::kText:
      return each([](std::size_t i) { return "#" + std::to_string(i); });
    case TransformOp::kTargetEncode:
      return each([&](std::size_t i) {
        return width_ == 1 ? std::string(" mean") : " mean " + std::to_string(i);
      });
    case TransformOp::kBuckets:
    case TransformOp::kHash:
    case TransformOp::kCross: {
      const std::string both =
          step_.op == TransformOp::kCross ? name + " x " + other_column_.name : name;
      const std::string as = step_.op == TransformOp::kHash ? " hash" : " bucket";
      const std::string base = step_.op == TransformOp::kCross ? both : both + as;
      if (!step_.indicators) return features.push_back({base, places});
      for (std::size_t i = 0; i < width_; ++i) {
        features.push_back({base + "=" + std::to_string(i), 0});
      }
      return;
    }
    default:
      return features.push_back({name, 0});
  }
}

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

void PreparedStep::PutText(std::string_view text, float* row) const {
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
