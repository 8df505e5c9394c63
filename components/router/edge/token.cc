#include "components/router/edge/token.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/base/json_member.h"

namespace penstock::router {

namespace {

constexpr std::string_view kScheme = "bearer ";

struct Parts {
  std::string_view header, claims, signature;
  std::string_view signed_text;  // header and claims with the dot
};

// The token after "Bearer", or nothing. Schemes are compared without case (RFC 9110, 11.1).
std::string_view BearerOf(std::string_view authorization) {
  if (authorization.size() <= kScheme.size()) return {};
  const bool bearer =
      std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                 [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
  if (!bearer) return {};
  authorization.remove_prefix(kScheme.size());
  const auto begin = authorization.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view() : authorization.substr(begin);
}

bool IsBase64Url(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
}

std::optional<Parts> Split(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const Parts parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                    token.substr(second + 1), token.substr(0, second)};
  // A third dot (an encrypted token's) is no character of base64url.
  if (!IsBase64Url(parts.header) || !IsBase64Url(parts.claims)) return std::nullopt;
  return parts;
}

std::optional<Json> ObjectOf(std::string_view text) {
  const auto bytes = DecodeAnyBase64(text);
  if (!bytes) return std::nullopt;
  auto json = ParseJson(*bytes, "a token");
  if (!json || !json->is_object()) return std::nullopt;
  return *std::move(json);
}

// r and s as tokens have them, in the form that OpenSSL reads.
std::string ToDer(const std::string& raw, std::size_t half) {
  if (raw.size() != 2 * half) return {};
  const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> signature(ECDSA_SIG_new(),
                                                                        ECDSA_SIG_free);
  BIGNUM* r = BN_bin2bn(bytes, static_cast<int>(half), nullptr);
  BIGNUM* s = BN_bin2bn(bytes + half, static_cast<int>(half), nullptr);
  if (!signature || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

bool IsSigned(const Parts& parts, const SignatureForm& form, EVP_PKEY* key) {
  if (!IsBase64Url(parts.signature)) return false;
  auto signature = DecodeAnyBase64(parts.signature);
  if (signature && form.half > 0) signature = ToDer(*signature, form.half);
  if (!signature || signature->empty()) return false;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), nullptr, form.digest(), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), bytes(*signature), signature->size(),
                       bytes(parts.signed_text), parts.signed_text.size()) == 1;
  ERR_clear_error();
  return good;
}

bool IsFor(const Json& claims, const std::vector<std::string>& audiences) {
  const auto is_ours = [&](const Json& one) {
    return one.is_string() && std::find(audiences.begin(), audiences.end(),
                                        one.get_ref<const std::string&>()) != audiences.end();
  };
  const Json& audience = Member(claims, "aud");
  return audience.is_array() ? std::any_of(audience.begin(), audience.end(), is_ours)
                             : is_ours(audience);
}

// Seconds since 1970, maybe with a fraction.
std::optional<double> SecondsAt(const Json& claims, const char* name) {
  const Json& value = Member(claims, name);
  if (!value.is_number()) return std::nullopt;
  const auto seconds = value.get<double>();
  return std::isfinite(seconds) ? std::optional(seconds) : std::nullopt;
}

Verdict JudgeClaims(const Json& claims, const TokenRules& rules, TimePoint now) {
  if (TextAt(claims, "iss") != rules.issuer) return Verdict::kIssuer;
  if (!IsFor(claims, rules.audiences)) return Verdict::kAudience;
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  const auto leeway = static_cast<double>(kLeeway.count());
  const auto expires = SecondsAt(claims, "exp");
  if (!expires || seconds >= *expires + leeway) return Verdict::kTime;
  if (!claims.contains("nbf")) return Verdict::kGood;
  const auto begins = SecondsAt(claims, "nbf");
  return begins && seconds + leeway >= *begins ? Verdict::kGood : Verdict::kTime;
}

}  // namespace

Verdict Judge(std::string_view authorization, const TokenRules& rules, TimePoint now) {
  const std::string_view token = BearerOf(authorization);
  if (token.empty()) return Verdict::kNone;
  if (token.size() > kMostTokenBytes) return Verdict::kMalformed;
  const auto parts = Split(token);
  if (!parts) return Verdict::kMalformed;
  const auto header = ObjectOf(parts->header);
  // What "crit" names must be understood, and nothing of it is (RFC 7515, 4.1.11).
  if (!header || header->contains("crit")) return Verdict::kMalformed;
  const SignatureForm* const form = FormOf(TextAt(*header, "alg"));
  if (form == nullptr) return Verdict::kAlgorithm;
  EVP_PKEY* const key = rules.keys ? rules.keys->Find(*form, TextAt(*header, "kid")) : nullptr;
  if (key == nullptr) return Verdict::kKey;
  if (!IsSigned(*parts, *form, key)) return Verdict::kSignature;
  const auto claims = ObjectOf(parts->claims);
  return claims ? JudgeClaims(*claims, rules, now) : Verdict::kMalformed;
}

}  // namespace penstock::router
