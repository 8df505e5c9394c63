// The V2 protocol's gRPC messages <-> tensors. Pure. Internal to the gRPC server: includes
// protobuf.
#pragma once

#include "components/serve/engine/infer_request.h"
#include "components/serve/grpc/inference.pb.h"
#include "components/serve/protocol/infer_encode.h"
#include "operator/base/result.h"

namespace penstock::serve {

// Invalid names the input. The answer borrows its texts from the message.
[[nodiscard]] Result<InferRequest> FromMessage(const inference::ModelInferRequest& message);

// Whether the answer's tensors are to be bytes, as the request's are.
[[nodiscard]] bool IsRaw(const inference::ModelInferRequest& message);

// What the model takes and gives; of times their unit, too.
void Describe(const ModelIdentity& identity, const Model& model,
              inference::ModelMetadataResponse* answer);

// `raw`, or any output of half precision, which has no other form: all outputs as bytes.
void ToMessage(const ModelIdentity& model, const std::string& id,
               const std::vector<Tensor>& outputs, bool raw,
               inference::ModelInferResponse* message);

}  // namespace penstock::serve
