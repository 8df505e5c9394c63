// What of a call's metadata is passed on. Internal to the gRPC front: includes gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::router {

inline constexpr const char* kVersionKey = "penstock-version";

// The first key of what a client sent that cannot be passed on: gRPC takes keys and values beyond
// printable ASCII from whoever sends them, and ends the program that wants to send them.
[[nodiscard]] std::optional<std::string> Unsendable(
    const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);

// The client's to a server: not what is gRPC's own from hop to hop, nor the pin; nor, where the
// router checks tokens, the token, which is for it alone.
void PassOn(const std::multimap<grpc::string_ref, grpc::string_ref>& from, bool without_token,
            grpc::ClientContext* to);
// The server's answer to the client: its head, with the version that answered, and its trailers;
// without what cannot be sent (Unsendable).
void PassHead(const grpc::ClientContext& from, std::int64_t version,
              grpc::CallbackServerContext* to);
void PassTrailers(const grpc::ClientContext& from, grpc::CallbackServerContext* to);

}  // namespace penstock::router
