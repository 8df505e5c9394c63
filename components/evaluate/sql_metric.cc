#include "components/evaluate/sql_metric.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>

#include "components/query/sql.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/scratch_folder.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

constexpr const char* kPrediction = "prediction";
constexpr const char* kProbability = "probability";

std::shared_ptr<arrow::DataType> TypeOfPrediction(const sdk::ModelManifest& m) {
  if (m.task == sdk::ModelTask::kRegression) return arrow::float64();
  const auto all = [&m](bool (*is)(const Json&)) {
    return std::all_of(m.classes.begin(), m.classes.end(), is);
  };
  if (all([](const Json& c) { return c.is_boolean(); })) return arrow::boolean();
  if (all([](const Json& c) { return c.is_number_integer(); })) return arrow::int64();
  if (all([](const Json& c) { return c.is_number(); })) return arrow::float64();
  return arrow::utf8();  // whatever model.yaml mixes
}

// The answers to scored rows [first, first + count).
class Answers {
 public:
  explicit Answers(const Scored& scored) : scored_(scored) {}

  Result<arrow::ArrayVector> Columns(std::size_t first, std::size_t count) const {
    const auto& m = scored_.manifest;
    std::unique_ptr<arrow::ArrayBuilder> predictions;
    PENSTOCK_TRY(sdk::FromArrow(
        arrow::MakeBuilder(arrow::default_memory_pool(), TypeOfPrediction(m), &predictions),
        kPrediction));
    arrow::DoubleBuilder probabilities;
    const std::size_t width = m.RawWidth();
    for (std::size_t r = first; r < first + count; ++r) {
      const auto raw = std::span(scored_.raw).subspan(r * width, width);
      if (m.task == sdk::ModelTask::kRegression) {
        PENSTOCK_TRY(Append(*predictions, Json(double(raw[0]))));
        continue;
      }
      const std::size_t decided = sdk::DecidedClass(m, raw);
      PENSTOCK_TRY(Append(*predictions, m.classes[decided]));
      const double p = width > 1 ? double(raw[decided]) : double(raw[0]);
      PENSTOCK_TRY(sdk::FromArrow(probabilities.Append(p), kProbability));
    }
    arrow::ArrayVector columns;
    PENSTOCK_ASSIGN(columns.emplace_back(), sdk::FromArrow(predictions->Finish(), kPrediction));
    if (m.task == sdk::ModelTask::kRegression) return columns;
    PENSTOCK_ASSIGN(columns.emplace_back(), sdk::FromArrow(probabilities.Finish(), kProbability));
    return columns;
  }

 private:
  // `to` is of TypeOfPrediction.
  static Result<void> Append(arrow::ArrayBuilder& to, const Json& value) {
    arrow::Status status;
    switch (to.type()->id()) {
      case arrow::Type::BOOL:
        status = static_cast<arrow::BooleanBuilder&>(to).Append(value.get<bool>());
        break;
      case arrow::Type::INT64:
        status = static_cast<arrow::Int64Builder&>(to).Append(value.get<std::int64_t>());
        break;
      case arrow::Type::DOUBLE:
        status = static_cast<arrow::DoubleBuilder&>(to).Append(value.get<double>());
        break;
      default:
        status = static_cast<arrow::StringBuilder&>(to).Append(
            value.is_string() ? value.get<std::string>() : value.dump());
    }
    return sdk::FromArrow(status, kPrediction);
  }

  const Scored& scored_;
};

Result<std::shared_ptr<arrow::Schema>> SchemaOf(const Scored& scored, const arrow::Schema& read) {
  arrow::FieldVector fields = read.fields();
  fields.push_back(arrow::field(kPrediction, TypeOfPrediction(scored.manifest)));
  if (scored.manifest.task == sdk::ModelTask::kClassification) {
    fields.push_back(arrow::field(kProbability, arrow::float64()));
  }
  for (std::size_t i = std::size_t(read.num_fields()); i < fields.size(); ++i) {
    if (read.GetFieldByName(fields[i]->name()) == nullptr) continue;
    return Invalid("sqlMetrics: '" + fields[i]->name() +
                   "' is a column of the dataset, and of the answers; rename it with query");
  }
  return arrow::schema(fields);
}

