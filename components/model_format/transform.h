// The transform: raw columns -> the float32 matrix that a model's back end takes. THE one library
// for training and serving, so that there is no skew: both paths end in the same function per
// value, and their results are equal bit for bit (transform_test.cc proves it).
//
//   TransformSpec   the fitted constants and how they were found; transform.json is its text
//   Transform       a view of a spec made ready to run: look-up tables, offsets. Immutable, so
//                   thread-safe.
//
//   serving   ApplyCells: a tensor per column (ApplyRow: one row)
//   training  sdk/matrix.h: Arrow columns
//
// A step makes features of one column (a cross: of two). A number goes through it so:
//
//   value -> source (itself, a part of a date, an age, a length) -> fill where null
//         -> clip to [low, high] -> log -> the operation
//
// Neither Arrow nor LibTorch is needed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "components/model_format/column.h"
#include "components/model_format/word_vectors.h"
#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::sdk {

// Which matrix a recipe makes of the same inputs; model.yaml names its model's.
enum class View : std::uint8_t {
  kDense,      // "dense": numbers only, nothing missing: linear models
  kTree,       // "tree": numbers and codes of categories, NaN kept: boosted trees
  kEmbedding,  // "embedding": numbers and ids, nothing missing: networks
};
[[nodiscard]] const char* Name(View view);
[[nodiscard]] std::optional<View> ParseView(std::string_view name);

// A set of views.
using Views = std::uint8_t;
[[nodiscard]] constexpr Views Only(View view) { return Views(1U << unsigned(view)); }
inline constexpr Views kAllViews = 7;

enum class TransformOp : std::uint8_t {
  // Of a number (bool as 0 and 1, timestamp as seconds). x is what the head of this file makes.
  kPassthrough,  // 1 feature: x
  kScale,        // 1 feature: (x - mean) / std, computed in double, rounded once to float
  // Of a category.
  kOneHot,      // categories + 1 features: 1 at the category's place, at the last for the unseen
  kVocabulary,  // 1 feature: the id of the category, or categories + hash % oov_buckets
  // Since format version 2. Of a number:
  kMinMax,    // 1 feature: (x - mean) / std, where mean is the least and std the range; in [0, 1]
  kMissing,   // 1 feature: 1 where the column is null, else 0
  kBends,     // a feature a knot: max(0, x - knot), to mean 0 and deviation 1: a line with bends
  kQuantile,  // 1 feature: the line through (numbers, values): to a normal distribution, by rank
  kCyclic,    // 2 features: sine and cosine of x / std turns; 0 and 0 where null
  kBuckets,   // the number of `numbers` that are <= x: an id, or an indicator each
  // Of texts and categories:
  kHash,          // the category's hash % oov_buckets: an id, or an indicator each
  kCross,         // the pair of categories of two columns: an id, or an indicator each
  kMultiHot,      // a feature a category: 1 where it is among the text's parts; the last: others
  kText,          // oov_buckets features: signed counts of hashed character n-grams, to length 1
  kTfidf,         // a feature a term (categories): count * idf, to length 1 (scikit-learn's)
  kTargetEncode,  // a feature a class (regression and two classes: one): the label's smoothed mean
  // Of texts:
  kTokens,       // `length` ids: 0 where the text has ended, 1 + place in categories, then buckets
  kWordVectors,  // a feature a dimension: the words' vectors pooled, to mean 0 and deviation 1
};
[[nodiscard]] const char* Name(TransformOp op);
[[nodiscard]] std::vector<std::string> TransformOpNames();

// What number is taken from a value.
enum class Source : std::uint8_t {
  kValue,
  kYear,
  kMonth,      // 0 to 11
  kDay,        // of the month, 0 to 30
  kDayOfWeek,  // 0 (Monday) to 6
  kDayOfYear,  // 0 to 365
  kHour,       // with its fraction
  kAge,        // days before the newest time of training
  kCharacters,
  kWords,
};
[[nodiscard]] const char* Name(Source source);
[[nodiscard]] std::optional<Source> ParseSource(std::string_view name);

// A category owns its value; its type is the column's.
using Category = std::variant<bool, std::int64_t, double, std::string>;

// What a null becomes in a step of categories, where it is no index of one.
inline constexpr std::int64_t kNullUnseen = -1;  // the place of the unseen (its first bucket)
inline constexpr std::int64_t kNullKept = -2;    // NaN; ids only
inline constexpr std::int64_t kNullOwn = -3;     // a place of its own, the last

// How the constants of a step are found again on other rows. Which fields count is said in
// components/transform/fit_step.h.
struct StepRecipe {
  std::string impute;     // median, mean, mostFrequent, unseen; "value": `fill` as it stands
  std::string fill_text;  // impute "value" of a category: its text
  double low = 0;         // clip: these quantiles of training; 0 and 1: no clip
  double high = 1;
  std::int64_t parts = 0;      // knots of kBends, points of kQuantile, buckets of kBuckets
  std::int64_t top = 0;        // at most so many categories or terms; 0: all
  std::int64_t min_count = 1;  // categories of fewer rows are unseen
  double smoothing = 0;        // kTargetEncode: rows' worth of the overall mean
  bool operator==(const StepRecipe&) const = default;
};

