// Messages on their way through: bytes of whatever service, of which the router reads no more than
// the version that a request of V2 names. Internal to the gRPC front: includes gRPC.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <optional>
#include <string>

#include "operator/base/result.h"

namespace penstock::router {

// Makes a message that its sender has compressed (gzip, deflate) a plain one. Invalid where it does
// not inflate, TooLarge where it has or becomes more than `limit` bytes; memory stays within it.
[[nodiscard]] Result<void> Inflate(grpc::ByteBuffer* message, std::uint64_t limit);

// The value of field 2 of a protobuf message where that is text: "model_version" of V2's requests.
// As protobuf has it, the last counts where several stand there; nothing where none is there, it
// is empty, too long for a version, or the message is no protobuf, which is for its server to say.
[[nodiscard]] std::optional<std::string> ModelVersionOf(const grpc::ByteBuffer& message);

// The same message without its fields of number 2, which must be of text; no byte is copied.
void EraseModelVersion(grpc::ByteBuffer* message);

}  // namespace penstock::router
