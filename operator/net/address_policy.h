// Which addresses may be contacted on somebody else's behalf. Whoever asks an address that came
// from a user's object holds every address that its name resolves to against one AddressPolicy, and
// connects to what was held against it, without another look-up (HttpClientOptions::may_connect).
//
// Never: this machine and what only it reaches, whatever is allowed (loopback, link-local with a
// cloud's metadata service, unspecified, multicast, this process's own addresses), and what `own`
// names: the API server, what stands in the operator's own namespace. Otherwise a range that is
// allowed, else any that is not denied. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::net {

// A range of addresses; IPv4 ones stand as IPv4 inside IPv6.
class AddressRange {
 public:
  // "10.0.0.0/8", "fd00::/8", or an address. Invalid for anything else, bits behind the prefix
  // included.
  [[nodiscard]] static Result<AddressRange> Parse(std::string_view text);

  [[nodiscard]] bool Holds(const std::array<std::uint8_t, 16>& address) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::array<std::uint8_t, 16> first_{};
  int bits_ = 128;
};

// Nothing where the address may be contacted as `host`; kForbidden names it, the rule and what to
// do. kTransient while it is not known.
using AddressCheck =
    std::function<Result<void>(const std::string& host, const std::string& address)>;

class AddressPolicy {
 public:
  struct Rules {
    std::vector<AddressRange> deny;
    std::vector<AddressRange> allow;  // wins over deny
    // More that is never contacted; an error lets nothing be contacted. May be empty.
    std::function<Result<std::vector<std::string>>()> own;
  };
  explicit AddressPolicy(Rules rules) : rules_(std::move(rules)) {}

  [[nodiscard]] Result<void> Check(const std::string& host, const std::string& address) const;

 private:
  const Rules rules_;
};

// Invalid names the first text that is no range.
[[nodiscard]] Result<std::vector<AddressRange>> ParseRanges(const std::vector<std::string>& texts);

}  // namespace penstock::net
