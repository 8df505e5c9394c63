#include "components/transform/column_summary.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "components/model_format/prepared_step.h"
#include "components/model_format/text_terms.h"

namespace penstock::transform {

using sdk::Category;
using sdk::Cell;
using sdk::ColumnType;
using sdk::Source;
using sdk::TransformOp;

Needs NeedsOf(const std::vector<sdk::TransformStep>& steps, std::size_t input) {
  Needs needs;
  for (const auto& step : steps) {
    if (step.op == TransformOp::kCross && step.other == input) needs.categories = true;
    if (step.input != input) continue;
    if (sdk::IsNumberOp(step.op)) needs.sources.insert(step.source);
    if (sdk::IsCategoryOp(step.op)) needs.categories = true;
    if (step.op == TransformOp::kTfidf) needs.terms.emplace(step.shortest, step.longest);
    if (step.op == TransformOp::kTokens) needs.tokens.emplace(step.shortest, step.longest);
    if (step.op == TransformOp::kMultiHot) needs.separators.insert(step.separator);
  }
  return needs;
}

void ColumnSummary::Count(Counts& counts, std::string_view text) {
  const auto found = counts.find(text);
  if (found != counts.end()) {
    ++found->second;
  } else {
    counts.emplace(text, 1);
  }
}

void ColumnSummary::AddText(std::string_view text) {
  if (needs_.categories) Count(strings_, text);
  std::unordered_set<std::string> seen;  // a term counts once a row
  const auto once = [&](Counts& counts) {
    return [&](std::string_view term) {
      if (seen.emplace(term).second) Count(counts, term);
    };
  };
  for (const auto& [shortest, longest] : needs_.terms) {
    seen.clear();
    sdk::ForEachTerm(text, shortest, longest, once(terms_[{shortest, longest}]));
  }
  for (const auto& [shortest, longest] : needs_.tokens) {
    seen.clear();
    sdk::ForEachToken(text, shortest, longest, once(tokens_[{shortest, longest}]));
  }
  for (const auto& separator : needs_.separators) {
    seen.clear();
    sdk::ForEachPart(text, separator, once(parts_[separator]));
  }
}

void ColumnSummary::AddValue(const Cell& cell) {
  sdk::TransformStep step;
  for (const Source source : needs_.sources) {
    step.source = source == Source::kAge ? Source::kValue : source;
    auto& numbers = numbers_[source];
    if (const auto* text = std::get_if<std::string_view>(&cell)) {
      numbers.push_back(SourceNumber(step, *text));
    } else if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
      numbers.push_back(SourceNumber(step, type_, *integer));
    } else if (const auto* flag = std::get_if<bool>(&cell)) {
      numbers.push_back(*flag ? 1 : 0);
    } else {
      numbers.push_back(std::get<double>(cell) + 0.0);  // both zeros are one
    }
  }
  if (const auto* text = std::get_if<std::string_view>(&cell)) return AddText(*text);
  if (!needs_.categories) return;
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) ++others_[*integer];
  if (const auto* flag = std::get_if<bool>(&cell)) ++others_[*flag];
  if (const auto* number = std::get_if<double>(&cell)) ++others_[*number == 0 ? 0.0 : *number];
}

void ColumnSummary::Add(const sdk::TypedColumn& column, std::span<const std::uint32_t> rows) {
  for (const std::uint32_t r : rows) {
    const Cell cell = CellAt(column, r);
    const auto* number = std::get_if<double>(&cell);
    if (cell.index() == 0 || (number != nullptr && !std::isfinite(*number))) {
      ++nulls_;
      continue;
    }
    ++values_;
    AddValue(cell);
  }
}

void ColumnSummary::MergeCounts(Counts& into, const Counts& from) {
  for (const auto& [text, count] : from) into[text] += count;
}

void ColumnSummary::Merge(ColumnSummary other) {
  nulls_ += other.nulls_;
  values_ += other.values_;
  for (auto& [source, numbers] : other.numbers_) {
    auto& own = numbers_[source];
    own.insert(own.end(), numbers.begin(), numbers.end());
  }
  MergeCounts(strings_, other.strings_);
  for (const auto& [category, count] : other.others_) others_[category] += count;
  for (const auto& [key, counts] : other.terms_) MergeCounts(terms_[key], counts);
  for (const auto& [key, counts] : other.tokens_) MergeCounts(tokens_[key], counts);
  for (const auto& [key, counts] : other.parts_) MergeCounts(parts_[key], counts);
}

void ColumnSummary::Finish() {
  for (auto& [source, numbers] : numbers_) std::sort(numbers.begin(), numbers.end());
}

const std::vector<double>& ColumnSummary::Numbers(Source source) const {
  static const std::vector<double> kNone;
  const auto found = numbers_.find(source);
  return found == numbers_.end() ? kNone : found->second;
}

std::vector<ColumnSummary::Counted> ColumnSummary::Sorted(std::vector<Counted> counted) {
  std::sort(counted.begin(), counted.end(), [](const Counted& a, const Counted& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return counted;
}

std::vector<ColumnSummary::Counted> ColumnSummary::ByCount() const {
  std::vector<Counted> counted(others_.begin(), others_.end());
  for (const auto& [text, count] : strings_) counted.emplace_back(Category(text), count);
  return Sorted(std::move(counted));
}

std::vector<ColumnSummary::Counted> ColumnSummary::ByCount(const CountsByLength& all,
                                                           std::int64_t shortest,
                                                           std::int64_t longest) {
  std::vector<Counted> counted;
  if (const auto found = all.find({shortest, longest}); found != all.end()) {
    for (const auto& [text, count] : found->second) counted.emplace_back(Category(text), count);
  }
  return Sorted(std::move(counted));
}

std::vector<ColumnSummary::Counted> ColumnSummary::TermsByCount(std::int64_t shortest,
                                                                std::int64_t longest) const {
  return ByCount(terms_, shortest, longest);
}

std::vector<ColumnSummary::Counted> ColumnSummary::TokensByCount(std::int64_t shortest,
                                                                 std::int64_t longest) const {
  return ByCount(tokens_, shortest, longest);
}

std::vector<ColumnSummary::Counted> ColumnSummary::PartsByCount(
    const std::string& separator) const {
  std::vector<Counted> counted;
  if (const auto found = parts_.find(separator); found != parts_.end()) {
    for (const auto& [text, count] : found->second) counted.emplace_back(Category(text), count);
  }
  return Sorted(std::move(counted));
}

}  // namespace penstock::transform
