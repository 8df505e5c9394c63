#include "components/sdk/row_hash.h"

#include <arrow/api.h>

#include <bit>
#include <cmath>

#include "components/sdk/arrow_result.h"
#include "components/sdk/cells.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::uint64_t kNullHash = 0xD1B54A32D192ED03ULL;  // unlikely to be met by a value

using Hashes = std::vector<std::uint64_t>;

std::uint64_t HashCell(const Cell& cell) {
  if (const auto* text = std::get_if<std::string_view>(&cell)) return HashText(*text);
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return std::uint64_t(*integer);
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? 1 : 0;
  if (const auto* number = std::get_if<double>(&cell)) {
    if (std::isnan(*number)) return kNullHash;
    return std::bit_cast<std::uint64_t>(*number == 0 ? 0.0 : *number);
  }
  return kNullHash;
}

Result<Hashes> HashArray(const std::shared_ptr<arrow::Array>& array, const std::string& name);

template <typename Fn>
Hashes ForRows(const arrow::Array& array, Fn hash) {
  Hashes hashes(std::size_t(array.length()), kNullHash);
  for (std::int64_t r = 0; r < array.length(); ++r) {
    if (array.IsValid(r)) hashes[std::size_t(r)] = hash(r);
  }
  return hashes;
}

template <typename List>
Result<Hashes> HashLists(const arrow::Array& array, const std::string& name) {
  const auto& lists = static_cast<const List&>(array);
  PENSTOCK_ASSIGN(const auto values, HashArray(lists.values(), name));
  return ForRows(array, [&](std::int64_t r) {
    const auto begin = std::size_t(lists.value_offset(r));
    std::uint64_t hash = MixBits(std::uint64_t(lists.value_length(r)));
    for (std::size_t i = 0; i < std::size_t(lists.value_length(r)); ++i) {
      hash = MixBits(hash ^ values[begin + i]);
    }
    return hash;
  });
}

Result<Hashes> HashStructs(const arrow::Array& array, const std::string& name) {
  const auto& structs = static_cast<const arrow::StructArray&>(array);
  std::vector<Hashes> fields;
  for (int i = 0; i < structs.num_fields(); ++i) {
    PENSTOCK_ASSIGN(auto hashes, HashArray(structs.field(i), name));
    fields.push_back(std::move(hashes));
  }
  return ForRows(array, [&](std::int64_t r) {
    std::uint64_t hash = 0;
    for (const auto& field : fields) hash = MixBits(hash ^ field[std::size_t(r)]);
    return hash;
  });
}

// The bytes of a value of fixed width: times of day, durations.
Hashes HashFixed(const arrow::Array& array, int bytes) {
  if (array.length() == 0) return {};
  const auto& data = *array.data();
  const auto* begin = reinterpret_cast<const char*>(data.buffers[1]->data());
  return ForRows(array, [&](std::int64_t r) {
    return HashText({begin + (data.offset + r) * bytes, std::size_t(bytes)});
  });
}

Result<Hashes> HashArray(const std::shared_ptr<arrow::Array>& array, const std::string& name) {
  using arrow::Type;
  const auto id = array->type_id();
  if (const auto type = ColumnTypeOf(*array->type())) {
    // An element of a list may be of a narrower type than the canonical one of its kind.
    const auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field(name, array->type())}),
                                                array->length(), {array});
    PENSTOCK_ASSIGN(const auto canonical, Canonical(batch));
    const TypedColumn column{canonical->column(0), *type};
    return ForRows(*array, [&](std::int64_t r) { return HashCell(CellAt(column, r)); });
  }
  if (id == Type::NA) return Hashes(std::size_t(array->length()), kNullHash);
  if (id == Type::LIST || id == Type::MAP) return HashLists<arrow::ListArray>(*array, name);
  if (id == Type::LARGE_LIST) return HashLists<arrow::LargeListArray>(*array, name);
  if (id == Type::FIXED_SIZE_LIST) return HashLists<arrow::FixedSizeListArray>(*array, name);
  if (id == Type::STRUCT) return HashStructs(*array, name);
  if (id == Type::BINARY) {
    const auto& bytes = static_cast<const arrow::BinaryArray&>(*array);
    return ForRows(*array, [&](std::int64_t r) { return HashText(bytes.GetView(r)); });
  }
  if (id == Type::LARGE_BINARY) {
    const auto& bytes = static_cast<const arrow::LargeBinaryArray&>(*array);
    return ForRows(*array, [&](std::int64_t r) { return HashText(bytes.GetView(r)); });
  }
  if (arrow::is_fixed_width(id)) {
    return HashFixed(*array, array->type()->bit_width() / 8);
  }
  return Invalid("column '" + name + "' is of type " + array->type()->ToString() +
                 ", of which no hash is made; leave it out with query, or name columns");
}

}  // namespace

std::uint64_t HashText(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
  return hash;
}

Result<std::vector<std::uint64_t>> HashRows(const arrow::RecordBatch& batch,
                                            const std::vector<std::string>& columns,
                                            std::uint64_t seed) {
  Hashes hashes(std::size_t(batch.num_rows()), MixBits(seed));
  for (const auto& name : columns) {
    const auto array = batch.GetColumnByName(name);
    if (array == nullptr) return Invalid("there is no column '" + name + "', or it stands twice");
    PENSTOCK_ASSIGN(const auto cells, HashArray(array, name));
    for (std::size_t r = 0; r < hashes.size(); ++r) hashes[r] = MixBits(hashes[r] ^ cells[r]);
  }
  return hashes;
}

}  // namespace penstock::sdk
