// Rules about one value of a row.
#include <arrow/api.h>

#include <cmath>
#include <unordered_set>

#include "components/sdk/arrow_types.h"
#include "components/sdk/cells.h"
#include "components/validate/findings/pattern.h"
#include "components/validate/rules/kinds.h"
#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

constexpr std::size_t kMostAllowed = 5'000'000;

class NotNullRule : public RowRule {
 public:
  explicit NotNullRule(std::string column) : column_(std::move(column)) {}

  Result<void> Look(const arrow::RecordBatch& batch, std::int64_t first_row) override {
    const auto array = batch.GetColumnByName(column_);
    const bool numbers = array->type_id() == arrow::Type::DOUBLE;
    outcome_.considered += array->length();
    for (std::int64_t r = 0; r < array->length(); ++r) {
      const bool nan = numbers && !array->IsNull(r) &&
                       std::isnan(static_cast<const arrow::DoubleArray&>(*array).Value(r));
      if (nan || array->IsNull(r)) outcome_.breaches.AddShown(first_row + r, nan ? "nan" : "null");
    }
    return {};
  }

 private:
  std::string column_;
};

// Rules that a cell with a value keeps or breaks by itself. NaN is no value.
class CellRule : public RowRule {
 public:
  explicit CellRule(std::string column) : column_(std::move(column)) {}

  Result<void> Look(const arrow::RecordBatch& batch, std::int64_t first_row) override {
    PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, column_));
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
      const auto cell = CellAt(column, r);
      const auto* number = std::get_if<double>(&cell);
      if (cell.index() == 0 || (number != nullptr && std::isnan(*number))) continue;
      ++outcome_.considered;
      if (Holds(cell)) continue;
      if (column.type != sdk::ColumnType::kTimestamp) {
        outcome_.breaches.Add(first_row + r, cell);
      } else {
        const auto micros = std::get<std::int64_t>(cell);
        outcome_.breaches.AddShown(first_row + r,
                                   sdk::TimeText(micros).value_or(std::to_string(micros) + " us"));
      }
    }
    return {};
  }

 private:
  [[nodiscard]] virtual bool Holds(const sdk::Cell& cell) const = 0;
  std::string column_;
};

class MatchesRule : public CellRule {
 public:
  MatchesRule(std::string column, std::unique_ptr<Pattern> pattern)
      : CellRule(std::move(column)), pattern_(std::move(pattern)) {}

 private:
  bool Holds(const sdk::Cell& cell) const override {
    return pattern_->Matches(std::get<std::string_view>(cell));
  }
  std::unique_ptr<Pattern> pattern_;
};

// Integers are compared as integers where the bound is one.
class RangeRule : public CellRule {
 public:
  RangeRule(std::string column, Json minimum, Json maximum)
      : CellRule(std::move(column)), minimum_(std::move(minimum)), maximum_(std::move(maximum)) {}

 private:
  // value < bound: -1, equal: 0, above: 1.
  static int Order(const sdk::Cell& cell, const Json& bound) {
    const auto order = [](auto a, auto b) { return a < b ? -1 : int(a > b); };
    const auto* whole = std::get_if<std::int64_t>(&cell);
    if (whole != nullptr && IsInt64(bound)) return order(*whole, bound.get<std::int64_t>());
    return order(whole != nullptr ? double(*whole) : std::get<double>(cell), bound.get<double>());
  }
  bool Holds(const sdk::Cell& cell) const override {
    return (minimum_.is_null() || Order(cell, minimum_) >= 0) &&
           (maximum_.is_null() || Order(cell, maximum_) <= 0);
  }
  Json minimum_;
  Json maximum_;
};

class AllowedRule : public CellRule {
 public:
  using Values = std::unordered_set<std::string>;
  AllowedRule(std::string column, Values values)
      : CellRule(std::move(column)), values_(std::move(values)) {}

 private:
  bool Holds(const sdk::Cell& cell) const override {
    return values_.contains(sdk::CellToText(cell));
  }
  Values values_;
};

