#include "components/router/routing/grpc_method.h"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::router {

namespace {

using Known = std::pair<std::string_view, GrpcMethod>;

constexpr std::array<Known, 13> kKnown = {{
    {"/grpc.health.v1.Health/Check", {RouteKind::kHealth, true, false, true}},
    {"/grpc.health.v1.Health/Watch", {RouteKind::kHealth, false, false, false}},
    {"/inference.GRPCInferenceService/ModelInfer", {RouteKind::kInfer, true, true, false}},
    {"/inference.GRPCInferenceService/ModelMetadata", {RouteKind::kMetadata, true, true, false}},
    {"/inference.GRPCInferenceService/ModelReady", {RouteKind::kHealth, true, true, true}},
    {"/inference.GRPCInferenceService/ModelStreamInfer", {RouteKind::kInfer, false, true, false}},
    {"/inference.GRPCInferenceService/ServerLive", {RouteKind::kHealth, true, false, true}},
    {"/inference.GRPCInferenceService/ServerMetadata", {RouteKind::kMetadata, true, false, false}},
    {"/inference.GRPCInferenceService/ServerReady", {RouteKind::kHealth, true, false, true}},
    {"/tensorflow.serving.PredictionService/Classify", {RouteKind::kPredict, true, false, false}},
    {"/tensorflow.serving.PredictionService/GetModelMetadata",
     {RouteKind::kMetadata, true, false, false}},
    {"/tensorflow.serving.PredictionService/Predict", {RouteKind::kPredict, true, false, false}},
    {"/tensorflow.serving.PredictionService/Regress", {RouteKind::kPredict, true, false, false}},
}};

// By code: OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS,
// PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED,
// INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED.
constexpr std::array<int, 17> kStatuses = {200, 500, 500, 400, 504, 404, 409, 403, 503,
                                           400, 409, 400, 405, 500, 503, 500, 401};

}  // namespace

GrpcMethod GrpcMethodOf(std::string_view name) {
  const auto found = std::find_if(kKnown.begin(), kKnown.end(),
                                  [&](const Known& known) { return known.first == name; });
  return found == kKnown.end() ? GrpcMethod() : found->second;
}

int HttpStatusOf(int grpc_code) {
  const auto code = static_cast<std::size_t>(grpc_code);
  return code < kStatuses.size() ? kStatuses[code] : 500;
}

}  // namespace penstock::router