struct TransformStep {
  TransformOp op = TransformOp::kPassthrough;
  std::size_t input = 0;             // index into TransformSpec::inputs
  double fill = 0;                   // what a null number becomes (before clip, log, scale)
  double mean = 0;                   // kScale, kMinMax
  double std = 1;                    // kScale, kMinMax, kCyclic; > 0: a constant column has 1
  std::vector<Category> categories;  // kOneHot: sorted; kVocabulary: by count, then by value
  std::int64_t fill_category = kNullUnseen;  // an index into categories, or a kNull...
  std::int64_t oov_buckets = 1;              // kVocabulary, kHash, kText, kTokens
  // Since format version 2.
  bool keep_null = false;  // a null number stays NaN; `fill` does not count
  Views views = 0;         // which views have it; 0: a spec of version 1, one matrix
  Source source = Source::kValue;
  double origin = 0;  // kAge: the newest time of training, in seconds
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool log = false;                  // sign(x) * ln(1 + |x|)
  std::vector<double> numbers = {};  // knots, edges, points, idf; kTargetEncode: means
  // Of kQuantile; kBends, kTargetEncode, kWordVectors: mean and deviation of each feature.
  std::vector<double> values = {};
  std::size_t other = 0;                        // kCross: the second column, after `input`
  std::vector<Category> other_categories = {};  // kCross; `categories` are of `input`
  std::vector<std::int64_t> pairs = {};         // kCross: kept pairs, a * (others + 1) + b, sorted
  bool indicators = false;                      // kBuckets, kHash, kCross: indicators, else an id
  std::string separator = {};                   // kMultiHot
  std::int64_t shortest = 2;                    // kText, kTfidf, kTokens: code points of an n-gram
  std::int64_t longest = 4;                     // kTfidf, kTokens: 0: words
  std::int64_t length = 0;                      // kTokens
  bool keep_end = false;                        // kTokens: of a longer text its last ones
  Pooling pooling = Pooling::kMean;             // kWordVectors
  SharedVectors vectors = {};                   // kWordVectors; not there in a recipe without them
  StepRecipe recipe = {};
  bool operator==(const TransformStep&) const = default;
};

// A column that no feature is made of.
struct DroppedColumn {
  std::string column;
  std::string why;
  bool operator==(const DroppedColumn&) const = default;
};

struct TransformSpec {
  std::string label;           // the column that is not a feature; may be empty
  std::vector<Column> inputs;  // raw columns as clients send them, in order
  std::vector<TransformStep> steps;
  std::vector<DroppedColumn> dropped;

  // 1 (one matrix; steps without views) or 2. What its file says.
  [[nodiscard]] int version() const { return !steps.empty() && steps.front().views == 0 ? 1 : 2; }
  bool operator==(const TransformSpec&) const = default;
};

// transform.json. Parse refuses what Transform could not run (unknown op or format version, a step
// on a missing column, a zero std, a category of a wrong type) and names the place.
[[nodiscard]] Json ToJson(const TransformSpec& spec);
[[nodiscard]] Result<TransformSpec> ParseTransformSpec(const Json& json);
[[nodiscard]] Result<TransformSpec> LoadTransformSpec(const std::string& path);

// A column of the matrix.
struct Feature {
  std::string name;              // "distance", "carrier=UA", "carrier=?" (unseen), "dest"
  std::int64_t cardinality = 0;  // 0: a number; else an id in [0, cardinality), for an embedding
  bool bend = false;             // of kBends: beside the line of its column
  // Of kTokens: so many features from this one on hold the ids of one text, in one table, and 0
  // stands for none; -1 in those after the first.
  std::int64_t bag = 0;
};

class PreparedStep;  // prepared_step.h

class Transform {
 public:
  // Invalid for a spec that ParseTransformSpec would refuse, for a spec of version 2 without a
  // view, for one of version 1 with one, and for a view that has no step.
  [[nodiscard]] static Result<Transform> Make(TransformSpec spec,
                                              std::optional<View> view = std::nullopt);

  [[nodiscard]] const TransformSpec& spec() const { return *spec_; }
  [[nodiscard]] std::optional<View> view() const { return view_; }
  [[nodiscard]] const std::vector<Column>& inputs() const { return spec_->inputs; }
  [[nodiscard]] const std::vector<Feature>& features() const { return features_; }
  [[nodiscard]] std::size_t width() const { return features_.size(); }
  // Those features of a step (an index into spec().steps) that this view has: the first, and how
  // many; none where the view lacks it.
  struct Place {
    std::size_t first = 0;
    std::size_t count = 0;
  };
  [[nodiscard]] Place FeaturesOf(std::size_t step) const;
  // The texts that are null in an input, from whatever form or file they come: kNullTexts without
  // those that a step has as a category, whose file was read with other words for null.
  [[nodiscard]] const std::vector<std::string>& null_texts(std::size_t input) const {
    return null_texts_[input];
  }
  [[nodiscard]] bool IsNullText(std::size_t input, std::string_view value) const;

  // One row: cells in the order of inputs(), `out` has width() floats and is overwritten.
  // Invalid (a client's fault) names the column. No feature is infinite: what is beyond float32 is
  // its largest number.
  [[nodiscard]] Result<void> ApplyRow(std::span<const Cell> row, float* out) const;

  // One input column of many rows, into a row-major matrix of cells.size() rows of width() floats
  // that starts at `matrix`. Writes only that column's features; after all inputs() in their order
  // the matrix is complete. Invalid names the column and the row.
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
  Transform() = default;
  std::shared_ptr<const TransformSpec> spec_;
  std::optional<View> view_;
  std::shared_ptr<const std::vector<PreparedStep>> prepared_;
  std::vector<std::vector<std::size_t>> steps_of_input_;  // into prepared_
  std::vector<Place> places_;                             // by step of the spec
  std::vector<std::vector<std::string>> null_texts_;      // by input
  std::vector<Feature> features_;
};

}  // namespace penstock::sdk
