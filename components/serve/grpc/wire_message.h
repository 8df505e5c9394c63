// A gRPC message as it came: inflated within a bound, and looked at for what it takes in memory
// before protobuf decodes it (decoded_bytes.h). Internal to the gRPC server: includes gRPC and
// protobuf.
#pragma once

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <optional>
#include <string>

#include "operator/base/result.h"

namespace penstock::serve {

class WireMessage {
 public:
  // Whether it takes long to read: it is large, or compressed, whatever becomes of it.
  [[nodiscard]] static bool TakesLong(grpc::ByteBuffer* wire);

  // Empties `wire`, whose compression is told by its first bytes: gzip's are those of no protobuf,
  // and deflate's of none of this protocol. Invalid where it does not inflate; TooLarge where it
  // has or becomes more than `limit` bytes.
  [[nodiscard]] static Result<WireMessage> Take(grpc::ByteBuffer* wire, std::uint64_t limit);

  // What it counts for in the budget of all bodies, whose bytes may each take kMemoryPerByte bytes
  // of memory (byte_budget.h): its own size, or more where it takes more than that.
  [[nodiscard]] std::uint64_t BudgetBytes();
  // False where it is no such message.
  [[nodiscard]] bool Parse(google::protobuf::MessageLite* message);

 private:
  // use(stream of its bytes)
  template <typename F>
  auto Read(F use);

  grpc::ByteBuffer wire_;
  std::optional<std::string> inflated_;  // used instead where it is there
};

}  // namespace penstock::serve
