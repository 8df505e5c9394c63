#include "components/sdk/testing/test_data.h"

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

void Require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

void Append(arrow::ArrayBuilder& builder, const arrow::DataType& type, const Json& value) {
  arrow::Status status;
  if (value.is_null()) {
    status = builder.AppendNull();
  } else if (type.id() == arrow::Type::STRING) {
    status = static_cast<arrow::StringBuilder&>(builder).Append(value.get<std::string>());
  } else if (type.id() == arrow::Type::INT64) {
    status = static_cast<arrow::Int64Builder&>(builder).Append(value.get<std::int64_t>());
  } else if (type.id() == arrow::Type::DOUBLE) {
    status = static_cast<arrow::DoubleBuilder&>(builder).Append(value.get<double>());
  } else if (type.id() == arrow::Type::BOOL) {
    status = static_cast<arrow::BooleanBuilder&>(builder).Append(value.get<bool>());
  } else if (type.id() == arrow::Type::TIMESTAMP) {
    status = static_cast<arrow::TimestampBuilder&>(builder).Append(
        ParseTimestamp(value.get<std::string>()).value());
  } else {
    throw std::runtime_error("BatchOf: unknown type " + type.ToString());
  }
  Require(status.ok(), status.ToString());
}

}  // namespace

TestFolder::TestFolder() {
  std::string name = std::filesystem::temp_directory_path().string() + "/components_XXXXXX";
  Require(::mkdtemp(name.data()) != nullptr, "mkdtemp");
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::shared_ptr<arrow::RecordBatch> BatchOf(const arrow::FieldVector& fields,
                                            const std::string& rows) {
  const Json json = Json::parse(rows);
  arrow::ArrayVector columns;
  for (std::size_t c = 0; c < fields.size(); ++c) {
    auto builder = arrow::MakeBuilder(fields[c]->type()).ValueOrDie();
    for (const auto& row : json) Append(*builder, *fields[c]->type(), row.at(c));
    columns.push_back(builder->Finish().ValueOrDie());
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), std::int64_t(json.size()), columns);
}

void WriteDataset(const std::string& folder,
                  const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches) {
  auto writer = DatasetWriter::Create(folder, batches.at(0)->schema());
  Require(writer.has_value(), writer ? "" : writer.error().message);
  for (const auto& batch : batches) {
    const auto ok = (*writer)->Write(batch);
    Require(ok.has_value(), ok ? "" : ok.error().message);
  }
  const auto ok = (*writer)->Finish();
  Require(ok.has_value(), ok ? "" : ok.error().message);
}

std::shared_ptr<arrow::RecordBatch> ReadDataset(const std::string& folder) {
  auto reader = DatasetReader::Open(folder);
  Require(reader.has_value(), reader ? "" : reader.error().message);
  arrow::RecordBatchVector batches;
  for (;;) {
    auto batch = (*reader)->Next();
    Require(batch.has_value(), batch ? "" : batch.error().message);
    if (*batch == nullptr) break;
    batches.push_back(*batch);
  }
  const auto table = arrow::Table::FromRecordBatches((*reader)->schema(), batches).ValueOrDie();
  return table->CombineChunksToBatch().ValueOrDie();
}

}  // namespace penstock::sdk
