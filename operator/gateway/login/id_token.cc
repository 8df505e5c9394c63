#include "operator/gateway/login/id_token.h"

#include <array>

#include "operator/base/base64.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/login/person_name.h"
#include "operator/net/url.h"
#include "operator/tokens/signed_token.h"

namespace penstock::gateway::login {
namespace {

constexpr std::size_t kMostToken = 64 * 1024, kMostKeys = 100, kMostGroups = 1'000;
constexpr std::array<const char*, 2> kAlgorithms = {"RS256", "ES256"};

Error NotTrusted(const std::string& why) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = "the ID token is not accepted: " + why;
  return e;
}

// A text of an object; "" where it is none.
std::string TextIn(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

struct TokenParts {
  tokens::SignedToken token;
  Json head, claims;
};

Result<TokenParts> TakeApart(const std::string& token) {
  const Error malformed = NotTrusted("it is no signed JWT");
  const auto parts = tokens::Split(token);
  if (token.size() > kMostToken || !parts || !DecodeAnyBase64(parts->signature)) return malformed;
  auto head = tokens::ObjectOf(parts->header);
  auto claims = tokens::ObjectOf(parts->claims);
  if (!head || !claims) return malformed;
  return TokenParts{*parts, *std::move(head), *std::move(claims)};
}

Result<void> CheckSignature(const TokenParts& parts, const std::vector<SigningKey>& keys) {
  const std::string algorithm = TextIn(parts.head, "alg"), id = TextIn(parts.head, "kid");
  if (algorithm != "RS256" && algorithm != "ES256")
    return NotTrusted("it is signed by " +
                      (algorithm.empty() ? "nothing" : plan::Shown(algorithm, 20)) +
                      ", and RS256 and ES256 are taken");
  if (parts.head.contains("crit")) return NotTrusted("its head asks for what is not known here");
  const tokens::SignatureForm* const form = tokens::FormOf(algorithm);
  bool is_named = false;
  for (const SigningKey& key : keys) {
    const bool same = !id.empty() && key.id == id;
    if (key.algorithm != algorithm || (!id.empty() && !key.id.empty() && !same)) continue;
    if (tokens::IsSigned(parts.token, *form, key.key.get())) return {};
    is_named = is_named || same;
  }
  if (is_named) return NotTrusted("its signature is not of the issuer's key that it names");
  return NotFound("the ID token is signed by none of the issuer's keys for " + algorithm);
}

Result<void> CheckTimes(const Json& claims, TimePoint now) {
  const double at =
      std::chrono::duration_cast<std::chrono::duration<double>>(now.time_since_epoch()).count();
  const auto skew = static_cast<double>(kClockSkew.count());
  const auto expires = tokens::SecondsAt(claims, "exp");
  if (!expires) return NotTrusted("it does not say when it expires");
  if (at > *expires + skew) return NotTrusted("it has expired");
  for (const char* name : {"nbf", "iat"}) {
    if (!claims.contains(name)) continue;
    const auto from = tokens::SecondsAt(claims, name);
    if (!from || at < *from - skew)
      return NotTrusted(std::string("its time is yet to come (") + name +
                        "): is this machine's clock right?");
  }
  return {};
}

Result<void> CheckAudience(const Json& claims, const std::string& client_id) {
  const auto it = claims.find("aud");
  bool meant = false, others = false;
  const auto look = [&](const Json& one) {
    (one.is_string() && one.get<std::string>() == client_id ? meant : others) = true;
  };
  if (it != claims.end() && it->is_array()) {
    for (const Json& one : *it) look(one);
  } else if (it != claims.end()) {
    look(*it);
  }
  if (!meant) return NotTrusted("it is meant for another client (aud)");
  const bool has_party = claims.contains("azp");
  if ((others || has_party) && TextIn(claims, "azp") != client_id)
    return NotTrusted("it was given to another client (azp)");
  return {};
}

// As the issuer says it, behind the prefix.
Result<std::string> NameOf(const std::string& prefix, const std::string& said, const char* what) {
  const std::string name = prefix + said;
  std::string why = WhyNoName(said);
  if (why.empty()) why = WhyNoName(name);
  if (!why.empty())
    return NotTrusted(std::string("the name of the ") + what + " '" + plan::Shown(name, 80) + "' " +
                      why);
  if (IsSystem(name))
    return NotTrusted(std::string("the ") + what + " '" + plan::Shown(name, 80) +
                      "' begins with system:, which is Kubernetes' own; set a prefix");
  return name;
}

}  // namespace

Result<std::vector<SigningKey>> ParseKeys(const Json& jwks) {
  const auto list = jwks.is_object() ? jwks.find("keys") : jwks.end();
  if (!jwks.is_object() || list == jwks.end() || !list->is_array() || list->size() > kMostKeys)
    return Invalid("the issuer's keys are no JWK set of at most " + std::to_string(kMostKeys));
  std::vector<SigningKey> keys;
  for (const Json& jwk : *list) {
    const tokens::KeyLabel label = tokens::LabelOf(jwk);
    for (const char* algorithm : kAlgorithms) {
      const tokens::SignatureForm* const form = tokens::FormOf(algorithm);
      if (!label.for_signatures || !label.Fits(*form)) continue;
      if (auto key = tokens::ReadPublicKey(jwk, *form))
        keys.push_back({label.id, algorithm, *std::move(key)});
    }
  }
  return keys;
}

Result<Json> VerifyIdToken(const std::string& token, const std::vector<SigningKey>& keys,
                           const TokenRules& rules, TimePoint now) {
  PENSTOCK_ASSIGN(TokenParts parts, TakeApart(token));
  PENSTOCK_TRY(CheckSignature(parts, keys));
  if (TextIn(parts.claims, "iss") != rules.issuer)
    return NotTrusted("it is of another issuer (iss)");
  PENSTOCK_TRY(CheckAudience(parts.claims, rules.client_id));
  PENSTOCK_TRY(CheckTimes(parts.claims, now));
  if (rules.nonce.empty() || TextIn(parts.claims, "nonce") != rules.nonce)
    return NotTrusted("it was made for another log-in (nonce)");
  return std::move(parts.claims);
}

Result<Person> PersonOf(const Json& claims, const ClaimRules& rules, const std::string& issuer) {
  const std::string name = TextIn(claims, rules.username.c_str());
  if (name.empty())
    return NotTrusted("it has no claim '" + rules.username + "' that names its user");
  // As kube-apiserver: one that is there must say yes.
  if (rules.username == "email" && claims.contains("email_verified") &&
      claims["email_verified"] != true)
    return NotTrusted("the e-mail address is not verified");
  std::string prefix = rules.username_prefix == "-" ? "" : rules.username_prefix;
  if (rules.username_prefix.empty() && rules.username != "email") prefix = issuer + "#";
  Person person;
  PENSTOCK_ASSIGN(person.user, NameOf(prefix, name, "user"));
  const auto groups = rules.groups.empty() ? claims.end() : claims.find(rules.groups);
  if (groups == claims.end() || groups->is_null()) return person;
  const Json list = groups->is_array() ? *groups : Json::array({*groups});
  if (list.size() > kMostGroups)
    return NotTrusted("its user has over " + std::to_string(kMostGroups) + " groups");
  for (const Json& group : list) {
    if (!group.is_string())
      return NotTrusted("the claim '" + rules.groups + "' is no list of names");
    PENSTOCK_ASSIGN(std::string named,
                    NameOf(rules.groups_prefix, group.get<std::string>(), "group"));
    person.groups.push_back(std::move(named));
  }
  return person;
}

}  // namespace penstock::gateway::login
