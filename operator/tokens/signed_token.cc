#include "operator/tokens/signed_token.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "operator/base/base64.h"
#include "operator/base/json_member.h"

namespace penstock::tokens {

namespace {

bool IsBase64Url(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
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

}  // namespace

std::optional<SignedToken> Split(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const SignedToken parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
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

bool IsSigned(const SignedToken& token, const SignatureForm& form, EVP_PKEY* key) {
  if (!IsBase64Url(token.signature)) return false;
  auto signature = DecodeAnyBase64(token.signature);
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
                       bytes(token.signed_text), token.signed_text.size()) == 1;
  ERR_clear_error();
  return good;
}

std::optional<double> SecondsAt(const Json& claims, const char* name) {
  const Json& value = Member(claims, name);
  if (!value.is_number()) return std::nullopt;
  const auto seconds = value.get<double>();
  return std::isfinite(seconds) ? std::optional(seconds) : std::nullopt;
}

}  // namespace penstock::tokens
