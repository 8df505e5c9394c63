#include "operator/net/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "operator/base/base64.h"

namespace penstock::net {
namespace {

// IPv4 in its mapped form, so that both families compare alike.
using Address = std::array<std::uint8_t, 16>;

std::optional<Address> ParseAddress(const std::string& text) {
  Address out{};
  if (::inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return out;
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) != 1) return std::nullopt;
  out = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  std::copy_n(reinterpret_cast<const std::uint8_t*>(&v4), 4, out.begin() + 12);
  return out;
}

bool IsLoopback(const Address& address) {
  static const Address kV6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const bool v4 = std::all_of(address.begin(), address.begin() + 10, [](auto b) { return b == 0; });
  return address == kV6 || (v4 && address[10] == 0xFF && address[12] == 127);
}

std::optional<int> ParseNumber(std::string_view text) {
  int value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || rest != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// "10.0.0.0/8", "fd00::/8".
bool IsInRange(const Address& address, const std::string& range) {
  const auto slash = range.find('/');
  if (slash == std::string::npos) return false;
  const auto base = ParseAddress(range.substr(0, slash));
  const auto bits = ParseNumber(std::string_view(range).substr(slash + 1));
  if (!base || !bits) return false;
  const bool v4 = range.find(':') == std::string::npos;
  const int length = *bits + (v4 ? 96 : 0);
  if (length > 128) return false;
  for (int i = 0; i < length; ++i) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> (i % 8));
    if ((address[i / 8] & mask) != ((*base)[i / 8] & mask)) return false;
  }
  return true;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string Trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

// Takes ":port" off the entry, and the brackets of an IPv6 address. False: of another port.
bool TakePort(std::string& entry, std::uint16_t port) {
  const auto colon = entry.rfind(':');
  const bool bracketed = entry.starts_with('[');
  const bool one = colon != std::string::npos && entry.find(':') == colon;
  if (one || (bracketed && colon != std::string::npos && entry[colon - 1] == ']')) {
    if (ParseNumber(std::string_view(entry).substr(colon + 1)) != int{port}) return false;
    entry.resize(colon);
  }
  if (bracketed && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  return true;
}

bool Excepts(std::string entry, const std::string& host, const std::optional<Address>& address,
             std::uint16_t port) {
  if (entry == "*") return true;
  if (address && IsInRange(*address, entry)) return true;
  if (!TakePort(entry, port) || entry.empty()) return false;
  if (const auto excepted = ParseAddress(entry)) return address && *address == *excepted;
  if (entry.starts_with("*.")) entry.erase(0, 1);
  if (entry.starts_with('.')) return host.ends_with(entry);
  return host == entry || host.ends_with("." + entry);
}

std::string Decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* hex = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(hex, hex + 2, value, 16).ptr == hex + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Variable {
  std::string name, value;
};

Variable FirstOf(const std::map<std::string, std::string>& environment, const std::string& upper) {
  for (const std::string& name : {upper, Lower(upper)}) {
    const auto found = environment.find(name);
    if (found != environment.end() && !found->second.empty()) return {name, found->second};
  }
  return {};
}

}  // namespace

Result<Proxy> ParseProxy(const std::string& text) {
  const auto end_of_scheme = text.find("://");
  const std::string scheme = Lower(text.substr(0, end_of_scheme));
  if (end_of_scheme == std::string::npos || (scheme != "http" && scheme != "https")) {
    const bool socks = end_of_scheme != std::string::npos && scheme.starts_with("socks");
    return Invalid(socks ? "a " + scheme + " proxy is not spoken; name one of http or https"
                         : "the proxy is no URL of http or https");
  }
  Proxy out;
  std::string rest = text.substr(end_of_scheme + 3);
  rest.resize(std::min(rest.find_first_of("/?#"), rest.size()));
  const auto at = rest.rfind('@');
  if (at != std::string::npos) {
    const auto colon = std::min(rest.find(':'), at);
    const std::string user = Decoded(rest.substr(0, colon));
    const std::string password = colon < at ? Decoded(rest.substr(colon + 1, at - colon - 1)) : "";
    out.authorization = "Basic " + EncodeBase64(user + ":" + password);
    rest.erase(0, at + 1);
  }
  auto url = ParseUrl(scheme + "://" + rest);
  if (!url) return Wrap("the proxy", url.error());
  out.url = *std::move(url);
  return out;
}

bool IsExcepted(const Url& server, const std::string& no_proxy) {
  const std::string host = Lower(server.host);
  const auto address = ParseAddress(host);
  if (host == "localhost" || (address && IsLoopback(*address))) return true;
  for (std::size_t begin = 0; begin <= no_proxy.size();) {
    const auto end = std::min(no_proxy.find(',', begin), no_proxy.size());
    const std::string entry = Lower(Trimmed(std::string_view(no_proxy).substr(begin, end - begin)));
    if (!entry.empty() && Excepts(entry, host, address, server.port)) return true;
    begin = end + 1;
  }
  return false;
}

Result<std::optional<Proxy>> ProxyFromEnvironment(
    const Url& server, const std::map<std::string, std::string>& environment) {
  const Variable chosen = FirstOf(environment, server.tls ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (chosen.value.empty()) return std::optional<Proxy>();
  if (IsExcepted(server, FirstOf(environment, "NO_PROXY").value)) return std::optional<Proxy>();
  const bool whole = chosen.value.find("://") != std::string::npos;
  auto proxy = ParseProxy(whole ? chosen.value : "http://" + chosen.value);
  if (!proxy) return Wrap(chosen.name, proxy.error());
  return std::optional<Proxy>(*std::move(proxy));
}

}  // namespace penstock::net
