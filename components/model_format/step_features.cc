// How many features a step makes, and what they are called.
#include "components/model_format/prepared_step.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

std::string CategoryText(const Category& category) {
  if (const auto* text = std::get_if<std::string>(&category)) return *text;
  if (const auto* flag = std::get_if<bool>(&category)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&category)) return std::to_string(*integer);
  return Json(std::get<double>(category)).dump();
}

}  // namespace

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
    case TransformOp::kTokens:
      return 1 + categories + step.oov_buckets;
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
    case TransformOp::kTokens:
      return std::size_t(step.length);
    case TransformOp::kWordVectors:
      return step.vectors.table == nullptr ? 0 : std::size_t(step.vectors.table->dimensions);
    case TransformOp::kTargetEncode:
      return step.numbers.size() / std::size_t(PlacesOf(step));
    default:
      return 1;
  }
}

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
    case TransformOp::kTokens:
      for (std::size_t i = 0; i < width_; ++i) {
        const std::int64_t bag = i == 0 ? std::int64_t(width_) : -1;
        features.push_back({name + "[" + std::to_string(i) + "]", places, false, bag});
      }
      return;
    case TransformOp::kWordVectors:
      return each([](std::size_t i) { return " vector " + std::to_string(i); });
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

}  // namespace penstock::sdk
