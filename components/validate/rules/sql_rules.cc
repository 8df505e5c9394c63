#include "components/validate/rules/sql_rules.h"

#include <arrow/api.h>

#include "components/query/sql.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/scratch_folder.h"
#include "components/validate/personal/mask.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

// DuckDB's messages tell the value that they could not cast.
Error Named(const Rule& rule, Error error) {
  error.message = personal::MaskedWords(error.message);
  return Wrap("rule '" + plan::Shown(rule.name, 120) + "'", std::move(error));
}

// One boolean.
Result<sdk::Cell> TheAnswer(const std::string& file) {
  PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(file));
  const auto& fields = reader->schema()->fields();
  if (fields.size() != 1 || reader->rows() != 1 || fields[0]->type()->id() != arrow::Type::BOOL) {
    return Invalid("gives " + std::to_string(reader->rows()) + " rows of " +
                   std::to_string(fields.size()) + " columns (" + fields[0]->type()->ToString() +
                   "); a condition is one boolean");
  }
  PENSTOCK_ASSIGN(const auto batch, reader->Next());
  PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(*batch, fields[0]->name()));
  return CellAt(column, 0);
}

// Builders of the table of statistics, by column.
class StatisticsTable {
 public:
  static std::shared_ptr<arrow::Schema> Schema() {
    arrow::FieldVector fields;
    for (const char* name : {"column", "type", "kind"})
      fields.push_back(arrow::field(name, arrow::utf8()));
    for (const char* name :
         {"rows", "nulls", "nan", "infinite", "distinct", "zeros", "negative", "empty"}) {
      fields.push_back(arrow::field(name, arrow::int64()));
    }
    for (const char* name : {"mean", "deviation", "min", "max", "median", "shortest", "longest"}) {
      fields.push_back(arrow::field(name, arrow::float64()));
    }
    return arrow::schema(std::move(fields));
  }

  Result<void> Add(const statistics::Column& c) {
    for (const std::string& text : {c.name, c.type, std::string(statistics::Name(c.kind))}) {
      PENSTOCK_TRY(sdk::FromArrow(texts_[text_++ % 3].Append(text), "statistics"));
    }
    const auto& n = c.numbers;
    for (const std::int64_t value :
         {c.rows, c.nulls, c.nan, c.positive_infinite + c.negative_infinite, c.distinct,
          n ? n->zeros : 0, n ? n->negative : 0, c.empty}) {
      PENSTOCK_TRY(sdk::FromArrow(integers_[integer_++ % 8].Append(value), "statistics"));
    }
    using Number = std::optional<double>;
    const Number median = n ? Number(n->quantiles[statistics::kPercentiles / 2]) : Number();
    for (const Number value : {n ? Number(n->mean) : Number(), n ? n->deviation : Number(),
                               n ? Number(n->min) : Number(), n ? Number(n->max) : Number(), median,
                               c.lengths ? Number(c.lengths->min) : Number(),
                               c.lengths ? Number(c.lengths->max) : Number()}) {
      auto& builder = numbers_[number_++ % 7];
      PENSTOCK_TRY(
          sdk::FromArrow(value ? builder.Append(*value) : builder.AppendNull(), "statistics"));
    }
    return {};
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Finish() {
    arrow::ArrayVector columns;
    const auto finish = [&columns](auto& builders) -> Result<void> {
      for (auto& builder : builders) {
        PENSTOCK_ASSIGN(columns.emplace_back(), sdk::FromArrow(builder.Finish(), "statistics"));
      }
      return {};
    };
    PENSTOCK_TRY(finish(texts_));
    PENSTOCK_TRY(finish(integers_));
    PENSTOCK_TRY(finish(numbers_));
    return arrow::RecordBatch::Make(Schema(), columns.front()->length(), columns);
  }

 private:
  std::array<arrow::StringBuilder, 3> texts_;
  std::array<arrow::Int64Builder, 8> integers_;
  std::array<arrow::DoubleBuilder, 7> numbers_;
  std::size_t text_ = 0;
  std::size_t integer_ = 0;
  std::size_t number_ = 0;
};

}  // namespace

Result<void> WriteStatisticsTable(const statistics::Statistics* statistics,
                                  const std::string& folder) {
  StatisticsTable table;
  for (std::size_t i = 0; statistics != nullptr && i < statistics->columns.size(); ++i) {
    PENSTOCK_TRY(table.Add(statistics->columns[i]));
  }
  PENSTOCK_ASSIGN(const auto batch, table.Finish());
  PENSTOCK_ASSIGN(const auto writer, sdk::DatasetWriter::Create(folder, StatisticsTable::Schema()));
  PENSTOCK_TRY(writer->Write(batch));
  return writer->Finish();
}

Result<Outcome> RunRowSql(const Rule& rule, const std::string& dataset,
                          const RuleContext& context) {
  PENSTOCK_ASSIGN(const auto scratch, sdk::ScratchFolder::Create(context.scratch));
  query::Datasets views = {{"dataset", dataset}};
  if (!context.allowed.empty()) views["allowed"] = context.allowed;
  // A line end, so that a comment at the user's end does not take the parenthesis.
  const std::string sql =
      "SELECT coalesce(CAST((" + rule.sql + "\n) AS BOOLEAN), true) AS holds FROM dataset";
  const auto file = query::RunSql(sql, views, scratch.path() + "/answer", kSqlLimit);
  if (!file) return Named(rule, file.error());
  Outcome outcome;
  std::int64_t row = 0;
  PENSTOCK_TRY(sdk::ForEachBatch(*file, {}, [&](const arrow::RecordBatch& batch) -> Result<void> {
    const auto& holds = static_cast<const arrow::BooleanArray&>(*batch.column(0));
    for (std::int64_t r = 0; r < holds.length(); ++r, ++row) {
      if (!holds.Value(r)) outcome.breaches.AddShown(row, "the condition is false");
    }
    return {};
  }));
  outcome.considered = row;
  if (row == context.rows) return outcome;
  return Named(rule, Invalid("gives " + std::to_string(row) + " rows for the dataset's " +
                             std::to_string(context.rows) + "; a condition is one value a row"));
}

Result<Outcome> RunStatisticsSql(const Rule& rule, const statistics::Statistics& data,
                                 const statistics::Statistics* previous,
                                 const RuleContext& context) {
  PENSTOCK_ASSIGN(const auto scratch, sdk::ScratchFolder::Create(context.scratch));
  const query::Datasets views = {{"statistics", scratch.path() + "/statistics"},
                                 {"previous", scratch.path() + "/previous"}};
  PENSTOCK_TRY(WriteStatisticsTable(&data, views.at("statistics")));
  PENSTOCK_TRY(WriteStatisticsTable(previous, views.at("previous")));
  const auto file = query::RunSql(rule.sql, views, scratch.path() + "/answer", kSqlLimit);
  if (!file) return Named(rule, file.error());
  const auto answer = TheAnswer(*file);
  if (!answer) return Named(rule, answer.error());
  Outcome outcome;
  const auto* holds = std::get_if<bool>(&*answer);
  if (holds == nullptr || !*holds) {
    outcome.failure = std::string("The condition is ") + (holds == nullptr ? "null" : "false") +
                      ": " + plan::Shown(rule.sql, 200) + ".";
  }
  return outcome;
}

}  // namespace penstock::validate
