// Rows of a dataset as a model's examples: what a client would send, with what the model answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "operator/base/result.h"

namespace penstock::sdk {

// `count` rows spread evenly over the dataset (all where it has fewer), each with the answer of the
// same row in `raw`: RawWidth() floats a row, in the dataset's order.
[[nodiscard]] Result<std::vector<ModelExample>> MakeExamples(const ModelManifest& manifest,
                                                             const std::string& dataset,
                                                             const std::vector<float>& raw,
                                                             std::size_t count);
// These rows of the dataset (ascending); `raw` has the answers to them alone.
[[nodiscard]] Result<std::vector<ModelExample>> MakeExamples(
    const ModelManifest& manifest, const std::string& dataset, const std::vector<float>& raw,
    const std::vector<std::uint32_t>& rows);

}  // namespace penstock::sdk
