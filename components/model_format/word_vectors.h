// Vectors of words, and the vector of a text: what a step of kWordVectors runs on. Pure; immutable,
// so thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::sdk {

// Upper bounds: of one step's vectors, 64 MiB of float32, and of a vector's width.
inline constexpr std::int64_t kMostVectorValues = 1 << 24;
inline constexpr std::int64_t kMostDimensions = 4096;

struct WordVectors {
  std::int64_t dimensions = 0;
  std::vector<std::string> words;  // each once
  std::vector<float> values;       // words x dimensions, finite
  bool operator==(const WordVectors&) const = default;

  [[nodiscard]] std::span<const float> Of(std::size_t word) const {
    return std::span(values).subspan(word * std::size_t(dimensions), std::size_t(dimensions));
  }
};

// Vectors that steps share; equal by what they hold.
struct SharedVectors {
  std::shared_ptr<const WordVectors> table = nullptr;
  bool operator==(const SharedVectors& other) const {
    return table == other.table ||
           (table != nullptr && other.table != nullptr && *table == *other.table);
  }
};

// {dimensions, words, values}, as transform.json holds them: values are float32, the least byte
// first, in base64, as a list of numbers would take three times the bytes.
[[nodiscard]] Json ToJson(const WordVectors& vectors);
// Throws Json::exception for what is no such object; whether it fits itself is for
// transform_check.h.
[[nodiscard]] Result<SharedVectors> ParseVectors(const Json& json);

enum class Pooling : std::uint8_t { kMean, kMax };

// How a word of a text (words.h) is looked up: `has` is asked for the word, then for it with small
// ASCII letters, then, of a word of Hangul alone, for its beginnings from the longest down to two
// syllables, as what stands at its end is a particle or an ending. The first that `has` knows;
// empty where it knows none.
[[nodiscard]] std::string ResolveWord(std::string_view word,
                                      const std::function<bool(std::string_view)>& has);

class WordPool {
 public:
  explicit WordPool(std::shared_ptr<const WordVectors> vectors);

  // The mean or the greatest value by dimension of the vectors of a text's words, each as often as
  // it stands there, into `out` (dimensions long); how many have one. `out` is 0 where none has.
  std::size_t Pool(std::string_view text, Pooling pooling, std::span<double> out) const;

 private:
  [[nodiscard]] const float* Find(std::string_view word) const;

  std::shared_ptr<const WordVectors> vectors_;
  std::unordered_map<std::string_view, std::size_t> places_;  // of vectors_' own words
};

}  // namespace penstock::sdk
