// The transform: raw columns -> the float32 matrix that a model's back end takes. THE one library
// for training and serving, so that there is no skew: both paths end in the same function per
// value, and their results are equal bit for bit (transform_test.cc proves it).
//
//   TransformSpec   the fitted constants; transform.json is its text
//   Transform       a spec made ready to run: look-up tables, offsets. Immutable, so thread-safe.
//
//   serving   ApplyCells: a tensor per column (ApplyRow: one row)
//   training  sdk/matrix.h: Arrow columns
//
// Neither Arrow nor LibTorch is needed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "components/model_format/column.h"
#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::sdk {

enum class TransformOp : std::uint8_t {
  kPassthrough,  // 1 feature: the number (bool as 0 and 1, timestamp as seconds)
  kScale,        // 1 feature: (number - mean) / std, computed in double, rounded once to float
  kOneHot,       // categories + 1 features: 1 at the category's place, at the last for the unseen
  kVocabulary,   // 1 feature: the id of the category, or categories + hash % oov_buckets
};
[[nodiscard]] const char* Name(TransformOp op);

// A category owns its value; its type is the column's.
using Category = std::variant<bool, std::int64_t, double, std::string>;

// One operation on one column; a column may have several.
struct TransformStep {
  TransformOp op = TransformOp::kPassthrough;
  std::size_t input = 0;             // index into TransformSpec::inputs
  double fill = 0;                   // what a null number becomes (before scaling)
  double mean = 0;                   // kScale
  double std = 1;                    // kScale; never 0: a constant column has 1
  std::vector<Category> categories;  // kOneHot: sorted; kVocabulary: by count, then by value
  std::int64_t fill_category = -1;   // what a null becomes: an index into categories, or -1 for
                                     // the place of the unseen (kVocabulary: its first bucket)
  std::int64_t oov_buckets = 1;      // kVocabulary
  bool operator==(const TransformStep&) const = default;
};

struct TransformSpec {
  std::string label;           // the column that is not a feature; may be empty
  std::vector<Column> inputs;  // raw columns as clients send them, in order
  std::vector<TransformStep> steps;
  bool operator==(const TransformSpec&) const = default;
};

// transform.json. Parse refuses what Transform could not run (unknown op or format version, a step
// on a missing column, a zero std, a category of a wrong type) and names the place.
[[nodiscard]] Json ToJson(const TransformSpec& spec);
[[nodiscard]] Result<TransformSpec> ParseTransformSpec(const Json& json);
[[nodiscard]] Result<TransformSpec> LoadTransformSpec(const std::string& path);

// Which matrix a recipe makes of the same inputs; model.yaml names its model's.
enum class View : std::uint8_t {
  kDense,      // "dense": numbers only, nothing missing: linear models
  kTree,       // "tree": numbers and codes of categories, NaN kept: boosted trees
  kEmbedding,  // "embedding": numbers and ids, nothing missing: networks
};

// A column of the matrix.
struct Feature {
  std::string name;              // "distance", "carrier=UA", "carrier=?" (unseen), "dest"
  std::int64_t cardinality = 0;  // 0: a number; else an id in [0, cardinality), for an embedding
};

class Transform {
 public:
  // Invalid for a spec that ParseTransformSpec would refuse.
  [[nodiscard]] static Result<Transform> Make(TransformSpec spec);

  [[nodiscard]] const TransformSpec& spec() const { return *spec_; }
  [[nodiscard]] const std::vector<Column>& inputs() const { return spec_->inputs; }
  [[nodiscard]] const std::vector<Feature>& features() const { return features_; }
  [[nodiscard]] std::size_t width() const { return features_.size(); }
  // The texts that are null in an input, from whatever form or file they come: kNullTexts without
  // those that a step has as a category, whose file was read with other words for null.
  [[nodiscard]] const std::vector<std::string>& null_texts(std::size_t input) const {
    return null_texts_[input];
  }
  [[nodiscard]] bool IsNullText(std::size_t input, std::string_view value) const;

  // One row: cells in the order of inputs(), `out` has width() floats and is overwritten.
  // Invalid (a client's fault) names the column.
  [[nodiscard]] Result<void> ApplyRow(std::span<const Cell> row, float* out) const;

  // One input column of many rows, into a row-major matrix of cells.size() rows of width() floats
  // that starts at `matrix`. Writes only that column's features; after all inputs() the matrix is
  // complete. Invalid names the column and the row.
  [[nodiscard]] Result<void> ApplyCells(std::size_t input, std::span<const Cell> cells,
                                        float* matrix) const;

  // One cell: coerced to its column's type, then one of the functions below.
  [[nodiscard]] Result<void> ApplyCell(std::size_t input, const Cell& cell, float* row) const;

  // The functions that both paths share. A value is of the column's type already (Coerce).
  void ApplyNumber(std::size_t input, double value,
                   float* row) const;  // int64, float64, bool, time
  void ApplyInteger(std::size_t input, std::int64_t value, float* row) const;
  void ApplyString(std::size_t input, std::string_view value, float* row) const;
  void ApplyNull(std::size_t input, float* row) const;

 private:
  struct Prepared;  // a step with its place in the row and its look-up table
  Transform() = default;
  std::shared_ptr<const TransformSpec> spec_;
  std::shared_ptr<const std::vector<Prepared>> prepared_;
  std::vector<std::vector<std::size_t>> steps_of_input_;
  std::vector<std::vector<std::string>> null_texts_;  // by input
  std::vector<Feature> features_;
};

}  // namespace penstock::sdk
