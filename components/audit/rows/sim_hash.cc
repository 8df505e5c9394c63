#include "components/audit/rows/sim_hash.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "components/sdk/row_hash.h"

namespace penstock::audit {
namespace {

constexpr int kNear = 3;
constexpr std::size_t kMostOfABand = 1000;

// ASCII is folded; bytes of other scripts are letters.
std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool upper = byte >= 'A' && byte <= 'Z';
    const bool letter =
        upper || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
    if (letter && !in_word) words.emplace_back();
    if (letter) words.back() += upper ? char(byte + 32) : c;
    in_word = letter;
  }
  return words;
}

void Count(std::uint64_t hash, std::array<int, 64>* votes) {
  for (int bit = 0; bit < 64; ++bit) (*votes)[std::size_t(bit)] += (hash >> bit & 1) != 0 ? 1 : -1;
}

std::uint64_t HashOf(std::string_view shingle) { return sdk::MixBits(sdk::HashText(shingle)); }

}  // namespace

std::uint64_t SimHash(std::string_view text) {
  constexpr std::size_t kWords = 3;
  constexpr std::size_t kLetters = 4;
  const auto words = WordsOf(text);
  if (words.empty()) return 0;
  std::array<int, 64> votes{};
  if (words.size() >= 2 * kWords) {
    for (std::size_t i = 0; i + kWords <= words.size(); ++i) {
      Count(HashOf(words[i] + " " + words[i + 1] + " " + words[i + 2]), &votes);
    }
  } else {
    std::string joined;
    for (const auto& word : words) joined += (joined.empty() ? "" : " ") + word;
    for (std::size_t i = 0; i == 0 || i + kLetters <= joined.size(); ++i) {
      Count(HashOf(std::string_view(joined).substr(i, kLetters)), &votes);
    }
  }
  std::uint64_t hash = 0;
  for (std::size_t bit = 0; bit < 64; ++bit) {
    if (votes[bit] > 0) hash |= std::uint64_t{1} << bit;
  }
  return hash;
}

int Distance(std::uint64_t a, std::uint64_t b) { return std::popcount(a ^ b); }

std::vector<std::pair<std::uint32_t, std::uint32_t>> NearPairs(
    const std::vector<std::uint64_t>& hashes, std::size_t most) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < hashes.size(); ++i) {
    if (hashes[i] != 0) order.push_back(i);
  }
  for (int band = 0; band < 4; ++band) {
    const auto key = [&](std::uint32_t i) { return hashes[i] >> (16 * band) & 0xFFFF; };
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return key(a) != key(b) ? key(a) < key(b) : a < b; });
    for (std::size_t i = 1; i < order.size(); ++i) {
      for (std::size_t j = i; j-- > 0 && i - j <= kMostOfABand && key(order[j]) == key(order[i]);) {
        if (Distance(hashes[order[i]], hashes[order[j]]) > kNear) continue;
        pairs.emplace_back(std::min(order[i], order[j]), std::max(order[i], order[j]));
      }
      if (pairs.size() > 8 * most) break;  // some are found in several bands
    }
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  if (pairs.size() > most) pairs.resize(most);
  return pairs;
}

}  // namespace penstock::audit
