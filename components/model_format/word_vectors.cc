#include "components/model_format/word_vectors.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "components/model_format/words.h"
#include "operator/base/base64.h"
#include "operator/base/json.h"

namespace penstock::sdk {

Json ToJson(const WordVectors& vectors) {
  static_assert(std::endian::native == std::endian::little);
  const auto* bytes = reinterpret_cast<const char*>(vectors.values.data());
  return {{"dimensions", vectors.dimensions},
          {"words", vectors.words},
          {"values", EncodeBase64({bytes, vectors.values.size() * sizeof(float)})}};
}

Result<SharedVectors> ParseVectors(const Json& json) {
  auto vectors = std::make_shared<WordVectors>();
  json.at("dimensions").get_to(vectors->dimensions);
  json.at("words").get_to(vectors->words);
  const auto bytes = DecodeBase64(json.at("values").get_ref<const std::string&>());
  if (!bytes || bytes->size() % sizeof(float) != 0) {
    return Invalid("vectors.values is no base64 of float32");
  }
  vectors->values.resize(bytes->size() / sizeof(float));
  if (!bytes->empty()) std::memcpy(vectors->values.data(), bytes->data(), bytes->size());
  return SharedVectors{std::move(vectors)};
}

std::string ResolveWord(std::string_view word, const std::function<bool(std::string_view)>& has) {
  constexpr std::size_t kSyllable = 3;  // bytes
  constexpr std::size_t kShortest = 2 * kSyllable;
  if (has(word)) return std::string(word);
  std::string small = SmallLetters(word);
  if (small != word && has(small)) return small;
  if (!IsHangulWord(word)) return {};
  for (std::size_t size = word.size(); size > kShortest;) {
    size -= kSyllable;
    if (has(word.substr(0, size))) return std::string(word.substr(0, size));
  }
  return {};
}

WordPool::WordPool(std::shared_ptr<const WordVectors> vectors) : vectors_(std::move(vectors)) {
  if (vectors_ == nullptr) return;
  places_.reserve(vectors_->words.size());
  for (std::size_t i = 0; i < vectors_->words.size(); ++i) {
    places_.emplace(vectors_->words[i], i);
  }
}

const float* WordPool::Find(std::string_view word) const {
  const auto own = places_.find(word);
  if (own != places_.end()) return vectors_->Of(own->second).data();
  const std::string resolved =
      ResolveWord(word, [&](std::string_view w) { return places_.contains(w); });
  if (resolved.empty()) return nullptr;
  return vectors_->Of(places_.find(resolved)->second).data();
}

std::size_t WordPool::Pool(std::string_view text, Pooling pooling, std::span<double> out) const {
  std::size_t found = 0;
  std::fill(out.begin(), out.end(), 0.0);
  ForEachUnicodeWord(text, [&](std::string_view word) {
    const float* vector = Find(word);
    if (vector == nullptr) return;
    const bool first = found++ == 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto value = double(vector[i]);
      if (pooling == Pooling::kMean) {
        out[i] += value;
      } else {
        out[i] = first ? value : std::max(out[i], value);
      }
    }
  });
  if (pooling == Pooling::kMean && found > 0) {
    for (double& x : out) x /= double(found);
  }
  return found;
}

}  // namespace penstock::sdk
