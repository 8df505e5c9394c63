#include "components/audit/facts/target.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

constexpr std::uint32_t kMostClasses = 1000;
constexpr std::uint32_t kMostClassesOfAuto = 20;

std::string ClassText(const TableColumn& column, double value) {
  if (column.type == sdk::ColumnType::kBool) return value != 0 ? "true" : "false";
  if (value == std::trunc(value) && std::abs(value) < 0x1p53) {
    return std::to_string(std::int64_t(value));
  }
  return Json(value).dump();
}

// Numbers as the numbers of their classes.
void CodeNumbers(const TableColumn& column, Target* target) {
  std::vector<double> values;
  for (const double x : column.numbers) {
    if (x == x) values.push_back(x);
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  for (const double x : values) target->classes.push_back(ClassText(column, x));
  target->values.resize(column.numbers.size(), kNull);
  for (std::size_t r = 0; r < column.numbers.size(); ++r) {
    const double x = column.numbers[r];
    if (x == x) {
      target->values[r] =
          double(std::lower_bound(values.begin(), values.end(), x) - values.begin());
    }
  }
}

void CodeTexts(const TableColumn& column, Target* target) {
  std::vector<std::uint32_t> order(column.values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return column.values[a] < column.values[b]; });
  std::vector<double> number(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    number[order[i]] = double(i);
    target->classes.push_back(column.values[order[i]]);
  }
  for (const std::uint32_t code : column.codes) {
    target->values.push_back(code == kNoCode ? kNull : number[code]);
  }
}

Target CodedTarget(const TableColumn& column, bool classification) {
  Target target;
  target.column = column.name;
  target.classification = classification;
  if (!classification) {
    target.values = column.numbers;
  } else if (column.text()) {
    CodeTexts(column, &target);
  } else {
    CodeNumbers(column, &target);
  }
  for (const double y : target.values) target.nulls += y != y ? 1 : 0;
  return target;
}

bool HasClassesOfItself(const TableColumn& column) {
  return column.text() || column.type == sdk::ColumnType::kBool ||
         (column.type == sdk::ColumnType::kInt64 && column.distinct <= kMostClassesOfAuto);
}

}  // namespace

Result<Target> TargetOf(const Table& table, const std::string& name, const std::string& task) {
  const TableColumn* column = table.Find(name);
  if (column == nullptr) return Invalid("label: there is no column " + name + " in the dataset");
  const std::string what = "label '" + name + "' ";
  if (column->type == sdk::ColumnType::kTimestamp) return Invalid(what + "is a time");
  if (column->distinct < 2) {
    return Invalid(what + "is the same in every row: there is nothing to learn");
  }
  const bool classes = task == "auto" ? HasClassesOfItself(*column) : task == "classification";
  if (!classes && column->text()) return Invalid(what + "is a text; a regression needs a number");
  if (classes && column->distinct > kMostClasses) {
    return Invalid(what + "has more than 1,000 classes; set task: regression, or audit another");
  }
  return CodedTarget(*column, classes);
}

std::optional<Target> AsTarget(const TableColumn& column) {
  if (column.distinct < 2 || column.type == sdk::ColumnType::kTimestamp) return std::nullopt;
  const bool classes = HasClassesOfItself(column);
  if (classes && column.distinct > kMostClasses) return std::nullopt;
  return CodedTarget(column, classes);
}

}  // namespace penstock::audit
