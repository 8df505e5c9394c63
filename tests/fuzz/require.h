// What a fuzz target holds its subject to.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace penstock::fuzz {

inline void Require(bool promise) {
  if (!promise) std::abort();
}

inline std::string Text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace penstock::fuzz
