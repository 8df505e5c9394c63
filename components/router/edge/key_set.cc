#include "components/router/edge/key_set.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <utility>

#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/base/json_member.h"

namespace penstock::router {

namespace {

constexpr std::size_t kMostKeys = 50;
constexpr std::size_t kMostKeySetBytes = 256U << 10;
constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;  // beyond it one signature costs milliseconds
constexpr int kMostExponentBits = 64;

constexpr std::array<SignatureForm, 5> kForms{{{"RS256", EVP_sha256, "RSA"},
                                               {"RS384", EVP_sha384, "RSA"},
                                               {"RS512", EVP_sha512, "RSA"},
                                               {"ES256", EVP_sha256, "EC", "P-256", 32},
                                               {"ES384", EVP_sha384, "EC", "P-384", 48}}};

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
using PublicKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)>;
using Params = std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

std::string BytesAt(const Json& key, const char* member) {
  return DecodeAnyBase64(TextAt(key, member)).value_or("");
}

PublicKey FromParams(const char* type, OSSL_PARAM_BLD* builder) {
  PublicKey none(nullptr, EVP_PKEY_free);
  const Params params(OSSL_PARAM_BLD_to_param(builder), OSSL_PARAM_free);
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), EVP_PKEY_CTX_free);
  EVP_PKEY* made = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return none;
  PublicKey key(made, EVP_PKEY_free);
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr),
                         EVP_PKEY_CTX_free);
  return check && EVP_PKEY_public_check(check.get()) == 1 ? std::move(key) : std::move(none);
}

Number ToNumber(const std::string& bytes) {
  return {BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size()), nullptr),
          BN_free};
}

Result<PublicKey> ReadRsa(const Json& key) {
  const std::string n = BytesAt(key, "n");
  const std::string e = BytesAt(key, "e");
  if (n.size() > kMostRsaBits / 8 + 1 || e.size() > 16)
    return Invalid("n has at most " + std::to_string(kMostRsaBits) + " bits, e at most 64");
  const Number modulus = ToNumber(n);
  const Number exponent = ToNumber(e);
  const int bits = BN_num_bits(modulus.get());
  if (bits < kLeastRsaBits || bits > kMostRsaBits)
    return Invalid("its n has " + std::to_string(bits) + " bits: 2048 to 8192 are taken");
  if (BN_is_odd(exponent.get()) == 0 || BN_is_one(exponent.get()) != 0 ||
      BN_num_bits(exponent.get()) > kMostExponentBits)
    return Invalid("its e is none: an odd number above 1");
  const Builder builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
  PublicKey made(nullptr, EVP_PKEY_free);
  if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1 &&
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1)
    made = FromParams("RSA", builder.get());
  if (!made) return Invalid("n and e are no RSA key");
  return made;
}

Result<PublicKey> ReadEc(const Json& key, const SignatureForm& form) {
  const std::string x = BytesAt(key, "x");
  const std::string y = BytesAt(key, "y");
  if (x.size() != form.half || y.size() != form.half)
    return Invalid("x and y of " + std::string(form.curve) + " have " + std::to_string(form.half) +
                   " bytes each");
  const std::string point = "\x04" + x + y;
  const Builder builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
  const std::string group(form.curve);
  PublicKey made(nullptr, EVP_PKEY_free);
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group.c_str(),
                                      0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) == 1)
    made = FromParams("EC", builder.get());
  if (!made) return Invalid("x and y are no point of " + group);
  return made;
}

bool IsForSignatures(const Json& key) {
  const Json& operations = Member(key, "key_ops");
  const bool verifies =
      !operations.is_array() || std::any_of(operations.begin(), operations.end(),
                                            [](const Json& o) { return o == "verify"; });
  const std::string use = TextAt(key, "use");
  return verifies && (use.empty() || use == "sig");
}

}  // namespace

const SignatureForm* FormOf(std::string_view algorithm) {
  const auto found = std::find_if(kForms.begin(), kForms.end(),
                                  [&](const SignatureForm& f) { return f.name == algorithm; });
  return found == kForms.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const KeySet>> KeySet::Parse(std::string_view json) {
  if (json.size() > kMostKeySetBytes) return Invalid("a key set has at most 256 KiB");
  const auto parsed = ParseJson(json, "the key set");
  if (!parsed) return Invalid(parsed.error().message);
  const Json& keys = Member(*parsed, "keys");
  if (!keys.is_array()) return Invalid("a key set is {\"keys\": [...]} (RFC 7517)");
  if (keys.size() > kMostKeys) return Invalid("a key set has at most 50 keys");
  std::shared_ptr<KeySet> set(new KeySet);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string where = "keys[" + std::to_string(i) + "]";
    Key key;
    key.type = TextAt(keys[i], "kty");
    if (key.type == "oct" || !Member(keys[i], "d").is_null() || !Member(keys[i], "k").is_null())
      return Invalid(where +
                     " holds a secret, by which all who read it can sign: only public keys "
                     "belong here; make another key");
    key.id = TextAt(keys[i], "kid");
    key.curve = TextAt(keys[i], "crv");
    key.algorithm = TextAt(keys[i], "alg");
    const auto form = std::find_if(kForms.begin(), kForms.end(),
                                   [&](const SignatureForm& f) { return Fits(key, f); });
    if (form == kForms.end() || !IsForSignatures(keys[i])) continue;
    const auto twin = std::find_if(kForms.begin(), kForms.end(), [&](const SignatureForm& f) {
      return !key.id.empty() && Fits(key, f) && set->Find(f, key.id) != nullptr;
    });
    if (twin != kForms.end())
      return Invalid(where + ": a key before it has its kid, " + key.id + ", and is for " +
                     std::string(twin->name) + " too: which of them a token means, nobody says");
    auto made = key.type == "RSA" ? ReadRsa(keys[i]) : ReadEc(keys[i], *form);
    ERR_clear_error();
    if (!made) return Wrap(where, made.error());
    key.key = std::move(*made);
    set->keys_.push_back(std::move(key));
  }
  if (set->keys_.empty())
    return Invalid("no key of it is for signatures of RS256, RS384, RS512, ES256 or ES384");
  return std::shared_ptr<const KeySet>(std::move(set));
}

bool KeySet::Fits(const Key& key, const SignatureForm& form) {
  return key.type == form.type && (form.curve.empty() || key.curve == form.curve) &&
         (key.algorithm.empty() || key.algorithm == form.name);
}

EVP_PKEY* KeySet::Find(const SignatureForm& form, std::string_view id) const {
  EVP_PKEY* found = nullptr;
  for (const Key& key : keys_) {
    if (!Fits(key, form) || (!id.empty() && key.id != id)) continue;
    if (!id.empty()) return key.key.get();
    if (found != nullptr) return nullptr;  // which of them, nobody says
    found = key.key.get();
  }
  return found;
}

}  // namespace penstock::router
