#include "operator/net/address_policy.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

namespace penstock::net {
namespace {

using Bytes = std::array<std::uint8_t, 16>;
constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

Bytes Mapped(const std::uint8_t* v4) {
  Bytes out{};
  std::copy(kMapped.begin(), kMapped.end(), out.begin());
  std::copy_n(v4, 4, out.begin() + 12);
  return out;
}

// `v4` tells which of the two the text was.
std::optional<Bytes> BytesOf(const std::string& text, bool* v4 = nullptr) {
  in_addr four{};
  in6_addr six{};
  const bool is_v4 = ::inet_pton(AF_INET, text.c_str(), &four) == 1;
  if (v4 != nullptr) *v4 = is_v4;
  if (is_v4) return Mapped(reinterpret_cast<const std::uint8_t*>(&four));
  if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return std::nullopt;
  Bytes out{};
  std::copy_n(six.s6_addr, 16, out.begin());
  return out;
}

// The IPv4 address that an IPv6 one leads to through a translator or a tunnel, if any.
std::optional<Bytes> Inside(const Bytes& a) {
  constexpr std::array<std::uint8_t, 12> kNat64{0, 0x64, 0xFF, 0x9B};
  constexpr std::array<std::uint8_t, 12> kCompatible{};
  if (std::equal(kNat64.begin(), kNat64.end(), a.begin())) return Mapped(a.data() + 12);
  if (std::equal(kCompatible.begin(), kCompatible.end(), a.begin())) return Mapped(a.data() + 12);
  if (a[0] == 0x20 && a[1] == 0x02) return Mapped(a.data() + 2);  // 6to4
  return std::nullopt;
}

struct Never {
  const char* range;
  const char* what;
};
constexpr Never kNever[] = {
    {"127.0.0.0/8", "a loopback address"},
    {"::1", "a loopback address"},
    {"0.0.0.0/8", "the unspecified address"},
    {"::", "the unspecified address"},
    {"169.254.0.0/16", "a link-local address"},
    {"fe80::/10", "a link-local address"},
    {"224.0.0.0/4", "a multicast address"},
    {"ff00::/8", "a multicast address"},
    {"255.255.255.255", "the broadcast address"},
    // Where clouds tell a machine its secrets, other than by link-local addresses: AWS (metadata
    // and the credentials of pods), Google, Oracle (the last one's is that of its first cloud),
    // Scaleway, Alibaba, Azure (what its machines are set up and watched by).
    {"fd00:ec2::/32", "a cloud's metadata service"},
    {"fd20:ce::254", "a cloud's metadata service"},
    {"fd00:c1::a9fe:a9fe", "a cloud's metadata service"},
    {"192.0.0.192", "a cloud's metadata service"},
    {"fd00:42::42", "a cloud's metadata service"},
    {"100.100.100.200", "a cloud's metadata service"},
    {"168.63.129.16", "a cloud's metadata service"},
};

// What an address is that is never contacted; null: none of these.
const char* WhatIs(const Bytes& address) {
  static const auto kRanges = [] {
    std::vector<std::pair<AddressRange, const char*>> out;
    for (const auto& [range, what] : kNever) out.emplace_back(*AddressRange::Parse(range), what);
    return out;
  }();
  for (const auto& [range, what] : kRanges)
    if (range.Holds(address)) return what;
  return nullptr;
}

Result<bool> IsOfThisMachine(const Bytes& address) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0)
    return Transient("this machine's own addresses are not known: " +
                     std::generic_category().message(errno));
  bool found = false;
  for (const ifaddrs* i = all; i != nullptr && !found; i = i->ifa_next) {
    if (i->ifa_addr == nullptr) continue;
    if (i->ifa_addr->sa_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(i->ifa_addr);
      found = Mapped(reinterpret_cast<const std::uint8_t*>(&in->sin_addr)) == address;
    } else if (i->ifa_addr->sa_family == AF_INET6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(i->ifa_addr);
      found = std::equal(address.begin(), address.end(), in->sin6_addr.s6_addr);
    }
  }
  ::freeifaddrs(all);
  return found;
}

