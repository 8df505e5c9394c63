#include "operator/net/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <stdexcept>

#include "operator/base/sha256.h"
#include "operator/net/url.h"

namespace penstock::net {
namespace {

constexpr const char* kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kSignatureDigits = 64;

std::string Hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, 32> out{};
  unsigned int size = out.size();
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(),
           &size) == nullptr)
    throw std::runtime_error("OpenSSL has no HMAC-SHA256");
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

// "20130524T000000Z"
std::string AmzDate(TimePoint now) {
  std::string text = FormatTime(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string ScopeText(const std::string& date, const SigningScope& scope) {
  return date.substr(0, 8) + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

std::string SigningKey(const SigningKeys& keys, const std::string& date,
                       const SigningScope& scope) {
  const std::string day = Hmac("AWS4" + keys.secret_key, date.substr(0, 8));
  return Hmac(Hmac(Hmac(day, scope.region), scope.service), "aws4_request");
}

// Blanks at both ends go, and a run of them within counts as one.
std::string Squeezed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// Sorted by name in small letters, Host among them.
Headers Canonical(const RequestToSign& request) {
  Headers out{{"host", request.host}};
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    out.emplace_back(std::move(lower), Squeezed(value));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

std::string NamesOf(const Headers& headers) {
  std::string names;
  for (const auto& [name, value] : headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

std::string Signature(const RequestToSign& request, const Headers& headers,
                      const std::string& payload, const SigningKeys& keys,
                      const SigningScope& scope, const std::string& date) {
  std::string canonical =
      request.method + "\n" + request.path + "\n" + CanonicalQuery(request.query) + "\n";
  for (const auto& [name, value] : headers)
    canonical.append(name).append(":").append(value) += '\n';
  canonical += "\n" + NamesOf(headers) + "\n" + payload;
  const std::string to_sign = std::string(kAlgorithm) + "\n" + date + "\n" +
                              ScopeText(date, scope) + "\n" + Sha256Hex(canonical);
  return Hex(Hmac(SigningKey(keys, date, scope), to_sign));
}

}  // namespace

std::string EncodePath(std::string_view path) {
  std::string out;
  while (true) {
    const std::size_t slash = path.find('/');
    out += UrlEncode(path.substr(0, slash));
    if (slash == path.npos) return out;
    out += '/';
    path.remove_prefix(slash + 1);
  }
}

std::string CanonicalQuery(const QueryParameters& query) {
  QueryParameters encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(UrlEncode(name), UrlEncode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

Headers SignHeaders(const RequestToSign& request, const std::string& payload_sha256,
                    const SigningKeys& keys, const SigningScope& scope, TimePoint now) {
  const std::string date = AmzDate(now);
  RequestToSign all = request;
  all.headers.emplace_back("x-amz-date", date);
  all.headers.emplace_back("x-amz-content-sha256", payload_sha256);
  if (!keys.session_token.empty())
    all.headers.emplace_back("x-amz-security-token", keys.session_token);
  const Headers canonical = Canonical(all);
  Headers out = std::move(all.headers);
  out.emplace_back(
      "Authorization",
      std::string(kAlgorithm) + " Credential=" + keys.access_key + "/" + ScopeText(date, scope) +
          ", SignedHeaders=" + NamesOf(canonical) +
          ", Signature=" + Signature(all, canonical, payload_sha256, keys, scope, date));
  return out;
}

std::string SignQuery(const RequestToSign& request, const SigningKeys& keys,
                      const SigningScope& scope, TimePoint now, std::chrono::seconds lifetime) {
  const std::string date = AmzDate(now);
  const Headers canonical = Canonical(request);
  RequestToSign all = request;
  all.query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  all.query.emplace_back("X-Amz-Credential", keys.access_key + "/" + ScopeText(date, scope));
  all.query.emplace_back("X-Amz-Date", date);
  all.query.emplace_back("X-Amz-Expires",
                         std::to_string(std::min(lifetime, kLongestSignedUrl).count()));
  all.query.emplace_back("X-Amz-SignedHeaders", NamesOf(canonical));
  if (!keys.session_token.empty())
    all.query.emplace_back("X-Amz-Security-Token", keys.session_token);
  const std::string signature = Signature(all, canonical, kUnsignedPayload, keys, scope, date);
  return CanonicalQuery(all.query) + "&X-Amz-Signature=" + signature;
}

ChunkSigner::ChunkSigner(std::string_view authorization, const SigningKeys& keys,
                         const SigningScope& scope, TimePoint now) {
  const std::string date = AmzDate(now);
  key_ = SigningKey(keys, date, scope);
  begin_ = std::string(kAlgorithm) + "-PAYLOAD\n" + date + "\n" + ScopeText(date, scope) + "\n";
  previous_ = authorization.substr(authorization.size() - kSignatureDigits);
}

std::string ChunkSigner::HeadOf(std::string_view piece) {
  const std::string to_sign = begin_ + previous_ + "\n" + Sha256Hex("") + "\n" + Sha256Hex(piece);
  previous_ = Hex(Hmac(key_, to_sign));
  std::array<char, 24> size{};
  std::snprintf(size.data(), size.size(), "%zx", piece.size());
  return std::string(size.data()) + ";chunk-signature=" + previous_ + "\r\n";
}

std::uint64_t SignedChunksSize(std::uint64_t body, std::uint64_t chunk) {
  const auto one = [](std::uint64_t bytes) {
    std::uint64_t digits = 1;
    for (std::uint64_t n = bytes; n > 15; n /= 16) ++digits;
    return digits + std::string_view(";chunk-signature=").size() + kSignatureDigits + 2 + bytes + 2;
  };
  const std::uint64_t last = body % chunk;
  return body / chunk * one(chunk) + (last > 0 ? one(last) : 0) + one(0);
}

}  // namespace penstock::net
