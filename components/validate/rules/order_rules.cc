// Rules that compare values: of the columns of a row, of a row and the one before, of the newest
// and the clock.
#include <arrow/api.h>

#include <cmath>

#include "components/sdk/arrow_types.h"
#include "components/sdk/cells.h"
#include "components/validate/rules/kinds.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

using sdk::ColumnType;

bool HasValue(const sdk::Cell& cell) {
  const auto* number = std::get_if<double>(&cell);
  return cell.index() != 0 && !(number != nullptr && std::isnan(*number));
}

// Of cells with a value and of one kind: numbers, times or texts. 2^53 and above are compared as
// integers where both are.
int Order(const sdk::Cell& a, const sdk::Cell& b) {
  const auto order = [](auto x, auto y) { return x < y ? -1 : int(x > y); };
  const auto* text = std::get_if<std::string_view>(&a);
  if (text != nullptr) return order(*text, std::get<std::string_view>(b));
  const auto* whole_a = std::get_if<std::int64_t>(&a);
  const auto* whole_b = std::get_if<std::int64_t>(&b);
  if (whole_a != nullptr && whole_b != nullptr) return order(*whole_a, *whole_b);
  const auto number = [](const sdk::Cell& cell) {
    const auto* whole = std::get_if<std::int64_t>(&cell);
    return whole != nullptr ? double(*whole) : std::get<double>(cell);
  };
  return order(number(a), number(b));
}

std::string ShownOf(const sdk::TypedColumn& column, const sdk::Cell& cell) {
  if (column.type != ColumnType::kTimestamp) return sdk::ShownCell(cell);
  const auto micros = std::get<std::int64_t>(cell);
  return sdk::TimeText(micros).value_or(std::to_string(micros) + " us");
}

class OrderRule : public RowRule {
 public:
  explicit OrderRule(const Rule& rule) : columns_(rule.columns), strictly_(rule.strictly) {}

  Result<void> Look(const arrow::RecordBatch& batch, std::int64_t first_row) override {
    std::vector<sdk::TypedColumn> columns;
    for (const auto& name : columns_) {
      PENSTOCK_ASSIGN(columns.emplace_back(), sdk::FindColumn(batch, name));
    }
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) LookAtRow(columns, r, first_row + r);
    return {};
  }

 private:
  // Those with a value are compared with the next that has one.
  void LookAtRow(const std::vector<sdk::TypedColumn>& columns, std::int64_t r, std::int64_t row) {
    const sdk::TypedColumn* last = nullptr;
    bool considered = false;
    for (const auto& column : columns) {
      const auto cell = CellAt(column, r);
      if (!HasValue(cell)) continue;
      if (last != nullptr) {
        considered = true;
        const auto before = CellAt(*last, r);
        const int order = Order(before, cell);
        if (order > 0 || (strictly_ && order == 0)) {
          outcome_.breaches.AddShown(row,
                                     ShownOf(*last, before) + ", then " + ShownOf(column, cell));
        }
      }
      last = &column;
    }
    outcome_.considered += considered;
  }

  std::vector<std::string> columns_;
  bool strictly_;
};

class IncreasingRule : public RowRule {
 public:
  explicit IncreasingRule(const Rule& rule)
      : column_(rule.columns.front()), strictly_(rule.strictly) {}

  Result<void> Look(const arrow::RecordBatch& batch, std::int64_t first_row) override {
    PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, column_));
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
      const auto cell = CellAt(column, r);
      if (!HasValue(cell)) continue;
      ++outcome_.considered;
      const int order = last_.index() == 0 ? -1 : Order(last_, cell);
      if (order > 0 || (strictly_ && order == 0)) {
        outcome_.breaches.AddShown(first_row + r,
                                   ShownOf(column, cell) + ", after " + ShownOf(column, last_));
      }
      Keep(cell);
    }
    return {};
  }

 private:
  // A text outlives its batch.
  void Keep(const sdk::Cell& cell) {
    last_ = cell;
    if (const auto* text = std::get_if<std::string_view>(&cell)) {
      text_ = *text;
      last_ = std::string_view(text_);
    }
  }
  std::string column_;
  bool strictly_;
  std::string text_;
  sdk::Cell last_;
};

class FreshRule : public RowRule {
 public:
  FreshRule(const Rule& rule, std::int64_t now)
      : column_(rule.columns.front()), within_(rule.within), now_(now) {}

  Result<void> Look(const arrow::RecordBatch& batch, std::int64_t /*first_row*/) override {
    PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, column_));
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
      const auto cell = CellAt(column, r);
      const auto* time = std::get_if<std::int64_t>(&cell);
      if (time != nullptr && (!newest_ || *time > *newest_)) newest_ = *time;
    }
    return {};
  }

  Result<void> Finish() override {
    const auto text = [](std::int64_t micros) {
      return sdk::TimeText(micros).value_or(std::to_string(micros) + " us");
    };
    if (!newest_) {
      outcome_.failure = "No row has a time.";
    } else if (*newest_ < now_ - within_) {
      outcome_.failure = "The newest is " + text(*newest_) + ", and it should not be before " +
                         text(now_ - within_) + ".";
    }
    return {};
  }

 private:
  std::string column_;
  std::int64_t within_;
  std::int64_t now_;
  std::optional<std::int64_t> newest_;
};

// What Order compares with each other.
int FamilyOf(ColumnType type) {
  if (type == ColumnType::kFloat64) return int(ColumnType::kInt64);
  return int(type);
}

}  // namespace

Result<std::unique_ptr<RowRule>> MakeOrderRule(const Rule& rule, const arrow::Schema& canonical,
                                               const RuleContext& context) {
  std::optional<int> family;
  for (const auto& name : rule.columns) {
    const auto data_type = canonical.GetFieldByName(name)->type();
    const auto type = sdk::ColumnTypeOf(*data_type);
    if (!type || *type == ColumnType::kBool) {
      return Invalid(std::string(Name(rule.check)) + " is for numbers, times and texts; '" + name +
                     "' is " + (type ? Name(*type) : sdk::TypeText(*data_type)));
    }
    if (family && *family != FamilyOf(*type)) {
      return Invalid("'" + rule.columns.front() + "' and '" + name +
                     "' cannot be compared: they are of different types");
    }
    family = FamilyOf(*type);
  }
  if (rule.check == Check::kOrder) return std::unique_ptr<RowRule>(new OrderRule(rule));
  if (rule.check == Check::kIncreasing) return std::unique_ptr<RowRule>(new IncreasingRule(rule));
  if (*family != int(ColumnType::kTimestamp)) {
    return Invalid("fresh is for times; '" + rule.columns.front() + "' is none");
  }
  if (!context.now) {
    return Invalid("fresh needs the parameter now, such as $(run.scheduledTime)");
  }
  return std::unique_ptr<RowRule>(new FreshRule(rule, *context.now));
}

}  // namespace penstock::validate
