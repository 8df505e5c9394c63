// URLs of http and https: the one parser of the operator. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::net {

struct Url {
  bool tls = false;
  std::string host;  // without brackets
  std::uint16_t port = 0;
  std::string target;     // path and query without the fragment; "" where the text ends before
  std::string authority;  // host[:port] as written, for the Host header

  // "https://authority": with a port where one was written. A server that knows itself by the Host
  // header may not know "host:443".
  [[nodiscard]] std::string Base() const;
  // "https://host:port", whole even where the text left the port out.
  [[nodiscard]] std::string Origin() const;
};

// `default_port` 0: the scheme's. Invalid for another scheme, for a space or control character,
// which would end a request's line, for a user or password, and without a host or with a bad port.
[[nodiscard]] Result<Url> ParseUrl(const std::string& text, std::uint16_t default_port = 0);

// Where the header Location of an answer from `from` leads; a relative one stays on its server.
[[nodiscard]] std::string RedirectTarget(const Url& from, const std::string& location);

// True when the text holds a space or a control character.
[[nodiscard]] bool HasControl(std::string_view text);

// Percent-encodes all but unreserved characters.
[[nodiscard]] std::string UrlEncode(std::string_view text);
// Takes percent-encoding back. Invalid where a '%' is followed by no two hex digits.
[[nodiscard]] Result<std::string> UrlDecode(std::string_view text);

}  // namespace penstock::net
