#include "components/ingest/lake/avro.h"

#include <arrow/buffer.h>
#include <arrow/util/compression.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "components/sdk/arrow_result.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

constexpr int kDeepestSchema = 64;
constexpr std::size_t kMaxBlock = 1UL << 30;
constexpr std::size_t kSync = 16;
// Values that a schema makes of few bytes, or of none: records of records, and nulls. A value that
// is written takes a byte at least, and a few steps down its schema.
constexpr std::uint64_t kMostOfRecord = 1UL << 20;
constexpr std::uint64_t kMostOfBlock = 1UL << 28;
constexpr std::uint64_t kMostOfByte = 16;

class Bytes {
 public:
  explicit Bytes(std::string_view bytes)
      : bytes_(bytes),
        of_block_(std::min(kMostOfBlock, kMostOfRecord + kMostOfByte * bytes.size())) {}

  // Zigzag, seven bits a byte.
  Result<std::int64_t> Long() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      PENSTOCK_ASSIGN(const auto byte, Take(1));
      const auto bits = static_cast<unsigned char>(byte[0]);
      value |= std::uint64_t(bits & 0x7FU) << shift;
      if ((bits & 0x80U) == 0)
        return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1U));
    }
    return Invalid("a number of more than 64 bits");
  }
  Result<std::string_view> Take(std::uint64_t size) {
    if (size > bytes_.size() - at_) return Invalid("it ends within a value");
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  Result<std::string_view> Text() {
    PENSTOCK_ASSIGN(const auto size, Long());
    if (size < 0) return Invalid("a text of a negative length");
    return Take(std::uint64_t(size));
  }
  [[nodiscard]] bool ended() const { return at_ == bytes_.size(); }
  [[nodiscard]] std::uint64_t left() const { return bytes_.size() - at_; }

  void BeginRecord() { of_record_ = kMostOfRecord; }
  Result<void> CountValue() {
    if (of_record_ == 0) return Invalid("a record of more than 1048576 values");
    if (of_block_ == 0) return Invalid("a block of more values than its bytes can hold");
    --of_record_;
    --of_block_;
    return {};
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint64_t of_record_ = kMostOfRecord;
  std::uint64_t of_block_;
};

// The items of a list or a map come in blocks; a negative count is followed by the block's size.
template <typename OnItem>
Result<void> EachItem(Bytes& bytes, const OnItem& on_item) {
  for (;;) {
    PENSTOCK_ASSIGN(std::int64_t count, bytes.Long());
    if (count == 0) return {};
    if (count == INT64_MIN) return Invalid("a list of a length that is none");
    if (count < 0) {
      count = -count;
      PENSTOCK_TRY(bytes.Long());
    }
    if (std::uint64_t(count) > bytes.left()) return Invalid("it ends within a list");
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t before = bytes.left();
      PENSTOCK_TRY(on_item());
      // They would make a list without end of a short file.
      if (bytes.left() == before) return Invalid("a list of items that have no bytes");
    }
  }
}

class Decoder {
 public:
  explicit Decoder(const Json& schema) : schema_(schema) { Name(schema, 0); }

  Result<Json> Next(Bytes& bytes) const { return Value(schema_, bytes, 0); }

 private:
  // Types are used again by their names.
  void Name(const Json& schema, int depth) {
    if (depth > kDeepestSchema) return;
    if (schema.is_array()) {
      for (const auto& branch : schema) Name(branch, depth + 1);
      return;
    }
    if (!schema.is_object()) return;
    if (const std::string name = TextAt(schema, "name"); !name.empty()) {
      named_[name] = &schema;
      const std::string space = TextAt(schema, "namespace");
      if (!space.empty()) named_[space + "." + name] = &schema;
    }
    for (const auto& field : Member(schema, "fields")) Name(Member(field, "type"), depth + 1);
    for (const char* inner : {"items", "values", "type"}) Name(Member(schema, inner), depth + 1);
  }

  Result<Json> Value(const Json& schema, Bytes& bytes, int depth) const {
    if (depth > kDeepestSchema) return Invalid("its schema is nested too deeply");
    PENSTOCK_TRY(bytes.CountValue());
    if (schema.is_array()) {
      PENSTOCK_ASSIGN(const auto branch, bytes.Long());
      if (branch < 0 || std::size_t(branch) >= schema.size())
        return Invalid("a value of a branch that its union does not have");
      return Value(schema[std::size_t(branch)], bytes, depth + 1);
    }
    const Json& type = schema.is_object() ? Member(schema, "type") : schema;
    if (type.is_structured()) return Value(type, bytes, depth + 1);
    if (!type.is_string()) return Invalid("its schema has a type that is none");
    const auto name = type.get<std::string>();
    if (name == "record") return Record(schema, bytes, depth);
    if (name == "array") return List(schema, bytes, depth);
    if (name == "map") return Map(schema, bytes, depth);
    if (name == "fixed") return Fixed(schema, bytes);
    if (name == "enum") return Enum(schema, bytes);
    return Plain(name, bytes, depth);
  }

