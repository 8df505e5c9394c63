// What a message will take in memory, before protobuf decodes it, which knows no bound: two bytes
// can become a hundred. It bounds the server's memory (with PENSTOCK_GRPC_WEIGHTS; without, a
// message counts for its own size); it makes nothing faster. Internal to the gRPC server: includes
// protobuf.
#pragma once

#include <google/protobuf/io/zero_copy_stream.h>

#include <cstdint>

namespace penstock::serve {

// About how many bytes of memory a request of the V2 protocol takes when it is decoded into a
// message and then into tensors. Reads the heads of its fields only.
[[nodiscard]] std::uint64_t DecodedBytes(google::protobuf::io::ZeroCopyInputStream* wire);

}  // namespace penstock::serve
