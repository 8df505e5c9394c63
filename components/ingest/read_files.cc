#include "components/ingest/read_files.h"

#include <arrow/api.h>

#include <algorithm>

#include "components/ingest/csv/quarantine.h"
#include "components/sdk/arrow_result.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

Error HasTheName(const std::string& column) {
  return Invalid("column '" + plan::Shown(column, 120) +
                 "' is in the file, and column=" + plan::Shown(column, 120) +
                 " of the URI asks for one of that name: name it " + "otherwise there");
}

class FilesReader {
 public:
  FilesReader(const std::vector<SourceFile>& files, const TableOptions& options,
              const Places& places, Sink& sink)
      : files_(files), options_(options), places_(places), sink_(sink) {}

  Result<void> ReadCsv(const sdk::Step& step) {
    std::vector<CsvFile> files;
    for (const auto& file : files_)
      files.push_back({file.name, [this, &file](const std::string& encoding) {
                         return OpenText(file.path, encoding, options_.reading.max_bytes);
                       }});
    CsvQuarantine quarantine(places_.quarantine);
    const auto on_schema = [&](const std::shared_ptr<arrow::Schema>& schema) -> Result<void> {
      PENSTOCK_TRY(quarantine.Begin());
      PENSTOCK_ASSIGN(const auto whole, WithColumn(schema));
      return Begin({{.name = files_.front().name, .schema = whole, .text = true}});
    };
    const auto on_file = [&](std::size_t file) {
      file_ = file;
      sink_.BeginPart();
    };
    PENSTOCK_ASSIGN(const auto report, ReadCsvFiles(
                                           files, options_.csv, on_schema, on_file,
                                           [&](const auto& batch) { return Write(batch); },
                                           [&](auto line, const auto& reason, auto raw) {
                                             return quarantine.Add(line, InFile(reason), raw);
                                           }));
    PENSTOCK_TRY(quarantine.Finish());
    for (const auto& note : report.notes) sink_.Note(note);
    return WriteCsvResults(report, step);
  }

  Result<void> ReadParts() {
    std::vector<PartSchema> schemas;
    std::vector<std::unique_ptr<Part>> parts;
    for (const auto& file : files_) {
      auto part = OpenPart(file, places_.scratch, options_.reading);
      if (!part) return In(file, part.error());
      auto schema = WithColumn((*part)->schema());
      if (!schema) return In(file, schema.error());
      // Most files have the same one, which is kept once.
      if (!schemas.empty() && schemas.back().schema->Equals(**schema, true))
        schema = schemas.back().schema;
      const bool json = file.format == Format::kJsonl;
      schemas.push_back({file.name, *std::move(schema), json, json});
      // Others are opened again: there may be more than a process may have files open.
      parts.push_back(json ? std::move(*part) : nullptr);
    }
    PENSTOCK_TRY(Begin(schemas));
    for (file_ = 0; file_ < files_.size(); ++file_)
      if (auto ok = ReadPart(std::move(parts[file_]), schemas[file_]); !ok)
        return In(files_[file_], ok.error());
    return {};
  }

 private:
  [[nodiscard]] Error In(const SourceFile& file, const Error& error) const {
    return files_.size() == 1 ? error : Wrap(file.name, error);
  }
  // Of a bad row, which is told in a table of its own.
  [[nodiscard]] std::string InFile(const std::string& reason) const {
    return files_.size() == 1 ? reason : plan::Shown(files_[file_].name, 200) + ": " + reason;
  }

  Result<void> Begin(const std::vector<PartSchema>& schemas) {
    PENSTOCK_ASSIGN(auto plan, Unite(schemas, options_.wishes));
    return sink_.Begin(std::move(plan));
  }

  Result<void> ReadPart(std::unique_ptr<Part> part, const PartSchema& schema) {
    if (part == nullptr) {
      PENSTOCK_ASSIGN(part, OpenPart(files_[file_], places_.scratch, options_.reading));
    }
    auto columns = ColumnsIn(schema, sink_.plan());
    if (options_.column) std::erase(columns, options_.column->field->name());
    PENSTOCK_TRY(part->Choose(columns));
    sink_.BeginPart();
    for (;;) {
      PENSTOCK_ASSIGN(const auto batch, part->Next());
      if (batch == nullptr) return {};
      PENSTOCK_TRY(Write(batch));
    }
  }

  [[nodiscard]] Result<std::shared_ptr<arrow::Schema>> WithColumn(
      const std::shared_ptr<arrow::Schema>& schema) const {
    if (!options_.column) return schema;
    const auto& field = options_.column->field;
    if (schema->GetFieldIndex(field->name()) >= 0) return HasTheName(field->name());
    return sdk::FromArrow(schema->AddField(schema->num_fields(), field), "column");
  }

  Result<void> Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
    if (!options_.column) return sink_.Write(*batch);
    const auto& field = options_.column->field;
    const auto value = options_.column->values.find(files_[file_].name);
    if (value == options_.column->values.end())
      return Internal("the file " + files_[file_].name + " is of no span");
    PENSTOCK_ASSIGN(const auto scalar, sdk::FromArrow(ScalarOf(*field, value->second), "column"));
    PENSTOCK_ASSIGN(
        auto array,
        sdk::FromArrow(arrow::MakeArrayFromScalar(*scalar, batch->num_rows()), "column"));
    PENSTOCK_ASSIGN(const auto whole,
                    sdk::FromArrow(batch->AddColumn(batch->num_columns(), field, array), "column"));
    return sink_.Write(*whole);
  }

  static arrow::Result<std::shared_ptr<arrow::Scalar>> ScalarOf(const arrow::Field& field,
                                                                std::int64_t value) {
    if (field.type()->id() == arrow::Type::DATE32)
      return std::make_shared<arrow::Date32Scalar>(std::int32_t(value));
    return std::make_shared<arrow::TimestampScalar>(value, field.type());
  }

  const std::vector<SourceFile>& files_;
  const TableOptions& options_;
  const Places& places_;
  Sink& sink_;
  std::size_t file_ = 0;  // that is read
};

}  // namespace

Result<void> ReadFilesInto(const std::vector<SourceFile>& files, TableOptions options,
                           const Places& places, const sdk::Step& step, Sink& sink) {
  if (options.column) {
    const std::string& name = options.column->field->name();
    auto& chosen = options.wishes.columns;
    if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), name) == chosen.end())
      chosen.push_back(name);
    std::erase(options.csv.columns, name);
    options.csv.types.erase(name);
    options.csv.reserved = name;
  }
  FilesReader reader(files, options, places, sink);
  if (files.front().format == Format::kCsv) return reader.ReadCsv(step);
  PENSTOCK_TRY(WriteNoCsvResults(step));
  return reader.ReadParts();
}

}  // namespace penstock::ingest
