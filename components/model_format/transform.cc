#include "components/model_format/transform.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>

#include "components/model_format/transform_check.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

// FNV-1a, 64 bit (Fowler, Noll, Vo; parameters of draft-eastlake-fnv): the bucket of an unseen
// category must not depend on the standard library.
std::uint64_t Fnv1a(const char* data, std::size_t size) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (std::size_t i = 0; i < size; ++i) {
    hash = (hash ^ static_cast<unsigned char>(data[i])) * 1099511628211ULL;
  }
  return hash;
}

std::uint64_t Fnv1a(std::int64_t value) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(std::uint64_t(value) >> (8 * i));
  return Fnv1a(bytes, sizeof bytes);
}

// Doubles are looked up by their bits; both zeros are one category.
std::int64_t KeyOf(double value) { return std::bit_cast<std::int64_t>(value == 0 ? 0.0 : value); }

std::string CategoryText(const Category& category) {
  if (const auto* text = std::get_if<std::string>(&category)) return *text;
  if (const auto* flag = std::get_if<bool>(&category)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&category)) return std::to_string(*integer);
  return Json(std::get<double>(category)).dump();
}

std::vector<std::string> NullTextsOf(const TransformSpec& spec, std::size_t input) {
  std::vector<std::string> texts(kNullTexts.begin(), kNullTexts.end());
  for (const TransformStep& step : spec.steps) {
    if (step.input != input) continue;
    std::erase_if(texts, [&](const std::string& text) {
      return std::find(step.categories.begin(), step.categories.end(), Category(text)) !=
             step.categories.end();
    });
  }
  return texts;
}

}  // namespace

const char* Name(TransformOp op) {
  constexpr const char* kNames[] = {"passthrough", "scale", "oneHot", "vocabulary"};
  return kNames[static_cast<std::size_t>(op)];
}

struct Transform::Prepared {
  TransformOp op;
  ColumnType type;
  std::size_t offset = 0;  // first feature in the row
  std::size_t width = 1;
  double fill, mean, std;
  std::int64_t fill_category, categories, oov_buckets;
  std::unordered_map<std::string, std::int64_t, StringHash, std::equal_to<>> strings;
  std::unordered_map<std::int64_t, std::int64_t> integers;

  explicit Prepared(const TransformStep& step, ColumnType column)
      : op(step.op),
        type(column),
        fill(step.fill),
        mean(step.mean),
        std(step.std),
        fill_category(step.fill_category),
        categories(static_cast<std::int64_t>(step.categories.size())),
        oov_buckets(step.oov_buckets) {
    if (op == TransformOp::kOneHot) width = step.categories.size() + 1;
    for (std::int64_t i = 0; i < categories; ++i) {
      const Category& c = step.categories[std::size_t(i)];
      if (const auto* text = std::get_if<std::string>(&c)) strings.emplace(*text, i);
      if (const auto* flag = std::get_if<bool>(&c)) integers.emplace(*flag ? 1 : 0, i);
      if (const auto* integer = std::get_if<std::int64_t>(&c)) integers.emplace(*integer, i);
      if (const auto* number = std::get_if<double>(&c)) integers.emplace(KeyOf(*number), i);
    }
  }

  // Seconds, for a timestamp; everything else is its own number.
  [[nodiscard]] double NumberOf(std::int64_t value) const {
    const auto number = static_cast<double>(value);
    return type == ColumnType::kTimestamp ? number / 1e6 : number;
  }

  void PutNumber(double value, float* row) const {
    row[offset] = static_cast<float>(op == TransformOp::kScale ? (value - mean) / std : value);
  }

  void PutCategory(std::int64_t category, float* row) const {
    if (op == TransformOp::kVocabulary) {
      row[offset] = static_cast<float>(category);
      return;
    }
    std::fill_n(row + offset, width, 0.0F);
    row[offset + std::size_t(std::min(category, categories))] = 1.0F;
  }

  // `hash` is called for an unseen category only.
  template <typename Map, typename Key, typename Hash>
  void PutKey(const Map& map, const Key& key, Hash hash, float* row) const {
    const auto found = map.find(key);
    if (found != map.end()) {
      PutCategory(found->second, row);
    } else if (op == TransformOp::kVocabulary) {
      PutCategory(categories + std::int64_t(hash() % std::uint64_t(oov_buckets)), row);
    } else {
      PutCategory(categories, row);
    }
  }

  [[nodiscard]] bool IsNumber() const {
    return op == TransformOp::kPassthrough || op == TransformOp::kScale;
  }
};