Result<AllowedRule::Values> ValuesOf(const Rule& rule, sdk::ColumnType type) {
  AllowedRule::Values values;
  for (const auto& value : rule.values) {
    if (value.is_string() == (type == sdk::ColumnType::kString) &&
        type != sdk::ColumnType::kTimestamp) {
      // 1 and 1.0 are one number.
      const bool real = type == sdk::ColumnType::kFloat64 && value.is_number();
      const Json as = real ? Json(value.get<double>()) : value;
      values.insert(value.is_string() ? value.get<std::string>() : as.dump());
      continue;
    }
    return Invalid("values: " + plan::Shown(value.dump(), 80) + " is no " + Name(type));
  }
  return values;
}

// The values of a column of the input `allowed`.
Result<AllowedRule::Values> ReadAllowed(const std::string& dataset, const std::string& column,
                                        sdk::ColumnType type) {
  if (dataset.empty()) return Invalid("from: the step has no input 'allowed'");
  AllowedRule::Values values;
  PENSTOCK_TRY(
      sdk::ForEachBatch(dataset, {column}, [&](const arrow::RecordBatch& batch) -> Result<void> {
        PENSTOCK_ASSIGN(const auto found, sdk::FindColumn(batch, column));
        if (found.type != type) {
          return Invalid("from: column '" + plan::Shown(column, 120) +
                         "' of the input allowed is " + Name(found.type) + ", not " + Name(type));
        }
        for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
          const auto cell = CellAt(found, r);
          if (cell.index() != 0) values.insert(sdk::CellToText(cell));
        }
        if (values.size() <= kMostAllowed) return {};
        return Invalid("from: more than " + std::to_string(kMostAllowed) +
                       " different values; use a rule of check: sql with a join");
      }));
  return values;
}

Result<std::unique_ptr<RowRule>> MakeRange(const Rule& rule, sdk::ColumnType type) {
  const bool times = type == sdk::ColumnType::kTimestamp;
  if (!times && type != sdk::ColumnType::kInt64 && type != sdk::ColumnType::kFloat64) {
    return Invalid("range is for numbers and times, and the column is " + std::string(Name(type)));
  }
  Json minimum = rule.minimum;
  Json maximum = rule.maximum;
  for (Json* bound : {&minimum, &maximum}) {
    if (bound->is_null()) continue;
    if (bound->is_string() != times) {
      return Invalid(std::string("the column is ") + Name(type) + " and the bound " +
                     bound->dump());
    }
    if (times) *bound = *sdk::ParseTimestamp(bound->get<std::string>());
  }
  return std::unique_ptr<RowRule>(
      new RangeRule(rule.columns.front(), std::move(minimum), std::move(maximum)));
}

}  // namespace

Result<std::unique_ptr<RowRule>> MakeValueRule(const Rule& rule, const arrow::Schema& canonical,
                                               const RuleContext& context) {
  const std::string& column = rule.columns.front();
  if (rule.check == Check::kNotNull) return std::unique_ptr<RowRule>(new NotNullRule(column));
  const auto data_type = canonical.GetFieldByName(column)->type();
  const auto type = sdk::ColumnTypeOf(*data_type);
  if (!type) {
    return Invalid(std::string(Name(rule.check)) + " is not for " + sdk::TypeText(*data_type));
  }
  if (rule.check == Check::kRange) return MakeRange(rule, *type);
  if (rule.check == Check::kMatches) {
    if (*type != sdk::ColumnType::kString) {
      return Invalid(std::string("matches is for text, and the column is ") + Name(*type));
    }
    PENSTOCK_ASSIGN(auto pattern, Pattern::Compile(rule.pattern));
    return std::unique_ptr<RowRule>(new MatchesRule(column, std::move(pattern)));
  }
  auto values =
      rule.from.empty() ? ValuesOf(rule, *type) : ReadAllowed(context.allowed, rule.from, *type);
  if (!values) return values.error();
  return std::unique_ptr<RowRule>(new AllowedRule(column, std::move(*values)));
}

}  // namespace penstock::validate
