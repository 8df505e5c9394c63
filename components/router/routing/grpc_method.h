// What a gRPC call asks for, read off its method's full name: the kind of route, and what is known
// of the method. Pure.
#pragma once

#include <string_view>

#include "components/router/routing/request_route.h"

namespace penstock::router {

struct GrpcMethod {
  RouteKind kind = RouteKind::kOther;
  // One message each way, the answer's head with it.
  bool unary = false;
  // Its request says in field 2, as text, which version of the model it is for (V2).
  bool names_version = false;
  // A probe that is answered to everybody, token or none.
  bool open_probe = false;
};

// `name`: "/inference.GRPCInferenceService/ModelInfer". Of a method that is not known, nothing but
// that it is kOther.
[[nodiscard]] GrpcMethod GrpcMethodOf(std::string_view name);

// How statistics count a call that ended with this status (0 to 16 of gRPC, google.rpc.Code): as
// HTTP's status of the same meaning, so that gates judge both alike. Those of a server that cannot
// serve are 5xx: UNKNOWN, INTERNAL, DATA_LOSS, UNAVAILABLE, RESOURCE_EXHAUSTED (a server that is
// full), CANCELLED (by the server: its client had not gone); those of the call are 4xx,
// UNIMPLEMENTED too.
[[nodiscard]] int HttpStatusOf(int grpc_code);
inline constexpr int kGrpcDeadlineExceeded = 4;
inline constexpr int kGrpcUnavailable = 14;

}  // namespace penstock::router