const AddressRange* Holding(const std::vector<AddressRange>& ranges, const Bytes& address) {
  const auto at = std::find_if(ranges.begin(), ranges.end(),
                               [&](const AddressRange& r) { return r.Holds(address); });
  return at == ranges.end() ? nullptr : &*at;
}

Error Refused(const std::string& host, const std::string& address, const std::string& why) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = "the operator does not ask " +
              (host == address ? address : host + " (" + address + ")") + ": " + why;
  return e;
}

}  // namespace

Result<AddressRange> AddressRange::Parse(std::string_view text) {
  const Error bad = Invalid("'" + std::string(text.substr(0, 80)) +
                            "' is no range of addresses; write 10.0.0.0/8, fd00::/8 or an address");
  AddressRange out;
  out.text_ = text;
  const std::size_t slash = text.find('/');
  bool v4 = false;
  const auto first = BytesOf(std::string(text.substr(0, slash)), &v4);
  if (!first) return bad;
  out.first_ = *first;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [rest, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.bits_);
    if (error != std::errc{} || rest != digits.data() + digits.size()) return bad;
    if (out.bits_ < 0 || out.bits_ > (v4 ? 32 : 128)) return bad;
    if (v4) out.bits_ += 96;
  }
  for (int bit = out.bits_; bit < 128; ++bit) {
    if ((out.first_[bit / 8] >> (7 - bit % 8) & 1) != 0)
      return Invalid("'" + out.text_ + "' has bits set behind its prefix");
  }
  return out;
}

bool AddressRange::Holds(const Bytes& address) const {
  const int whole = bits_ / 8;
  if (!std::equal(first_.begin(), first_.begin() + whole, address.begin())) return false;
  if (bits_ % 8 == 0) return true;
  const int shift = 8 - bits_ % 8;
  return first_[whole] >> shift == address[whole] >> shift;
}

Result<std::vector<AddressRange>> ParseRanges(const std::vector<std::string>& texts) {
  std::vector<AddressRange> out;
  for (const std::string& text : texts) {
    auto range = AddressRange::Parse(text);
    if (!range) return range.error();
    out.push_back(*std::move(range));
  }
  return out;
}

Result<void> AddressPolicy::Check(const std::string& host, const std::string& address) const {
  const auto bytes = BytesOf(address);
  if (!bytes) return Refused(host, address, "it is no address");
  const auto inside = Inside(*bytes);
  for (const auto& one : {std::optional(*bytes), inside}) {
    if (!one) continue;
    if (const char* what = WhatIs(*one))
      return Refused(host, address, std::string("it is ") + what + ", which nothing allows");
    const auto own = IsOfThisMachine(*one);
    if (!own) return Wrap("which addresses may be asked is not known", own.error());
    if (*own)
      return Refused(host, address, "it is the operator's own address, which nothing allows");
  }
  if (rules_.own) {
    auto own = rules_.own();
    if (!own) return Wrap("which addresses may be asked is not known", own.error());
    for (const std::string& text : *own) {
      const auto never = BytesOf(text);
      if (never && (*never == *bytes || (inside && *never == *inside)))
        return Refused(host, address,
                       "it is the API server's or of the operator's own namespace, which nothing "
                       "allows");
    }
  }
  const Bytes& meant = inside ? *inside : *bytes;
  if (Holding(rules_.allow, *bytes) != nullptr || Holding(rules_.allow, meant) != nullptr)
    return {};
  const AddressRange* denied = Holding(rules_.deny, *bytes);
  if (denied == nullptr) denied = Holding(rules_.deny, meant);
  if (denied == nullptr) return {};
  return Refused(host, address,
                 denied->text() +
                     " is denied by the chart's sources.deny; whoever installs it can "
                     "name the address in sources.allow");
}

}  // namespace penstock::net
