// Texts that are nearly the same: SimHash (Charikar, STOC 2002), as Manku, Jain and Das Sarma use
// it for pages ("Detecting near-duplicates for web crawling", WWW 2007). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::audit {

// 64 bits of the shingles of three words (lower case, letters and digits of any script); of fewer
// than six words, of four characters. Texts that share most shingles differ in few bits. 0 for a
// text without a word.
[[nodiscard]] std::uint64_t SimHash(std::string_view text);

// Bits in which two differ.
[[nodiscard]] int Distance(std::uint64_t a, std::uint64_t b);

// Pairs of indices (the smaller first, each once, rising) at a distance of at most 3; a hash of 0
// is near to none. Found by four bands of 16 bits, of which one at least is equal in such a pair;
// of a band's value that more than 1,000 texts share, each is compared with the 1,000 before it. At
// most `most` pairs.
[[nodiscard]] std::vector<std::pair<std::uint32_t, std::uint32_t>> NearPairs(
    const std::vector<std::uint64_t>& hashes, std::size_t most);

}  // namespace penstock::audit
