#include "components/router/edge/token.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/tokens/signed_token.h"

namespace penstock::router {

namespace {

constexpr std::string_view kScheme = "bearer ";

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

bool IsFor(const Json& claims, const std::vector<std::string>& audiences) {
  const auto is_ours = [&](const Json& one) {
    return one.is_string() && std::find(audiences.begin(), audiences.end(),
                                        one.get_ref<const std::string&>()) != audiences.end();
  };
  const Json& audience = Member(claims, "aud");
  return audience.is_array() ? std::any_of(audience.begin(), audience.end(), is_ours)
                             : is_ours(audience);
}

Verdict JudgeClaims(const Json& claims, const TokenRules& rules, TimePoint now) {
  if (TextAt(claims, "iss") != rules.issuer) return Verdict::kIssuer;
  if (!IsFor(claims, rules.audiences)) return Verdict::kAudience;
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  const auto leeway = static_cast<double>(kLeeway.count());
  const auto expires = tokens::SecondsAt(claims, "exp");
  if (!expires || seconds >= *expires + leeway) return Verdict::kTime;
  if (!claims.contains("nbf")) return Verdict::kGood;
  const auto begins = tokens::SecondsAt(claims, "nbf");
  return begins && seconds + leeway >= *begins ? Verdict::kGood : Verdict::kTime;
}

}  // namespace

Verdict Judge(std::string_view authorization, const TokenRules& rules, TimePoint now) {
  const std::string_view token = BearerOf(authorization);
  if (token.empty()) return Verdict::kNone;
  if (token.size() > kMostTokenBytes) return Verdict::kMalformed;
  const auto parts = tokens::Split(token);
  if (!parts) return Verdict::kMalformed;
  const auto header = tokens::ObjectOf(parts->header);
  // What "crit" names must be understood, and nothing of it is (RFC 7515, 4.1.11).
  if (!header || header->contains("crit")) return Verdict::kMalformed;
  const SignatureForm* const form = FormOf(TextAt(*header, "alg"));
  if (form == nullptr) return Verdict::kAlgorithm;
  if (!rules.keys) return Verdict::kNoKeys;
  EVP_PKEY* const key = rules.keys->Find(*form, TextAt(*header, "kid"));
  if (key == nullptr) {
    if (rules.unknown_key) rules.unknown_key();
    return Verdict::kKey;
  }
  if (!tokens::IsSigned(*parts, *form, key)) return Verdict::kSignature;
  const auto claims = tokens::ObjectOf(parts->claims);
  return claims ? JudgeClaims(*claims, rules, now) : Verdict::kMalformed;
}

std::string NoKeysText(const TokenRules& rules) {
  return "the keys of the issuer " + rules.issuer + " are not known yet: no token can be judged";
}

}  // namespace penstock::router
