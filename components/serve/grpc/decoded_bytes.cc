#include "components/serve/grpc/decoded_bytes.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "components/serve/grpc/inference.pb.h"

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

using Request = inference::ModelInferRequest;
using Input = Request::InferInputTensor;
using Output = Request::InferRequestedOutputTensor;
using Contents = inference::InferTensorContents;

// The messages that a request is made of, and what is looked at no further.
enum class Kind { kRequest, kInput, kOutput, kContents, kOther, kBytes };

Kind KindOf(Kind outer, int field) {
  if (outer == Kind::kRequest) {
    if (field == Request::kInputsFieldNumber) return Kind::kInput;
    if (field == Request::kOutputsFieldNumber) return Kind::kOutput;
    if (field == Request::kParametersFieldNumber) return Kind::kOther;
  }
  if (outer == Kind::kInput) {
    if (field == Input::kContentsFieldNumber) return Kind::kContents;
    if (field == Input::kParametersFieldNumber) return Kind::kOther;
  }
  if (outer == Kind::kOutput && field == Output::kParametersFieldNumber) return Kind::kOther;
  return Kind::kBytes;
}

bool AreIntegers(Kind outer, int field) {
  if (outer == Kind::kInput) return field == Input::kShapeFieldNumber;
  return outer == Kind::kContents && (field == Contents::kBoolContentsFieldNumber ||
                                      field == Contents::kIntContentsFieldNumber ||
                                      field == Contents::kInt64ContentsFieldNumber ||
                                      field == Contents::kUintContentsFieldNumber ||
                                      field == Contents::kUint64ContentsFieldNumber);
}

// Bytes of memory for each byte of a field that is no message.
std::uint64_t WeightOf(Kind outer, int field) {
  // Those of one byte become eight in the message, in a list that grows, and in the tensor.
  if (AreIntegers(outer, field)) return 24;
  // Raw INT8 becomes eight bytes, too.
  return outer == Kind::kRequest && field == Request::kRawInputContentsFieldNumber ? 9 : 3;
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

}  // namespace

std::uint64_t DecodedBytes(google::protobuf::io::ZeroCopyInputStream* wire) {
  CodedInputStream in(wire);
  return DecodedBytesOf(Kind::kRequest, &in);
}

}  // namespace penstock::serve
