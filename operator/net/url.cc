#include "operator/net/url.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "operator/base/shown_text.h"

namespace penstock::net {
namespace {

bool ParsePort(std::string_view text, std::uint16_t& port) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end && port != 0;
}

}  // namespace

std::string Url::Origin() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (tls ? "https://" : "http://") + (v6 ? "[" + host + "]" : host) + ":" +
         std::to_string(port);
}

std::string Url::Base() const { return (tls ? "https://" : "http://") + authority; }

std::string RedirectTarget(const Url& from, const std::string& location) {
  if (location.rfind("http://", 0) == 0 || location.rfind("https://", 0) == 0) return location;
  if (location.rfind("//", 0) == 0) return (from.tls ? "https:" : "http:") + location;
  if (!location.empty() && location[0] == '/') return from.Base() + location;
  const std::string path = from.target.substr(0, from.target.find('?'));
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  return from.Base() + (folder.empty() ? "/" : folder) + location;
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; });
}

Result<Url> ParseUrl(const std::string& text, std::uint16_t default_port) {
  // Not shown: the text may come from a redirect.
  if (HasControl(text)) return Invalid("a URL with a space or control character is not asked");
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return Invalid("'" + ShownUri(text) + "' is no http or https URL");
  }
  const auto slash = rest.find_first_of("/?#");
  url.authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) {
    url.target = rest.substr(slash, rest.find('#') - slash);
    if (url.target.starts_with('?')) url.target.insert(0, "/");
  }
  if (url.authority.find('@') != std::string::npos) {
    return Invalid("a URL with a user or password is refused; use a Secret");
  }
  url.port = default_port != 0 ? default_port : url.tls ? 443 : 80;
  std::string_view host = url.authority;
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  bool good = true;
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    good = ParsePort(host.substr(colon + 1), url.port);
    host = host.substr(0, colon);
  }
  const bool v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (v6) host = host.substr(1, host.size() - 2);
  url.host = host;
  // Colons and brackets belong to an IPv6 address in brackets and to nothing else.
  if (!v6 && host.find(':') != std::string_view::npos) good = false;
  if (!good || host.empty() || host.find_first_of("[]") != std::string_view::npos)
    return Invalid("'" + ShownUri(text) + "' has no host or a bad port");
  return url;
}

std::string UrlEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += {'%', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return out;
}

Result<std::string> UrlDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const char* const end = text.data() + std::min(i + 3, text.size());
    const auto read = std::from_chars(text.data() + i + 1, end, value, 16);
    if (read.ec != std::errc() || read.ptr != text.data() + i + 3)
      return Invalid("'" + std::string(text.substr(i, 3)) + "' is no percent-encoding");
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

}  // namespace penstock::net