// The dataset's scored rows with the answers to them.
Result<void> WriteAnswers(const Scored& scored, const std::string& dataset,
                          const std::string& folder) {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(dataset));
  PENSTOCK_ASSIGN(const auto schema, SchemaOf(scored, *reader->schema()));
  PENSTOCK_ASSIGN(const auto writer, sdk::DatasetWriter::Create(folder, schema));
  const Answers answers(scored);
  std::int64_t first = 0;
  std::size_t next = 0;  // of the scored rows
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) break;
    const std::int64_t end = first + batch->num_rows();
    while (next < scored.labels.size() && scored.RowOf(next) < end) {
      // A run of rows without a refused one.
      const std::size_t from = next;
      const std::int64_t row = scored.RowOf(from);
      while (next < scored.labels.size() && scored.RowOf(next) < end &&
             scored.RowOf(next) - row == std::int64_t(next - from)) {
        ++next;
      }
      const auto slice = batch->Slice(row - first, std::int64_t(next - from));
      arrow::ArrayVector columns = slice->columns();
      PENSTOCK_ASSIGN(const auto of, answers.Columns(from, next - from));
      columns.insert(columns.end(), of.begin(), of.end());
      PENSTOCK_TRY(
          writer->Write(arrow::RecordBatch::Make(schema, slice->num_rows(), std::move(columns))));
    }
    first = end;
  }
  return writer->Finish();
}

Result<sdk::Metric> ReadNumber(const std::string& file, std::int64_t rows) {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(file));
  const auto& fields = reader->schema()->fields();
  if (fields.size() != 1 || reader->rows() != 1) {
    return Invalid("gives " + std::to_string(reader->rows()) + " rows of " +
                   std::to_string(fields.size()) + " columns; a metric is one number");
  }
  PENSTOCK_ASSIGN(const auto batch, reader->Next());
  PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(*batch, fields.front()->name()));
  const sdk::Cell cell = CellAt(column, 0);
  sdk::Metric metric;
  metric.rows = rows;
  const auto* number = std::get_if<double>(&cell);
  const auto* integer = std::get_if<std::int64_t>(&cell);
  const bool time = column.type == sdk::ColumnType::kTimestamp;
  if (number != nullptr && std::isfinite(*number)) {
    metric.value = *number;
  } else if (integer != nullptr && !time) {
    metric.value = double(*integer);
  } else if (cell.index() == 0 || number != nullptr) {
    metric.why = "its SQL gives " + sdk::ShownCell(cell);
  } else {
    return Invalid("gives " + sdk::ShownCell(cell) + ", which is no number");
  }
  return metric;
}

}  // namespace

Result<sdk::Metrics> SqlMetrics(const Scored& scored, const std::string& dataset,
                                const std::map<std::string, std::string>& sql,
                                const std::string& scratch, std::chrono::seconds limit) {
  sdk::Metrics metrics;
  if (sql.empty()) return metrics;
  PENSTOCK_ASSIGN(const auto folder, sdk::ScratchFolder::Create(scratch));
  const std::string answers = folder.path() + "/answers";
  PENSTOCK_TRY(WriteAnswers(scored, dataset, answers));
  for (const auto& [name, text] : sql) {
    const std::string what = "sqlMetrics: '" + name + "'";
    auto file = query::RunSql(text, {{"answers", answers}}, folder.path() + "/metric", limit);
    if (!file) return Wrap(what, file.error());
    auto metric = ReadNumber(*file, std::int64_t(scored.labels.size()));
    if (!metric) return Wrap(what, metric.error());
    metrics[name] = *metric;
  }
  return metrics;
}

}  // namespace penstock::evaluate
