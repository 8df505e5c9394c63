// What a TransformSpec must be before it may run: the one check behind ParseTransformSpec (a file)
// and Transform::Make (a fit). Pure.
#pragma once

#include "components/model_format/transform.h"

namespace penstock::sdk {

// Upper bounds, so that a hostile transform.json cannot ask for all memory.
inline constexpr std::uint64_t kMostTransformBytes = 1ULL << 30;  // word vectors are large
inline constexpr std::size_t kMaxFeatures = 1'000'000;
inline constexpr std::size_t kMaxInputs = 100'000;
inline constexpr std::int64_t kMostTokens = 2048;  // of one text
// Ids are stored in a float, which holds integers exactly up to 2^24.
inline constexpr std::int64_t kMaxVocabulary = 1 << 24;

// Invalid names the step ("steps[3] (scale distance): std must be ...").
[[nodiscard]] Result<void> CheckTransformSpec(const TransformSpec& spec);

}  // namespace penstock::sdk
