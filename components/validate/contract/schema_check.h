// A dataset held against a schema: its columns, the values in them, how many rows there are. Used
// by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <string>
#include <vector>

#include "components/sdk/schema.h"
#include "components/validate/contract/column_check.h"

namespace penstock::validate {

// Is the column expected where the data is used? With no environment named every column is.
[[nodiscard]] bool IsIn(const sdk::SchemaColumn& column, const std::string& environment);

class SchemaCheck {
 public:
  // `stored`: of the dataset's parts. `environment` may be empty. Invalid for an environment that
  // the schema does not have, or a pattern that is none.
  [[nodiscard]] static Result<SchemaCheck> Create(const sdk::Schema& schema,
                                                  const arrow::Schema& stored,
                                                  const std::string& environment);

  // A canonical batch that begins at `first_row`.
  [[nodiscard]] Result<void> Look(const arrow::RecordBatch& batch, std::int64_t first_row);

  // After the last batch: of columns in the schema's order, then new ones, then of the dataset.
  [[nodiscard]] std::vector<Anomaly> Anomalies(std::int64_t rows) const;
  // Whether a row breaks what is asked of each row by itself.
  [[nodiscard]] bool IsBroken(std::int64_t row) const;
  [[nodiscard]] const std::vector<ColumnCheck>& columns() const { return columns_; }

 private:
  sdk::RowConstraints row_constraints_;
  std::vector<ColumnCheck> columns_;  // that are in the data
  std::vector<Anomaly> missing_and_new_;
};

}  // namespace penstock::validate
