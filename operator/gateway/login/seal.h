// Texts that a browser keeps for us and can neither read nor alter: AES-256-GCM under a key that no
// browser has. Immutable; from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::gateway::login {

inline constexpr std::size_t kLeastSealKey = 32;  // bytes

class Seal {
 public:
  // Invalid for a key of fewer bytes. White space at its end is not part of it.
  [[nodiscard]] static Result<Seal> Make(std::string_view key);

  // In the web-safe alphabet. What is sealed for one purpose cannot be opened for another.
  [[nodiscard]] Result<std::string> Close(std::string_view purpose, std::string_view text) const;
  // Nothing for what this key has not sealed for this purpose.
  [[nodiscard]] std::optional<std::string> Open(std::string_view purpose,
                                                std::string_view sealed) const;

 private:
  explicit Seal(std::string key) : key_(std::move(key)) {}
  std::string key_;  // 32 bytes
};

// Bytes that nobody can guess, in the web-safe alphabet: 43 characters.
[[nodiscard]] Result<std::string> RandomText();

// Base64 in the web-safe alphabet, without padding (RFC 7515, section 2).
[[nodiscard]] std::string WebSafe(std::string_view bytes);

}  // namespace penstock::gateway::login
