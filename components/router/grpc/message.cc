#include "components/router/grpc/message.h"

#include <grpcpp/support/proto_buffer_reader.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace penstock::router {
namespace {

constexpr std::uint32_t kModelVersionField = 2;
constexpr std::size_t kMostVersionBytes = 20;
constexpr std::uint64_t kLengthDelimited = 2;
constexpr std::size_t kInflatedPiece = std::size_t{64} << 10;

// How a message came, by the head of its frame and the call's grpc-encoding.
class RawBuffer : private grpc::ProtoBufferReader {
 public:
  explicit RawBuffer(grpc::ByteBuffer* message) : grpc::ProtoBufferReader(message) {}
  [[nodiscard]] grpc_compression_algorithm coding() {
    const grpc_byte_buffer* const buffer = reader()->buffer_in;
    return buffer->type == GRPC_BB_RAW ? buffer->data.raw.compression : GRPC_COMPRESS_NONE;
  }
};

class Inflater {
 public:
  explicit Inflater(int window) : usable_(inflateInit2(&stream_, window) == Z_OK) {}
  ~Inflater() {
    if (usable_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends what comes out of a piece.
  Result<void> Feed(const grpc::Slice& piece, std::uint64_t limit, std::vector<grpc::Slice>* out) {
    if (!usable_) return Transient("no memory to inflate the message");
    stream_.next_in = const_cast<Bytef*>(piece.begin());
    stream_.avail_in = static_cast<uInt>(piece.size());
    while (stream_.avail_in > 0 || full_) {
      if (ended_) return Invalid("bytes follow the end of the compressed message");
      stream_.next_out = buffer_.data();
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return Invalid("the compressed message does not inflate");
      const std::size_t got = buffer_.size() - stream_.avail_out;
      size_ += got;
      if (size_ > limit) return TooLarge(limit);
      if (got > 0) out->emplace_back(buffer_.data(), got);
      ended_ = code == Z_STREAM_END;
      full_ = stream_.avail_out == 0 && !ended_;
    }
    return {};
  }
  [[nodiscard]] bool ended() const { return ended_; }

  static Error TooLarge(std::uint64_t limit) {
    Error error = Invalid("the message is larger than " + std::to_string(limit) + " bytes");
    error.kind = ErrorKind::kTooLarge;
    return error;
  }

 private:
  z_stream stream_{};
  std::vector<Bytef> buffer_ = std::vector<Bytef>(kInflatedPiece);
  std::uint64_t size_ = 0;
  bool full_ = false;
  bool ended_ = false;
  const bool usable_;
};

// Reads a protobuf message over the borders of its slices.
class Cursor {
 public:
  explicit Cursor(const std::vector<grpc::Slice>& slices) : slices_(slices) {
    for (const grpc::Slice& slice : slices) size_ += slice.size();
  }
  [[nodiscard]] std::uint64_t at() const { return at_; }
  [[nodiscard]] bool ended() const { return at_ == size_; }

  // False where none is, or it does not end in ten bytes.
  bool Varint(std::uint64_t* value) {
    *value = 0;
    for (unsigned shift = 0; shift < 70 && !ended(); shift += 7) {
      const std::uint8_t byte = Current();
      Advance(1);
      if (shift < 64) *value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) return true;
    }
    return false;
  }
  bool Skip(std::uint64_t bytes) {
    if (bytes > size_ - at_) return false;
    Advance(bytes);
    return true;
  }
  bool Read(std::uint64_t bytes, std::string* text) {
    if (bytes > size_ - at_) return false;
    text->clear();
    for (; bytes > 0; --bytes) {
      text->push_back(static_cast<char>(Current()));
      Advance(1);
    }
    return true;
  }

 private:
  [[nodiscard]] std::uint8_t Current() {
    while (within_ >= slices_[slice_].size()) {
      within_ -= slices_[slice_].size();
      ++slice_;
    }
    return slices_[slice_].begin()[within_];
  }
  void Advance(std::uint64_t bytes) {
    at_ += bytes;
    within_ += bytes;
  }

  const std::vector<grpc::Slice>& slices_;
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
  std::size_t slice_ = 0;
  std::uint64_t within_ = 0;
};

struct Range {
  std::uint64_t begin;
  std::uint64_t end;
};

// The fields of number 2, and the last one's text. Nothing of a message that is no protobuf, or
// whose field 2 is no text.
struct VersionFields {
  std::vector<Range> ranges = {};
  std::string text = {};
};
VersionFields FindVersionFields(const std::vector<grpc::Slice>& slices) {
  VersionFields found;
  Cursor cursor(slices);
  while (!cursor.ended()) {
    const std::uint64_t begin = cursor.at();
    std::uint64_t tag = 0;
    std::uint64_t number = 0;
    if (!cursor.Varint(&tag)) return {};
    const bool is_version = tag >> 3U == kModelVersionField;
    if (is_version && (tag & 7U) != kLengthDelimited) return {};
    bool good = false;
    switch (tag & 7U) {
      case 0:
        good = cursor.Varint(&number);
        break;
      case 1:
        good = cursor.Skip(8);
        break;
      case kLengthDelimited:
        good = cursor.Varint(&number) &&
               (is_version && number <= kMostVersionBytes ? cursor.Read(number, &found.text)
                                                          : cursor.Skip(number));
        if (is_version && number > kMostVersionBytes) found.text.clear();
        break;
      case 5:
        good = cursor.Skip(4);
        break;
      default:
        break;  // groups: nobody's request has them
    }
    if (!good) return {};
    if (is_version) found.ranges.push_back({begin, cursor.at()});
  }
  return found;
}

std::vector<grpc::Slice> SlicesOf(const grpc::ByteBuffer& message) {
  std::vector<grpc::Slice> slices;
  if (message.Valid() && !message.Dump(&slices).ok()) slices.clear();
  return slices;
}

// Appends what of [from, to) of the whole lies in these slices.
void AppendRange(const std::vector<grpc::Slice>& slices, Range range,
                 std::vector<grpc::Slice>* out) {
  std::uint64_t begin = 0;
  for (const grpc::Slice& slice : slices) {
    const std::uint64_t end = begin + slice.size();
    const std::uint64_t from = std::max(range.begin, begin);
    const std::uint64_t to = std::min(range.end, end);
    if (from < to) out->push_back(slice.sub(from - begin, to - begin));
    begin = end;
  }
}

}  // namespace

Result<void> Inflate(grpc::ByteBuffer* message, std::uint64_t limit) {
  if (!message->Valid()) return {};
  if (message->Length() > limit) return Inflater::TooLarge(limit);
  const grpc_compression_algorithm coding = RawBuffer(message).coding();
  if (coding == GRPC_COMPRESS_NONE) return {};
  // gzip has a head of its own (RFC 1952), deflate is zlib's form (RFC 1950).
  Inflater inflater(coding == GRPC_COMPRESS_GZIP ? MAX_WBITS + 16 : MAX_WBITS);
  std::vector<grpc::Slice> out;
  for (const grpc::Slice& piece : SlicesOf(*message)) {
    auto fed = inflater.Feed(piece, limit, &out);
    if (!fed) return fed.error();
  }
  if (!inflater.ended()) return Invalid("the compressed message ends early");
  *message = grpc::ByteBuffer(out.data(), out.size());
  return {};
}

std::optional<std::string> ModelVersionOf(const grpc::ByteBuffer& message) {
  const auto slices = SlicesOf(message);
  VersionFields found = FindVersionFields(slices);
  if (found.text.empty()) return std::nullopt;
  return std::move(found.text);
}

void EraseModelVersion(grpc::ByteBuffer* message) {
  const auto slices = SlicesOf(*message);
  const VersionFields found = FindVersionFields(slices);
  std::vector<grpc::Slice> kept;
  std::uint64_t from = 0;
  for (const Range& range : found.ranges) {
    AppendRange(slices, {from, range.begin}, &kept);
    from = range.end;
  }
  AppendRange(slices, {from, message->Length()}, &kept);
  *message = grpc::ByteBuffer(kept.data(), kept.size());
}

}  // namespace penstock::router
