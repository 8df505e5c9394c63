// Answers of the V2 protocol as JSON text: inference responses, metadata, errors. Pure.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "components/serve/engine/model_identity.h"
#include "components/serve/engine/model_names.h"
#include "operator/base/result.h"

namespace penstock::serve {

// What the server does beyond the protocol, as its metadata names it.
inline constexpr std::array<const char*, 4> kExtensions = {
    "binary_tensor_data", "model_repository", "statistics", "tensorflow_serving_predict"};

struct InferBody {
  std::string bytes;
  std::optional<std::size_t> json_size;  // when binary tensors follow the JSON
};

// {"model_name", "model_version", "id", "outputs": [...]}. binary[i] says that output i goes behind
// the JSON; absent ones are JSON. Internal when a float is not finite: JSON has no such number.
// Invalid for FP16 and BF16 as JSON.
[[nodiscard]] Result<InferBody> EncodeInferResponse(const ModelIdentity& model, std::string_view id,
                                                    const std::vector<Tensor>& outputs,
                                                    const std::vector<bool>& binary = {});
[[nodiscard]] std::string EncodeModelMetadata(const ModelIdentity& model,
                                              const std::string& platform,
                                              const Signature& signature);
[[nodiscard]] std::string EncodeServerMetadata(const std::string& version);
// {"error": message}; bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string EncodeError(std::string_view message);

// Appends elements [begin, end) with commas between; errors as EncodeInferResponse has them.
[[nodiscard]] std::optional<Error> AppendElements(const Tensor& tensor, std::size_t begin,
                                                  std::size_t end, std::string* out);
// Appends text as a JSON string. The text must be UTF-8.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace penstock::serve
