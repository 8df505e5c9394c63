#include "components/ingest/csv/reader.h"

#include <arrow/api.h>

#include <algorithm>

#include "components/ingest/csv/heads.h"
#include "components/ingest/csv/pass.h"
#include "components/sdk/arrow_result.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

// The types are right after the second reading; a third refuses what only all values refuse.
constexpr int kMostPasses = 5;
constexpr std::size_t kMostNotes = 10;  // of lines within quotes

class CsvReading {
 public:
  CsvReading(const std::vector<CsvFile>& files, const CsvOptions& options,
             const OnSchema& on_schema, const OnFile& on_file, const OnBatch& on_batch,
             const OnBadRow& on_bad_row)
      : files_(files),
        options_(options),
        on_schema_(on_schema),
        on_file_(on_file),
        on_batch_(on_batch),
        on_bad_row_(on_bad_row),
        heads_(files, options) {}

  Result<CsvReport> Run() {
    PENSTOCK_TRY(ReadHeads());
    for (int passes = 0; passes < kMostPasses; ++passes) {
      PENSTOCK_TRY(on_schema_(Schema()));
      BeginPass();
      for (std::size_t i = 0; i < files_.size(); ++i) PENSTOCK_TRY(ReadFile(i));
      if (heads_are_old_) {
        PENSTOCK_TRY(ReadHeads());
        continue;
      }
      // What the first records showed was seen again, or they held bad rows.
      for (std::size_t c = 0; c < columns_.size(); ++c) columns_[c].seen = seen_[c];
      PENSTOCK_TRY(CheckMarks());
      const bool refuses =
          !all_seen_ && std::any_of(columns_.begin(), columns_.end(),
                                    [&](const auto& c) { return Contradicts(c, decimal_); });
      if (!Decide() && !refuses) return Report();
      all_seen_ = true;
    }
    return Internal("CSV: the columns' types do not settle; set the parameter types");
  }

 private:
  Result<void> ReadHeads() {
    PENSTOCK_TRY(heads_.Read());
    columns_ = heads_.columns();
    all_seen_ = false;
    heads_are_old_ = false;
    Decide();
    return {};
  }

  // Sets the types by what was seen. Did that change anything?
  bool Decide() {
    std::vector<Seen> seen;
    for (const auto& column : columns_) seen.push_back(column.seen);
    const char decimal = SeeDecimal(seen, heads_.rules());
    bool changed = decimal != decimal_;
    decimal_ = decimal;
    for (auto& column : columns_) {
      const CsvType type = TypeOf(column, decimal);
      changed = changed || type != column.type;
      column.type = type;
    }
    return changed;
  }

  [[nodiscard]] std::shared_ptr<arrow::Schema> Schema() const {
    arrow::FieldVector fields;
    for (const auto& column : columns_)
      fields.push_back(arrow::field(column.name, ArrowType(column.type)));
    return arrow::schema(std::move(fields));
  }

  void BeginPass() {
    schema_ = Schema();
    seen_.assign(columns_.size(), 0);
    marks_.assign(columns_.size(), {});
    stale_ = false;
    bad_rows_ = 0;
    notes_.clear();
  }

  Result<void> ReadFile(std::size_t file) {
    on_file_(file);
    const CsvPlan plan = heads_.PlanOf(file, columns_, decimal_, all_seen_);
    const auto take = [&](const auto& batch) { return TakeBatch(batch, plan); };
    const auto end = RunPass(files_[file].open, options_, plan, take, on_bad_row_);
    if (!end) return files_.size() > 1 ? Wrap(files_[file].name, end.error()) : end.error();
    if (end->escape_is_backslash) {
      heads_.SetBackslash(file);
      heads_are_old_ = true;
      return {};
    }
    bad_rows_ += end->bad_rows;
    if (!end->note.empty() && notes_.size() < kMostNotes)
      notes_.push_back((files_.size() > 1 ? plan::Shown(files_[file].name, 200) + ", " : "") +
                       end->note);
    std::size_t c = 0;
    for (std::size_t p = 0; p < plan.columns.size(); ++p, ++c) {
      while (columns_[c].name != plan.columns[p].name) ++c;
      TakeSeen(file, c, end->seen[p]);
    }
    return {};
  }

