#include "components/serve/grpc/wire_message.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <utility>

#include "components/serve/engine/failure.h"
#include "components/serve/grpc/decoded_bytes.h"
#include "components/serve/host/cgroup_limits.h"
#include "components/serve/protocol/compress.h"
#include "components/serve/protocol/growing_body.h"

namespace penstock::serve {
namespace {

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

bool WireMessage::TakesLong(grpc::ByteBuffer* wire) {
  return wire->Valid() && (wire->Length() > GrowingBody::kSmall || CodingOf(wire));
}

Result<WireMessage> WireMessage::Take(grpc::ByteBuffer* wire, std::uint64_t limit) {
  WireMessage message;
  message.wire_.Swap(wire);
  if (!message.wire_.Valid()) return message;  // empty
  if (message.wire_.Length() > limit) {
    return Failure(ErrorKind::kTooLarge,
                   "the message is larger than " + std::to_string(limit) + " bytes");
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
#ifdef PENSTOCK_GRPC_WEIGHTS
  const std::uint64_t memory = Read([](auto* stream) { return DecodedBytes(stream); });
  return std::max(size, memory / kMemoryPerByte);
#else
  return size;
#endif
}

bool WireMessage::Parse(google::protobuf::MessageLite* message) {
  return Read([&](auto* stream) { return message->ParseFromZeroCopyStream(stream); });
}

}  // namespace penstock::serve