  Result<Json> Plain(const std::string& name, Bytes& bytes, int depth) const {
    if (name == "null") return Json(nullptr);
    if (name == "boolean") {
      PENSTOCK_ASSIGN(const auto byte, bytes.Take(1));
      return Json(byte[0] != 0);
    }
    if (name == "int" || name == "long") {
      PENSTOCK_ASSIGN(const auto number, bytes.Long());
      return Json(number);
    }
    if (name == "float") {
      PENSTOCK_ASSIGN(const auto raw, bytes.Take(4));
      float number = 0;
      std::memcpy(&number, raw.data(), 4);
      return Json(double(number));
    }
    if (name == "double") {
      PENSTOCK_ASSIGN(const auto raw, bytes.Take(8));
      double number = 0;
      std::memcpy(&number, raw.data(), 8);
      return Json(number);
    }
    if (name == "bytes" || name == "string") {
      PENSTOCK_ASSIGN(const auto text, bytes.Text());
      return Json(std::string(text));
    }
    const auto known = named_.find(name);
    if (known == named_.end())
      return Invalid("its schema names a type that is not there: " + plan::Shown(name, 80));
    return Value(*known->second, bytes, depth + 1);
  }

  Result<Json> Record(const Json& schema, Bytes& bytes, int depth) const {
    Json out = Json::object();
    for (const auto& field : Member(schema, "fields")) {
      PENSTOCK_ASSIGN(Json value, Value(Member(field, "type"), bytes, depth + 1));
      out[TextAt(field, "name")] = std::move(value);
    }
    return out;
  }

  Result<Json> List(const Json& schema, Bytes& bytes, int depth) const {
    Json out = Json::array();
    PENSTOCK_TRY(EachItem(bytes, [&]() -> Result<void> {
      PENSTOCK_ASSIGN(Json value, Value(Member(schema, "items"), bytes, depth + 1));
      out.push_back(std::move(value));
      return {};
    }));
    return out;
  }

  Result<Json> Map(const Json& schema, Bytes& bytes, int depth) const {
    Json out = Json::object();
    PENSTOCK_TRY(EachItem(bytes, [&]() -> Result<void> {
      PENSTOCK_ASSIGN(const auto key, bytes.Text());
      PENSTOCK_ASSIGN(Json value, Value(Member(schema, "values"), bytes, depth + 1));
      out[std::string(key)] = std::move(value);
      return {};
    }));
    return out;
  }

  static Result<Json> Fixed(const Json& schema, Bytes& bytes) {
    const Json& size = Member(schema, "size");
    if (!IsInt64(size) || size.get<std::int64_t>() < 0)
      return Invalid("its schema has a fixed without a size");
    PENSTOCK_ASSIGN(const auto raw, bytes.Take(std::uint64_t(size.get<std::int64_t>())));
    return Json(std::string(raw));
  }

  static Result<Json> Enum(const Json& schema, Bytes& bytes) {
    PENSTOCK_ASSIGN(const auto place, bytes.Long());
    const Json& symbols = Member(schema, "symbols");
    if (!symbols.is_array() || place < 0 || std::size_t(place) >= symbols.size())
      return Invalid("a value that its enum does not have");
    return symbols[std::size_t(place)];
  }

  const Json& schema_;
  std::map<std::string, const Json*> named_;
};

Result<std::string> Inflated(std::string_view packed) {
  z_stream stream{};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Internal("zlib does not begin");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ends(&stream, &::inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::string piece(256UL << 10, '\0');
  for (int state = Z_OK; state != Z_STREAM_END;) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    state = ::inflate(&stream, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END) return Invalid("a block is no deflate");
    out.append(piece.data(), piece.size() - stream.avail_out);
    if (out.size() > kMaxBlock) return Invalid("a block of more than 1 GiB");
  }
  return out;
}

Result<std::string> Unzstandarded(std::string_view packed) {
  const std::string what = "a block of zstandard";
  PENSTOCK_ASSIGN(const auto codec,
                  sdk::FromArrow(arrow::util::Codec::Create(arrow::Compression::ZSTD), what));
  PENSTOCK_ASSIGN(const auto stream, sdk::FromArrow(codec->MakeDecompressor(), what));
  std::string out;
  std::string piece(256UL << 10, '\0');
  const auto* in = reinterpret_cast<const std::uint8_t*>(packed.data());
  auto left = std::int64_t(packed.size());
  while (!stream->IsFinished()) {
    PENSTOCK_ASSIGN(
        const auto done,
        sdk::FromArrow(stream->Decompress(left, in, std::int64_t(piece.size()),
                                          reinterpret_cast<std::uint8_t*>(piece.data())),
                       what));
    if (done.bytes_read == 0 && done.bytes_written == 0) return Invalid(what + " ends too early");
    in += done.bytes_read;
    left -= done.bytes_read;
    out.append(piece.data(), std::size_t(done.bytes_written));
    if (out.size() > kMaxBlock) return Invalid(what + " holds more than 1 GiB");
  }
  return out;
}

