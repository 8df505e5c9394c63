// What is to be learnt, as numbers, of the rows of a table. Value type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/audit/facts/table.h"

namespace penstock::audit {

struct Target {
  std::string column;
  bool classification = false;
  std::vector<std::string> classes;  // rising numbers, false before true, texts by their bytes
  std::vector<double> values;        // of each row of the table: the class's number, or the value;
                                     // NaN where the label is null
  std::int64_t nulls = 0;

  [[nodiscard]] std::size_t width() const { return classes.size(); }
  [[nodiscard]] bool IsKnown(std::size_t r) const { return values[r] == values[r]; }
};

// `task`: classification, regression, or auto as train has it: regression for a float and for an
// integer of more than 20 values. Invalid for a column that is not there, a time, no two different
// labels, more than 1,000 classes, a regression on texts.
[[nodiscard]] Result<Target> TargetOf(const Table& table, const std::string& column,
                                      const std::string& task);

// Any column as what is to be told from others: classes where it is a text, a boolean or an integer
// of at most 20 values. Nothing where it has no two values, or more than 1,000 texts.
[[nodiscard]] std::optional<Target> AsTarget(const TableColumn& column);

}  // namespace penstock::audit
