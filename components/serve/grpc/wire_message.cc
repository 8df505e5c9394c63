#include "components/serve/grpc/wire_message.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <utility>

#include "components/serve/host/byte_budget.h"
#include "components/serve/protocol/compress.h"
#include "components/serve/protocol/growing_body.h"

namespace penstock::serve {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// What a field takes beside its content: a string and what points to it, in the message, in the
// tensor, and in lists that grow by doubling. Likewise a message in a message, and a byte of an
// unknown group.
constexpr std::uint64_t kField = 96;
constexpr std::uint64_t kMessage = 256;
constexpr std::uint64_t kGroupByte = 32;

// The messages of inference.proto that a request is made of, and what is looked at no further.
enum class Kind { kRequest, kInput, kOutput, kContents, kOther, kBytes };

Kind KindOf(Kind outer, int field) {
  if (outer == Kind::kRequest && (field == 4 || field == 6))
    return field == 6 ? Kind::kOutput : Kind::kOther;
  if (outer == Kind::kRequest && field == 5) return Kind::kInput;
  if (outer == Kind::kInput && (field == 4 || field == 5))
    return field == 5 ? Kind::kContents : Kind::kOther;
  if (outer == Kind::kOutput && field == 2) return Kind::kOther;
  return Kind::kBytes;
}

// Bytes of memory for each byte of a field that is no message.
std::uint64_t WeightOf(Kind outer, int field) {
  // Integers of one byte become eight in the message, in a list that grows, and in the tensor.
  if ((outer == Kind::kContents && field <= 5) || (outer == Kind::kInput && field == 3)) return 24;
  // Raw INT8 becomes eight bytes, too.
  return outer == Kind::kRequest && field == 7 ? 9 : 3;
}

std::uint64_t DecodedBytesOf(Kind kind, CodedInputStream* in) {
  std::uint64_t bytes = 0;
  while (const std::uint32_t tag = in->ReadTag()) {
    bytes += kField;
    const int field = WireFormatLite::GetTagFieldNumber(tag);
    const auto type = WireFormatLite::GetTagWireType(tag);
    if (type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      const int begin = in->CurrentPosition();
      const bool fine = WireFormatLite::SkipField(in, tag);
      if (type == WireFormatLite::WIRETYPE_START_GROUP)
        bytes += kGroupByte * static_cast<std::uint64_t>(in->CurrentPosition() - begin);
      if (!fine) return bytes;
      continue;
    }
    std::uint32_t length = 0;
    if (!in->ReadVarint32(&length)) return bytes;
    const Kind inner = KindOf(kind, field);
    if (inner == Kind::kBytes) {
      bytes += WeightOf(kind, field) * length;
      if (!in->Skip(static_cast<int>(length))) return bytes;
      continue;
    }
    const auto outer_limit = in->PushLimit(static_cast<int>(length));
    bytes += kMessage + DecodedBytesOf(inner, in);
    const bool whole = in->BytesUntilLimit() == 0;
    in->PopLimit(outer_limit);
    if (!whole) return bytes;
  }
  return bytes;
}

std::optional<Coding> CodingOf(grpc::ByteBuffer* wire) {
  std::vector<unsigned char> first;
  grpc::ProtoBufferReader reader(wire);
  const void* piece = nullptr;
  int size = 0;
  while (first.size() < 2 && reader.Next(&piece, &size)) {
    const auto* bytes = static_cast<const unsigned char*>(piece);
    first.insert(first.end(), bytes, bytes + std::min(size, 2));
  }
  if (first.size() < 2) return std::nullopt;
  if (first[0] == 0x1f && first[1] == 0x8b) return Coding::kGzip;  // RFC 1952
  // RFC 1950: deflate in a window of 32 KiB, and a check of the two bytes.
  if (first[0] == 0x78 && (first[0] * 256 + first[1]) % 31 == 0) return Coding::kDeflate;
  return std::nullopt;
}

}  // namespace

std::uint64_t DecodedBytes(google::protobuf::io::ZeroCopyInputStream* wire) {
  CodedInputStream in(wire);
  return DecodedBytesOf(Kind::kRequest, &in);
}

bool WireMessage::TakesLong(grpc::ByteBuffer* wire) {
  return wire->Valid() && (wire->Length() > GrowingBody::kSmall || CodingOf(wire));
}

Result<WireMessage> WireMessage::Take(grpc::ByteBuffer* wire, std::uint64_t limit) {
  WireMessage message;
  message.wire_.Swap(wire);
  if (!message.wire_.Valid()) return message;  // empty
  if (message.wire_.Length() > limit) {
    Error error = Invalid("the message is larger than " + std::to_string(limit) + " bytes");
    error.http_status = 413;
    return error;
  }
  const auto coding = CodingOf(&message.wire_);
  if (!coding) return message;
  grpc::Slice whole;
  if (!message.wire_.DumpToSingleSlice(&whole).ok()) return Invalid("the message has no content");
  auto inflated =
      Decompress(*coding, {reinterpret_cast<const char*>(whole.begin()), whole.size()}, limit);
  if (!inflated) return inflated.error();
  message.inflated_ = std::move(*inflated);
  message.wire_.Clear();
  return message;
}

template <typename F>
auto WireMessage::Read(F use) {
  if (inflated_ || !wire_.Valid()) {
    const std::string_view bytes = inflated_ ? std::string_view(*inflated_) : std::string_view();
    google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
    return use(&stream);
  }
  grpc::ProtoBufferReader stream(&wire_);
  return use(&stream);
}

std::uint64_t WireMessage::BudgetBytes() {
  const std::uint64_t size = inflated_ ? inflated_->size() : wire_.Valid() ? wire_.Length() : 0;
  const std::uint64_t memory = Read([](auto* stream) { return DecodedBytes(stream); });
  return std::max(size, memory / kMemoryPerByte);
}

bool WireMessage::Parse(google::protobuf::MessageLite* message) {
  return Read([&](auto* stream) { return message->ParseFromZeroCopyStream(stream); });
}

}  // namespace penstock::serve
