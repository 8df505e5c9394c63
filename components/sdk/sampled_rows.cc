#include "components/sdk/sampled_rows.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/decimal.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/properties.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "components/sdk/arrow_result.h"
#include "components/sdk/cells.h"
#include "components/sdk/row_hash.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

using arrow::Type;

constexpr std::int64_t kMicrosOfDay = 86'400'000'000;
constexpr std::int64_t kWholeInDouble = std::int64_t{1} << 53;
constexpr int kMostNested = 8;

// What is left of a cell's bounds, and whether something did not fit.
struct CellRoom {
  int elements = kSampleElements;
  bool is_cut = false;
};

Json SampledText(std::string_view text, CellRoom& room) {
  if (text.size() <= kSampleText) return std::string(text);
  room.is_cut = true;
  std::size_t end = kSampleText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

Json SampledBytes(std::string_view bytes, CellRoom& room) {
  constexpr char kDigits[] = "0123456789abcdef";
  constexpr std::size_t kMost = kSampleText / 2;
  std::string out = "0x";
  for (const char c : bytes.substr(0, kMost)) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  room.is_cut = room.is_cut || bytes.size() > kMost;
  return out;
}

Json SampledInteger(std::int64_t value) {
  if (value >= -kWholeInDouble && value <= kWholeInDouble) return value;
  return std::to_string(value);
}

Json SampledDate(std::int64_t days) {
  if (std::abs(days) > 4'000'000) return std::to_string(days);
  const auto text = TimeText(days * kMicrosOfDay);
  return text ? text->substr(0, 10) : std::to_string(days);
}

Json SampledNumber(double value) {
  return std::isfinite(value) ? Json(value) : Json(ShownCell(Cell(value)));
}

Json SampledValue(const arrow::Array& array, std::int64_t row, int nested, CellRoom& room);

Json SampledList(const arrow::ListArray& lists, std::int64_t row, int nested, CellRoom& room) {
  Json out = Json::array();
  for (std::int64_t i = 0; i < lists.value_length(row); ++i) {
    if (room.elements == 0 || nested == kMostNested) {
      room.is_cut = true;
      break;
    }
    --room.elements;
    out.push_back(SampledValue(*lists.values(), lists.value_offset(row) + i, nested + 1, room));
  }
  return out;
}

Json SampledValue(const arrow::Array& array, std::int64_t row, int nested, CellRoom& room) {
  if (array.type_id() == Type::NA || array.IsNull(row)) return {};
  switch (array.type_id()) {
    case Type::STRING:
      return SampledText(static_cast<const arrow::StringArray&>(array).GetView(row), room);
    case Type::BINARY:
      return SampledBytes(static_cast<const arrow::BinaryArray&>(array).GetView(row), room);
    case Type::INT64:
      return SampledInteger(static_cast<const arrow::Int64Array&>(array).Value(row));
    case Type::DOUBLE:
      return SampledNumber(static_cast<const arrow::DoubleArray&>(array).Value(row));
    case Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case Type::DATE32:
      return SampledDate(static_cast<const arrow::Date32Array&>(array).Value(row));
    case Type::TIMESTAMP: {
      const auto micros = static_cast<const arrow::TimestampArray&>(array).Value(row);
      return TimeText(micros).value_or(std::to_string(micros));
    }
    case Type::DECIMAL128:
      return static_cast<const arrow::Decimal128Array&>(array).FormatValue(row);
    case Type::DECIMAL256:
      return static_cast<const arrow::Decimal256Array&>(array).FormatValue(row);
    case Type::LIST:
      return SampledList(static_cast<const arrow::ListArray&>(array), row, nested, room);
    default: {
      const auto scalar = array.GetScalar(row);
      return scalar.ok() ? SampledText((*scalar)->ToString(), room) : Json("?");
    }
  }
}

// Of a value, as `cut` has it.
std::int64_t LengthOf(const arrow::Array& array, std::int64_t row) {
  switch (array.type_id()) {
    case Type::STRING:
    case Type::BINARY:
      return static_cast<const arrow::BinaryArray&>(array).value_length(row);
    case Type::LIST:
      return static_cast<const arrow::ListArray&>(array).value_length(row);
    default: {
      const auto scalar = array.GetScalar(row);
      return scalar.ok() ? static_cast<std::int64_t>((*scalar)->ToString().size()) : 0;
    }
  }
}

std::string Dumped(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::uint64_t HashOfPlace(std::int64_t place) { return MixBits(std::uint64_t(place)); }

// A row group of a part, and how many rows stand before it.
struct PartGroup {
  std::size_t part = 0;
  int group = 0;
  std::int64_t first_row = 0;
};

using FileReader = std::unique_ptr<parquet::arrow::FileReader>;

Result<FileReader> OpenToSample(const std::string& path) {
  PENSTOCK_ASSIGN(auto file, FromArrow(arrow::io::ReadableFile::Open(path), path));
  auto properties = parquet::default_reader_properties();
  properties.enable_buffered_stream();  // not whole row groups
  parquet::ArrowReaderProperties arrow_properties;
  arrow_properties.set_batch_size(kSampledOfGroup);
  arrow_properties.set_pre_buffer(false);
  parquet::arrow::FileReaderBuilder builder;
  PENSTOCK_TRY(FromArrow(builder.Open(file, properties), path));
  FileReader reader;
  PENSTOCK_TRY(FromArrow(builder.properties(arrow_properties)->Build(&reader), path));
  return reader;
}

void AddLeaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
  if (field.is_leaf()) leaves.push_back(field.column_index);
  for (const auto& child : field.children) AddLeaves(child, leaves);
}

// That have rows.
Result<std::vector<PartGroup>> GroupsOf(const std::vector<std::string>& parts) {
  std::vector<PartGroup> groups;
  std::int64_t rows = 0;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    PENSTOCK_ASSIGN(const auto reader, OpenToSample(parts[p]));
    const auto about = reader->parquet_reader()->metadata();
    for (int g = 0; g < about->num_row_groups(); ++g) {
      const std::int64_t more = about->RowGroup(g)->num_rows();
      if (more > 0) groups.push_back({p, g, rows});
      rows += more;
    }
  }
  return groups;
}

}  // namespace