Result<Transform> Transform::Make(TransformSpec spec) {
  if (auto ok = CheckTransformSpec(spec); !ok) return ok.error();
  Transform t;
  std::vector<Prepared> prepared;
  t.steps_of_input_.resize(spec.inputs.size());
  for (const auto& step : spec.steps) {
    const Column& column = spec.inputs[step.input];
    prepared.emplace_back(step, column.type).offset = t.features_.size();
    t.steps_of_input_[step.input].push_back(prepared.size() - 1);
    if (step.op == TransformOp::kOneHot) {
      for (const auto& c : step.categories) {
        t.features_.push_back({column.name + "=" + CategoryText(c), 0});
      }
      t.features_.push_back({column.name + "=?", 0});
    } else {
      const bool id = step.op == TransformOp::kVocabulary;
      const auto size = static_cast<std::int64_t>(step.categories.size()) + step.oov_buckets;
      t.features_.push_back({column.name, id ? size : 0});
    }
  }
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    t.null_texts_.push_back(NullTextsOf(spec, i));
  }
  t.spec_ = std::make_shared<const TransformSpec>(std::move(spec));
  t.prepared_ = std::make_shared<const std::vector<Prepared>>(std::move(prepared));
  return t;
}

void Transform::ApplyNull(std::size_t input, float* row) const {
  for (const std::size_t i : steps_of_input_[input]) {
    const Prepared& step = (*prepared_)[i];
    if (step.IsNumber()) {
      step.PutNumber(step.fill, row);
    } else {
      step.PutCategory(step.fill_category < 0 ? step.categories : step.fill_category, row);
    }
  }
}

void Transform::ApplyNumber(std::size_t input, double value, float* row) const {
  if (!std::isfinite(value)) return ApplyNull(input, row);
  for (const std::size_t i : steps_of_input_[input]) {
    const Prepared& step = (*prepared_)[i];
    if (step.IsNumber()) {
      step.PutNumber(value, row);
    } else {
      const std::int64_t key = KeyOf(value);
      step.PutKey(
          step.integers, key, [&] { return Fnv1a(key); }, row);
    }
  }
}

void Transform::ApplyInteger(std::size_t input, std::int64_t value, float* row) const {
  for (const std::size_t i : steps_of_input_[input]) {
    const Prepared& step = (*prepared_)[i];
    if (step.IsNumber()) {
      step.PutNumber(step.NumberOf(value), row);
    } else {
      step.PutKey(
          step.integers, value, [&] { return Fnv1a(value); }, row);
    }
  }
}

bool Transform::IsNullText(std::size_t input, std::string_view value) const {
  constexpr std::size_t kLongest = 4;
  const auto& texts = null_texts_[input];
  return value.size() <= kLongest && std::find(texts.begin(), texts.end(), value) != texts.end();
}

void Transform::ApplyString(std::size_t input, std::string_view value, float* row) const {
  if (IsNullText(input, value)) return ApplyNull(input, row);
  for (const std::size_t i : steps_of_input_[input]) {
    const Prepared& step = (*prepared_)[i];
    step.PutKey(
        step.strings, value, [&] { return Fnv1a(value.data(), value.size()); }, row);
  }
}

Result<void> Transform::ApplyCell(std::size_t input, const Cell& cell, float* row) const {
  const auto value = Coerce(cell, spec_->inputs[input]);
  if (!value) return value.error();
  if (const auto* text = std::get_if<std::string_view>(&*value)) {
    ApplyString(input, *text, row);
  } else if (const auto* integer = std::get_if<std::int64_t>(&*value)) {
    ApplyInteger(input, *integer, row);
  } else if (const auto* number = std::get_if<double>(&*value)) {
    ApplyNumber(input, *number, row);
  } else if (const auto* flag = std::get_if<bool>(&*value)) {
    ApplyInteger(input, *flag ? 1 : 0, row);
  } else {
    ApplyNull(input, row);
  }
  return {};
}

Result<void> Transform::ApplyRow(std::span<const Cell> row, float* out) const {
  if (row.size() != spec_->inputs.size()) {
    return Invalid("a row has " + std::to_string(row.size()) + " cells, the model takes " +
                   std::to_string(spec_->inputs.size()) + " columns");
  }
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (auto ok = ApplyCell(i, row[i], out); !ok) return ok;
  }
  return {};
}

Result<void> Transform::ApplyCells(std::size_t input, std::span<const Cell> cells,
                                   float* matrix) const {
  for (std::size_t r = 0; r < cells.size(); ++r) {
    if (auto ok = ApplyCell(input, cells[r], matrix + r * width()); !ok) {
      return Wrap("row " + std::to_string(r), ok.error());
    }
  }
  return {};
}

}  // namespace penstock::sdk
