#include "components/validate/contract/schema_check.h"

#include <arrow/api.h>

#include <algorithm>

#include "components/sdk/arrow_types.h"
#include "operator/base/nearest.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

bool Names(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Anomaly Missing(const sdk::SchemaColumn& column, const std::vector<std::string>& in_data) {
  return {.type = "SCHEMA_MISSING_COLUMN",
          .column = column.name,
          .description = "The schema has this column and the data does not" +
                         DidYouMean(column.name, in_data) + ".",
          .advice =
              "Find out who dropped or renamed it; else take it out of the schema, or say in "
              "which environments it is not there (notIn)."};
}

Anomaly New(const std::string& name, const std::string& type) {
  return {.type = "SCHEMA_NEW_COLUMN",
          .column = name,
          .description = "The data has this column (" + type + ") and the schema does not.",
          .advice =
              "Add it to the schema (the output proposal has it), or leave it out with query "
              "or ingest's columns."};
}

Anomaly Rows(const char* type, std::int64_t rows, std::int64_t bound, bool least) {
  const std::string name = least ? "minimum" : "maximum";
  return {
      .type = type,
      .measured = double(rows),
      .threshold = double(bound),
      .description = "There are " + std::to_string(rows) + " rows; the schema asks for " +
                     (least ? "at least " : "at most ") + std::to_string(bound) + ".",
      .advice = "Look whether the source is whole and read once; else change rows." + name + "."};
}

}  // namespace

bool IsIn(const sdk::SchemaColumn& column, const std::string& environment) {
  if (environment.empty()) return true;
  const auto& c = column.constraints;
  if (Names(c.not_in, environment)) return false;
  return c.environments.empty() || Names(c.environments, environment);
}

Result<SchemaCheck> SchemaCheck::Create(const sdk::Schema& schema, const arrow::Schema& stored,
                                        const std::string& environment) {
  if (!environment.empty() && !Names(schema.environments, environment)) {
    std::string known;
    for (const auto& name : schema.environments) known += (known.empty() ? "" : ", ") + name;
    return Invalid("environment '" + plan::Shown(environment, 80) + "' is none of the schema's (" +
                   (known.empty() ? "it has none" : known) + ")" +
                   DidYouMean(environment, schema.environments));
  }
  SchemaCheck check;
  check.row_constraints_ = schema.rows;
  std::vector<std::string> in_data;
  for (const auto& field : stored.fields()) in_data.push_back(field->name());
  for (const auto& column : schema.columns) {
    const auto field = stored.GetFieldByName(column.name);
    if (field != nullptr) {
      PENSTOCK_ASSIGN(
          auto one,
          ColumnCheck::Create(column, sdk::SchemaOf(*arrow::schema({field})).columns.front().type));
      check.columns_.push_back(std::move(one));
    } else if (IsIn(column, environment)) {
      check.missing_and_new_.push_back(Missing(column, in_data));
    }
  }
  for (const auto& column : sdk::SchemaOf(stored).columns) {
    if (schema.Find(column.name) != nullptr) continue;
    check.missing_and_new_.push_back(New(column.name, column.type));
  }
  return check;
}

Result<void> SchemaCheck::Look(const arrow::RecordBatch& batch, std::int64_t first_row) {
  for (auto& check : columns_) {
    const auto array = batch.GetColumnByName(check.column().name);
    if (array == nullptr) return Internal("column '" + check.column().name + "' was not read");
    PENSTOCK_TRY(check.Look(array, first_row));
  }
  return {};
}

std::vector<Anomaly> SchemaCheck::Anomalies(std::int64_t rows) const {
  std::vector<Anomaly> all;
  for (const auto& check : columns_) {
    auto of_column = check.Anomalies();
    std::move(of_column.begin(), of_column.end(), std::back_inserter(all));
  }
  all.insert(all.end(), missing_and_new_.begin(), missing_and_new_.end());
  const auto& count = row_constraints_.count;
  if (count.minimum && rows < *count.minimum) {
    all.push_back(Rows("DATASET_LOW_NUM_EXAMPLES", rows, *count.minimum, true));
  }
  if (count.maximum && rows > *count.maximum) {
    all.push_back(Rows("DATASET_HIGH_NUM_EXAMPLES", rows, *count.maximum, false));
  }
  return all;
}

bool SchemaCheck::IsBroken(std::int64_t row) const {
  return std::any_of(columns_.begin(), columns_.end(),
                     [row](const ColumnCheck& check) { return check.IsBroken(row); });
}

}  // namespace penstock::validate