  void TakeSeen(std::size_t file, std::size_t c, Seen seen) {
    seen_[c] |= seen;
    CsvColumn so_far = columns_[c];
    so_far.seen |= seen_[c];
    if (TypeOf(so_far, decimal_) != so_far.type) stale_ = true;
    const auto is_number = [&](char mark, Seen kind) {
      return (seen & kind) != 0 && TypeOf(seen, mark) == CsvType::kFloat64;
    };
    if (is_number(',', kSeenComma) && !marks_[c].comma) marks_[c].comma = file;
    if (is_number('.', kSeenPoint) && !marks_[c].point) marks_[c].point = file;
  }

  // With all columns, in their order.
  Result<void> TakeBatch(const std::shared_ptr<arrow::RecordBatch>& batch, const CsvPlan& plan) {
    if (stale_ || heads_are_old_) return {};
    if (plan.columns.size() == columns_.size()) return on_batch_(batch);
    arrow::ArrayVector arrays;
    int next = 0;
    for (const auto& field : schema_->fields()) {
      if (next < batch->num_columns() && batch->column_name(next) == field->name()) {
        arrays.push_back(batch->column(next++));
        continue;
      }
      PENSTOCK_ASSIGN(
          auto nulls,
          sdk::FromArrow(arrow::MakeArrayOfNull(field->type(), batch->num_rows()), "CSV"));
      arrays.push_back(std::move(nulls));
    }
    return on_batch_(arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(arrays)));
  }

  // A column whose numbers have a comma in one file and a point in another would be text.
  Result<void> CheckMarks() const {
    const ValueRules rules = heads_.rules();
    if (!rules.comma || !rules.point) return {};
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].told || !marks_[c].comma || !marks_[c].point) continue;
      return Invalid(
          "column '" + plan::Shown(columns_[c].name, 120) + "': " + files_[*marks_[c].comma].name +
          " writes its numbers with a comma (1,5), and " + files_[*marks_[c].point].name +
          " with a point (1.5): write them alike; or " + "types: {" +
          plan::Shown(columns_[c].name, 120) + ": string} keeps both as they are written");
    }
    return {};
  }

  [[nodiscard]] CsvReport Report() const {
    CsvReport report{heads_.dialect(), bad_rows_, notes_, {}};
    report.dialect.decimal = decimal_;
    for (auto& note : heads_.Notes()) report.notes.push_back(std::move(note));
    for (const auto& column : columns_)
      if ((column.seen & ~kSeenNull) == 0) report.empty_columns.push_back(column.name);
    return report;
  }

  // The first file in which a column is numbers with either mark.
  struct Marks {
    std::optional<std::size_t> comma, point;
  };

  const std::vector<CsvFile>& files_;
  const CsvOptions& options_;
  const OnSchema& on_schema_;
  const OnFile& on_file_;
  const OnBatch& on_batch_;
  const OnBadRow& on_bad_row_;
  CsvHeads heads_;
  std::vector<CsvColumn> columns_;
  char decimal_ = '.';
  bool all_seen_ = false;
  // Of a pass:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Seen> seen_;
  std::vector<Marks> marks_;
  bool stale_ = false;          // the types are wrong: no more batches
  bool heads_are_old_ = false;  // of a file the escape
  std::int64_t bad_rows_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace

Result<CsvReport> ReadCsvFiles(const std::vector<CsvFile>& files, const CsvOptions& options,
                               const OnSchema& on_schema, const OnFile& on_file,
                               const OnBatch& on_batch, const OnBadRow& on_bad_row) {
  return CsvReading(files, options, on_schema, on_file, on_batch, on_bad_row).Run();
}

Result<CsvReport> ReadCsv(const OpenStream& open, const CsvOptions& options,
                          const OnSchema& on_schema, const OnBatch& on_batch,
                          const OnBadRow& on_bad_row) {
  return ReadCsvFiles(
      {{"", open}}, options, on_schema, [](std::size_t) {}, on_batch, on_bad_row);
}

}  // namespace penstock::ingest