SampledRows::Row SampledRows::Read(const arrow::RecordBatch& batch, std::int64_t row) {
  Row out;
  out.values = Json::array();
  const int columns = std::min(batch.num_columns(), kSampleColumns);
  for (int c = 0; c < columns; ++c) {
    CellRoom room;
    const arrow::Array& array = *batch.column(c);
    out.values.push_back(SampledValue(array, row, 0, room));
    if (room.is_cut) out.cut.push_back({c, LengthOf(array, row)});
  }
  // Of each cut value "[50,200,<19 digits>]," and of the place "<19 digits>,".
  out.bytes = Dumped(out.values).size() + 30 * out.cut.size() + 24;
  return out;
}

void SampledRows::Add(const arrow::RecordBatch& batch, std::int64_t first_row) {
  if (columns_.empty()) {
    const int columns = std::min(batch.num_columns(), kSampleColumns);
    for (int c = 0; c < columns; ++c) columns_.push_back(batch.schema()->field(c)->name());
    more_columns_ = batch.num_columns() - columns;
  }
  for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
    const std::uint64_t hash = HashOfPlace(first_row + r);
    if (rows_.size() == kSampleRows && hash >= rows_.back().hash) continue;
    Row row = Read(batch, r);
    row.hash = hash;
    row.place = first_row + r;
    const auto at = std::lower_bound(rows_.begin(), rows_.end(), hash,
                                     [](const Row& one, std::uint64_t h) { return one.hash < h; });
    rows_.insert(at, std::move(row));
    if (rows_.size() > kSampleRows) rows_.pop_back();
  }
}

Json SampledRows::ToJson() const {
  std::size_t bytes = Dumped(columns_).size() + 100;
  std::vector<const Row*> chosen;
  for (const Row& row : rows_) {
    bytes += row.bytes;
    if (bytes > kSampleBytes) break;
    chosen.push_back(&row);
  }
  if (chosen.empty()) return {};
  std::sort(chosen.begin(), chosen.end(),
            [](const Row* a, const Row* b) { return a->place < b->place; });
  Json out{{"columns", columns_},
           {"moreColumns", more_columns_},
           {"rows", Json::array()},
           {"places", Json::array()},
           {"cut", Json::array()}};
  for (const Row* row : chosen) {
    for (const Cut& cut : row->cut)
      out["cut"].push_back({out["rows"].size(), cut.column, cut.length});
    out["rows"].push_back(row->values);
    out["places"].push_back(row->place);
  }
  return out;
}

Result<void> SampledRows::Save(const std::string& folder) const {
  const auto path = std::filesystem::path(folder) / kSampleFile;
  const Json file = ToJson();
  if (!file.is_null()) return WriteFileAtomically(path, Dumped(file) + "\n");
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) return FromErrno(path.string(), error.value());
  return {};
}

Result<SampledRows> SampledRows::OfParts(const std::vector<std::string>& parts) {
  PENSTOCK_ASSIGN(const auto groups, GroupsOf(parts));
  SampledRows sample;
  const std::size_t most = std::min(groups.size(), kSampledGroups);
  for (std::size_t i = 0; i < most; ++i) {
    const PartGroup& group = groups[most == 1 ? 0 : i * (groups.size() - 1) / (most - 1)];
    const std::string& part = parts[group.part];
    PENSTOCK_ASSIGN(const auto reader, OpenToSample(part));
    const auto& fields = reader->manifest().schema_fields;
    const auto columns = std::min(fields.size(), std::size_t(kSampleColumns));
    std::vector<int> leaves;
    for (std::size_t c = 0; c < columns; ++c) AddLeaves(fields[c], leaves);
    PENSTOCK_ASSIGN(const auto batches,
                    FromArrow(reader->GetRecordBatchReader({group.group}, leaves), part));
    std::shared_ptr<arrow::RecordBatch> batch;
    PENSTOCK_TRY(FromArrow(batches->ReadNext(&batch), part));
    if (batch == nullptr) continue;
    sample.Add(*batch, group.first_row);
    sample.more_columns_ = static_cast<int>(fields.size() - columns);
  }
  return sample;
}

}  // namespace penstock::sdk