// How many bytes a block of Snappy holds: its first bytes, seven bits each.
std::size_t SnappySize(std::string_view packed) {
  std::size_t size = 0;
  for (unsigned i = 0; i < 5 && i < packed.size(); ++i) {
    size |= std::size_t(static_cast<unsigned char>(packed[i]) & 0x7FU) << (7 * i);
    if ((static_cast<unsigned char>(packed[i]) & 0x80U) == 0) return size;
  }
  return SIZE_MAX;
}

// Avro's blocks of it end with the checksum of what they hold.
Result<std::string> Unsnapped(std::string_view packed) {
  constexpr std::size_t kMostTimes = 64;  // larger than packed; Snappy's copies are of 64 bytes
  if (packed.size() < 4) return Invalid("a block is no snappy");
  std::uint32_t said = 0;
  for (const char c : packed.substr(packed.size() - 4))
    said = said << 8U | static_cast<unsigned char>(c);
  packed.remove_suffix(4);
  const std::size_t size = SnappySize(packed);
  if (size > kMaxBlock || size > (packed.size() + 1) * kMostTimes)
    return Invalid("a block is no snappy");
  PENSTOCK_ASSIGN(const auto codec,
                  sdk::FromArrow(arrow::util::Codec::Create(arrow::Compression::SNAPPY), "snappy"));
  std::string out(size, '\0');
  PENSTOCK_TRY(sdk::FromArrow(
      codec
          ->Decompress(std::int64_t(packed.size()),
                       reinterpret_cast<const std::uint8_t*>(packed.data()), std::int64_t(size),
                       reinterpret_cast<std::uint8_t*>(out.data()))
          .status(),
      "a block of snappy"));
  const auto* data = reinterpret_cast<const Bytef*>(out.data());
  if (::crc32(0, data, static_cast<uInt>(size)) != said)
    return Invalid("is damaged: a block's checksum is another");
  return out;
}

Result<std::string> BlockOf(std::string_view packed, const std::string& codec) {
  if (codec.empty() || codec == "null") return std::string(packed);
  if (codec == "deflate") return Inflated(packed);
  if (codec == "snappy") return Unsnapped(packed);
  if (codec == "zstandard") return Unzstandarded(packed);
  return Invalid("is packed by " + plan::Shown(codec, 40) +
                 ", which is not read; null, deflate, snappy and zstandard are");
}

Result<AvroHead> HeadOf(Bytes& bytes) {
  const auto magic = bytes.Take(4);
  if (!magic || *magic != std::string_view("Obj\x01", 4)) return Invalid("is no Avro file");
  AvroHead head;
  PENSTOCK_TRY(EachItem(bytes, [&]() -> Result<void> {
    PENSTOCK_ASSIGN(const auto key, bytes.Text());
    PENSTOCK_ASSIGN(const auto value, bytes.Text());
    head.metadata[std::string(key)] = value;
    return {};
  }));
  PENSTOCK_ASSIGN(head.schema, ParseJson(head.metadata["avro.schema"], "its schema"));
  return head;
}

}  // namespace

Result<void> ReadAvro(std::string_view file, const OnAvroRecord& on_record) {
  Bytes bytes(file);
  PENSTOCK_ASSIGN(AvroHead head, HeadOf(bytes));
  const Decoder decoder(head.schema);
  PENSTOCK_ASSIGN(const std::string_view sync, bytes.Take(kSync));
  while (!bytes.ended()) {
    PENSTOCK_ASSIGN(const auto count, bytes.Long());
    PENSTOCK_ASSIGN(const auto packed, bytes.Text());
    PENSTOCK_ASSIGN(const std::string block, BlockOf(packed, head.metadata["avro.codec"]));
    Bytes records(block);
    if (count < 0 || std::uint64_t(count) > records.left())
      return Invalid("a block has fewer records than it says");
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t before = records.left();
      records.BeginRecord();
      PENSTOCK_ASSIGN(const Json record, decoder.Next(records));
      if (records.left() == before) return Invalid("its records have no bytes");
      PENSTOCK_TRY(on_record(head, record));
    }
    if (!records.ended()) return Invalid("a block has more bytes than records");
    PENSTOCK_ASSIGN(const auto mark, bytes.Take(kSync));
    if (mark != sync) return Invalid("is damaged: the mark behind a block is another");
  }
  return {};
}

}  // namespace penstock::ingest
