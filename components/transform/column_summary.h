// What a fit must know of one column: counts and values, gathered part by part; parts merge to the
// same whatever they are. Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "components/model_format/transform.h"
#include "components/sdk/cells.h"

namespace penstock::transform {

// What is to be gathered.
struct Needs {
  std::set<sdk::Source> sources;  // of numbers
  bool categories = false;
  std::set<std::pair<std::int64_t, std::int64_t>> terms;   // shortest, longest (kTfidf)
  std::set<std::pair<std::int64_t, std::int64_t>> tokens;  // the same (kTokens)
  std::set<std::string> separators;                        // of parts (kMultiHot)
};
// Of the steps on an input.
[[nodiscard]] Needs NeedsOf(const std::vector<sdk::TransformStep>& steps, std::size_t input);

class ColumnSummary {
 public:
  ColumnSummary(sdk::ColumnType type, Needs needs) : type_(type), needs_(std::move(needs)) {}

  // NaN and infinities count as nulls.
  void Add(const sdk::TypedColumn& column, std::span<const std::uint32_t> rows);
  // Of another part of the column; with the same type and needs.
  void Merge(ColumnSummary other);
  // Before what follows is asked.
  void Finish();

  [[nodiscard]] sdk::ColumnType type() const { return type_; }
  [[nodiscard]] std::int64_t nulls() const { return nulls_; }
  [[nodiscard]] std::int64_t values() const { return values_; }

  // Ascending; of a timestamp seconds, of an age seconds too (its origin is a constant to be
  // found).
  [[nodiscard]] const std::vector<double>& Numbers(sdk::Source source) const;
  // Categories, terms or parts with the rows that have them: the most frequent first, equals by
  // value.
  using Counted = std::pair<sdk::Category, std::int64_t>;
  [[nodiscard]] std::vector<Counted> ByCount() const;
  [[nodiscard]] std::vector<Counted> TermsByCount(std::int64_t shortest,
                                                  std::int64_t longest) const;
  [[nodiscard]] std::vector<Counted> TokensByCount(std::int64_t shortest,
                                                   std::int64_t longest) const;
  [[nodiscard]] std::vector<Counted> PartsByCount(const std::string& separator) const;
  [[nodiscard]] bool HasText(const std::string& text) const { return strings_.contains(text); }
  [[nodiscard]] std::size_t distinct() const { return strings_.size() + others_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Counts = std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>>;
  static void Count(Counts& counts, std::string_view text);
  static void MergeCounts(Counts& into, const Counts& from);
  static std::vector<Counted> Sorted(std::vector<Counted> counted);
  void AddValue(const sdk::Cell& cell);
  void AddText(std::string_view text);

  sdk::ColumnType type_;
  Needs needs_;
  std::int64_t nulls_ = 0;
  std::int64_t values_ = 0;
  std::map<sdk::Source, std::vector<double>> numbers_;
  Counts strings_;
  std::map<sdk::Category, std::int64_t> others_;
  using CountsByLength = std::map<std::pair<std::int64_t, std::int64_t>, Counts>;
  static std::vector<Counted> ByCount(const CountsByLength& all, std::int64_t shortest,
                                      std::int64_t longest);
  CountsByLength terms_;
  CountsByLength tokens_;
  std::map<std::string, Counts> parts_;
};

}  // namespace penstock::transform
