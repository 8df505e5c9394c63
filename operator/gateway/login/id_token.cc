#include "operator/gateway/login/id_token.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <cmath>

#include "operator/base/base64.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/login/person_name.h"
#include "operator/net/url.h"

namespace penstock::gateway::login {
namespace {

constexpr std::size_t kMostToken = 64 * 1024, kMostKeys = 100, kMostGroups = 1'000;
constexpr std::size_t kCoordinate = 32;  // bytes, of P-256
constexpr int kLeastRsaBits = 2'048, kMostRsaBits = 16'384;

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

std::string BytesIn(const Json& object, const char* name) {
  return DecodeAnyBase64(TextIn(object, name)).value_or("");
}

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
Number NumberOf(const std::string& bytes) {
  return {BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size()), nullptr),
          BN_free};
}

// A public key of these parameters; null where they are none.
KeyPtr FromParameters(const char* kind, OSSL_PARAM_BLD* builder) {
  const std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)> parameters(
      OSSL_PARAM_BLD_to_param(builder), OSSL_PARAM_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr), EVP_PKEY_CTX_free);
  EVP_PKEY* made = nullptr;
  const bool good =
      parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1;
  ERR_clear_error();
  return {good ? made : nullptr, EVP_PKEY_free};
}

using Builder = std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)>;
Builder NewBuilder() { return {OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free}; }

KeyPtr RsaKey(const Json& jwk) {
  const std::string modulus = BytesIn(jwk, "n"), exponent = BytesIn(jwk, "e");
  if (modulus.size() > kMostRsaBits / 8 || exponent.empty() || exponent.size() > 8) return nullptr;
  const Number n = NumberOf(modulus), e = NumberOf(exponent);
  const Builder builder = NewBuilder();
  if (!n || !e || !builder || BN_num_bits(n.get()) < kLeastRsaBits ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return nullptr;
  return FromParameters("RSA", builder.get());
}

KeyPtr EcKey(const Json& jwk) {
  const std::string x = BytesIn(jwk, "x"), y = BytesIn(jwk, "y");
  if (TextIn(jwk, "crv") != "P-256" || x.size() != kCoordinate || y.size() != kCoordinate)
    return nullptr;
  const std::string point = "\x04" + x + y;  // uncompressed
  const Builder builder = NewBuilder();
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return nullptr;
  return FromParameters("EC", builder.get());
}

// R and S one behind the other (RFC 7518, section 3.4) as OpenSSL reads them.
std::string DerOf(const std::string& raw) {
  if (raw.size() != 2 * kCoordinate) return "";
  Number r = NumberOf(raw.substr(0, kCoordinate)), s = NumberOf(raw.substr(kCoordinate));
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> signature(ECDSA_SIG_new(),
                                                                        ECDSA_SIG_free);
  if (!r || !s || !signature || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return "";
  static_cast<void>(r.release());  // they are the signature's now
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  std::string out(reinterpret_cast<const char*>(der),
                  size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(der);
  return out;
}

bool IsSigned(const SigningKey& key, std::string_view text, const std::string& raw) {
  const std::string signature = key.algorithm == "ES256" ? DerOf(raw) : raw;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const bool good =
      !signature.empty() && context &&
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.key.get()) == 1 &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                       text.size()) == 1;
  ERR_clear_error();
  return good;
}

struct TokenParts {
  Json head, claims;
  std::string_view signed_text;
  std::string signature;
};

Result<TokenParts> TakeApart(const std::string& token) {
  const Error malformed = NotTrusted("it is no signed JWT");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string::npos ? first : token.find('.', first + 1);
  if (token.size() > kMostToken || second == std::string::npos ||
      token.find('.', second + 1) != std::string::npos)
    return malformed;
  const auto head = DecodeAnyBase64(std::string_view(token).substr(0, first));
  const auto claims =
      DecodeAnyBase64(std::string_view(token).substr(first + 1, second - first - 1));
  const auto signature = DecodeAnyBase64(std::string_view(token).substr(second + 1));
  if (!head || !claims || !signature) return malformed;
  auto head_json = ParseJson(*head, "its head");
  auto claims_json = ParseJson(*claims, "its claims");
  if (!head_json || !head_json->is_object() || !claims_json || !claims_json->is_object())
    return malformed;
  return TokenParts{*std::move(head_json), *std::move(claims_json),
                    std::string_view(token).substr(0, second), *signature};
}

Result<void> CheckSignature(const TokenParts& parts, const std::vector<SigningKey>& keys) {
  const std::string algorithm = TextIn(parts.head, "alg"), id = TextIn(parts.head, "kid");
  if (algorithm != "RS256" && algorithm != "ES256")
    return NotTrusted("it is signed by " +
                      (algorithm.empty() ? "nothing" : plan::Shown(algorithm, 20)) +
                      ", and RS256 and ES256 are taken");
  if (parts.head.contains("crit")) return NotTrusted("its head asks for what is not known here");
  bool is_named = false;
  for (const SigningKey& key : keys) {
    const bool same = !id.empty() && key.id == id;
    if (key.algorithm != algorithm || (!id.empty() && !key.id.empty() && !same)) continue;
    if (IsSigned(key, parts.signed_text, parts.signature)) return {};
    is_named = is_named || same;
  }
  if (is_named) return NotTrusted("its signature is not of the issuer's key that it names");
  return NotFound("the ID token is signed by none of the issuer's keys for " + algorithm);
}

// A time in seconds since 1970, which may have a fraction; nothing where it is none.
std::optional<double> TimeIn(const Json& claims, const char* name) {
  const auto it = claims.find(name);
  if (it == claims.end() || !it->is_number()) return std::nullopt;
  const double seconds = it->get<double>();
  return std::isfinite(seconds) ? std::optional(seconds) : std::nullopt;
}

Result<void> CheckTimes(const Json& claims, TimePoint now) {
  const double at =
      std::chrono::duration_cast<std::chrono::duration<double>>(now.time_since_epoch()).count();
  const auto skew = static_cast<double>(kClockSkew.count());
  const auto expires = TimeIn(claims, "exp");
  if (!expires) return NotTrusted("it does not say when it expires");
  if (at > *expires + skew) return NotTrusted("it has expired");
  for (const char* name : {"nbf", "iat"}) {
    if (!claims.contains(name)) continue;
    const auto from = TimeIn(claims, name);
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
    if (!jwk.is_object()) continue;
    const std::string use = TextIn(jwk, "use"), kind = TextIn(jwk, "kty");
    SigningKey key{TextIn(jwk, "kid"), kind == "RSA" ? "RS256" : "ES256", nullptr};
    const std::string algorithm = TextIn(jwk, "alg");
    if ((!use.empty() && use != "sig") || (!algorithm.empty() && algorithm != key.algorithm))
      continue;
    if (kind == "RSA") key.key = RsaKey(jwk);
    if (kind == "EC") key.key = EcKey(jwk);
    if (key.key) keys.push_back(std::move(key));
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
