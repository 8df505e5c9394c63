#include "operator/tokens/public_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <utility>

#include "operator/base/base64.h"
#include "operator/base/json_member.h"

namespace penstock::tokens {

namespace {

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;  // beyond it one signature costs milliseconds
constexpr int kMostExponentBits = 64;

constexpr std::array<SignatureForm, 5> kForms{{{"RS256", EVP_sha256, "RSA"},
                                               {"RS384", EVP_sha384, "RSA"},
                                               {"RS512", EVP_sha512, "RSA"},
                                               {"ES256", EVP_sha256, "EC", "P-256", 32},
                                               {"ES384", EVP_sha384, "EC", "P-384", 48}}};

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)>;
using Params = std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

std::string BytesAt(const Json& key, const char* member) {
  return DecodeAnyBase64(TextAt(key, member)).value_or("");
}

PublicKey FromParams(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder), OSSL_PARAM_free);
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), EVP_PKEY_CTX_free);
  EVP_PKEY* made = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  PublicKey key(made, EVP_PKEY_free);
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr),
                         EVP_PKEY_CTX_free);
  return check && EVP_PKEY_public_check(check.get()) == 1 ? std::move(key) : nullptr;
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
  PublicKey made;
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
  PublicKey made;
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

std::span<const SignatureForm> Forms() { return kForms; }

const SignatureForm* FormOf(std::string_view algorithm) {
  const auto found = std::find_if(kForms.begin(), kForms.end(),
                                  [&](const SignatureForm& f) { return f.name == algorithm; });
  return found == kForms.end() ? nullptr : &*found;
}

bool KeyLabel::Fits(const SignatureForm& form) const {
  return type == form.type && (form.curve.empty() || curve == form.curve) &&
         (algorithm.empty() || algorithm == form.name);
}

KeyLabel LabelOf(const Json& key) {
  return {TextAt(key, "kid"), TextAt(key, "kty"), TextAt(key, "crv"), TextAt(key, "alg"),
          IsForSignatures(key)};
}

Result<PublicKey> ReadPublicKey(const Json& key, const SignatureForm& form) {
  auto made = form.type == "RSA" ? ReadRsa(key) : ReadEc(key, form);
  ERR_clear_error();
  return made;
}

}  // namespace penstock::tokens
