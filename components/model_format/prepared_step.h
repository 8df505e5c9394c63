// A step of a transform made ready to run: its place in the row and its look-up tables. Private to
// transform.cc. Immutable, thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "components/model_format/transform.h"

namespace penstock::sdk {

// Where a category stands among others.
class CategoryIndex {
 public:
  explicit CategoryIndex(const std::vector<Category>& categories);
  // size() where there is none.
  [[nodiscard]] std::int64_t Find(std::string_view text) const;
  [[nodiscard]] std::int64_t Find(std::int64_t key) const;  // of a double: KeyOf
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::int64_t size_ = 0;
  std::unordered_map<std::string, std::int64_t, StringHash, std::equal_to<>> strings_;
  std::unordered_map<std::int64_t, std::int64_t> integers_;
};

// Doubles are looked up by their bits; both zeros are one category.
[[nodiscard]] std::int64_t KeyOf(double value);

// The number that a source takes from a value. `step` says the source and the origin of an age.
[[nodiscard]] double SourceNumber(const TransformStep& step, ColumnType type, std::int64_t value);
[[nodiscard]] double SourceNumber(const TransformStep& step, double value);
[[nodiscard]] double SourceNumber(const TransformStep& step, std::string_view value);

[[nodiscard]] bool IsNumberOp(TransformOp op);    // takes the number of its source
[[nodiscard]] bool IsCategoryOp(TransformOp op);  // takes a category
[[nodiscard]] bool IsTextOp(TransformOp op);      // takes the parts or terms of a text

// Features that the step makes; what CheckTransformSpec allows.
[[nodiscard]] std::size_t WidthOf(const TransformStep& step);
// Places that categories, the unseen and a null of its own have; of kTokens ids, the 0 too.
[[nodiscard]] std::int64_t PlacesOf(const TransformStep& step);

class PreparedStep {
 public:
  PreparedStep(const TransformStep& step, const std::vector<Column>& inputs, std::size_t offset);

  void AddFeatures(std::vector<Feature>& features) const;

  // `input`: the column that the value is of; a step of kCross has two.
  void PutNull(float* row, std::size_t input) const;
  void PutNumber(double value, float* row, std::size_t input) const;
  void PutInteger(std::int64_t value, float* row, std::size_t input) const;
  void PutString(std::string_view value, float* row, std::size_t input) const;

 private:
  void PutPrepared(double number, float* row) const;  // through clip, log and the operation
  void PutBends(double x, float* row) const;
  void PutPlace(std::int64_t place, float* row) const;
  void PutPair(std::int64_t place, float* row, bool second) const;
  void PutText(std::string_view text, float* row) const;
  void PutTokens(std::string_view text, float* row) const;
  void PutVector(std::string_view text, float* row) const;
  [[nodiscard]] bool IsSecond(std::size_t input) const {
    return step_.op == TransformOp::kCross && input == step_.other;
  }
  template <typename Key>
  void PutCategory(const Key& key, float* row, bool second) const;
  [[nodiscard]] std::string SourceName() const;

  TransformStep step_;
  Column column_;
  Column other_column_;
  std::size_t offset_;
  std::size_t width_;
  CategoryIndex index_;
  CategoryIndex other_index_;
  WordPool words_;
};

}  // namespace penstock::sdk
