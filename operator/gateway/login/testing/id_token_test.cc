#include "operator/gateway/login/id_token.h"

#include <gmock/gmock.h>

#include "operator/gateway/login/person_name.h"
#include "operator/gateway/login/testing/issuer.h"

namespace penstock::gateway::login {
namespace {

using ::testing::HasSubstr;

const TimePoint kTokenNow{std::chrono::seconds(1'790'000'000)};
const TokenRules kRules{"https://issuer.example.com", "penstock", "n-1"};

Json GoodClaims() {
  return {{"iss", kRules.issuer}, {"aud", "penstock"},        {"sub", "42"},
          {"nonce", "n-1"},       {"exp", 1'790'000'300},     {"iat", 1'790'000'000},
          {"email", "ada@x.org"}, {"groups", {"ml", "leads"}}};
}

std::vector<SigningKey> KeysOf(const std::vector<TokenSigner>& signers) {
  Json keys = Json::array();
  for (const TokenSigner& one : signers) keys.push_back(one.Jwk());
  auto parsed = ParseKeys({{"keys", keys}});
  EXPECT_TRUE(parsed);
  return *parsed;
}

Result<Json> Verified(const std::string& token, const std::vector<SigningKey>& keys) {
  return VerifyIdToken(token, keys, kRules, kTokenNow);
}

class IdToken : public testing::Test {
 protected:
  static const TokenSigner& Rsa() {
    static const TokenSigner signer = TokenSigner::Rsa("rsa");
    return signer;
  }
  // What is said of a token with these claims instead of the good ones.
  static std::string Refused(const Json& claims) {
    Json all = GoodClaims();
    all.merge_patch(claims);
    const auto verified = Verified(Rsa().Sign(all), KeysOf({Rsa()}));
    EXPECT_FALSE(verified);
    if (verified) return "";
    EXPECT_EQ(verified.error().kind, ErrorKind::kForbidden);
    return verified.error().message;
  }
};

TEST_F(IdToken, OneThatTheIssuersKeySignedIsTakenWhicheverOfBothKindsItIs) {
  const TokenSigner ec = TokenSigner::Ec("ec");
  const auto keys = KeysOf({Rsa(), ec});
  for (const TokenSigner* signer : {&Rsa(), &ec}) {
    const auto claims = Verified(signer->Sign(GoodClaims()), keys);
    ASSERT_TRUE(claims) << claims.error().message;
    EXPECT_EQ((*claims)["sub"], "42");
  }
}

TEST_F(IdToken, AKeyWithoutAnIdIsTriedToo) {
  const TokenSigner one = TokenSigner::Ec(""), other = TokenSigner::Ec("");
  EXPECT_TRUE(Verified(one.Sign(GoodClaims()), KeysOf({other, one})));
}

TEST_F(IdToken, ASignatureOfAnotherKeyUnderTheSameIdIsRefused) {
  const TokenSigner stranger = TokenSigner::Rsa("rsa");
  const auto verified = Verified(stranger.Sign(GoodClaims()), KeysOf({Rsa()}));
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().kind, ErrorKind::kForbidden);
}

TEST_F(IdToken, AKeyThatIsNotAmongThemMayBeANewOne) {
  const auto verified = Verified(TokenSigner::Rsa("new").Sign(GoodClaims()), KeysOf({Rsa()}));
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().kind, ErrorKind::kNotFound);
}

TEST_F(IdToken, ChangedClaimsAreRefused) {
  const std::string token = Rsa().Sign(GoodClaims());
  Json other = GoodClaims();
  other["sub"] = "1";
  const std::size_t first = token.find('.'), second = token.rfind('.');
  const std::string forged =
      token.substr(0, first + 1) + WebSafe(other.dump()) + token.substr(second);
  EXPECT_FALSE(Verified(forged, KeysOf({Rsa()})));
}

// The two classics: no signature at all, and the public key taken for a shared secret.
TEST_F(IdToken, TheTokensHeadDoesNotChooseHowItIsVerified) {
  const auto keys = KeysOf({Rsa()});
  for (const char* algorithm : {"none", "HS256", "RS512", "PS256", ""}) {
    const auto verified = Verified(Rsa().Sign(GoodClaims(), {{"alg", algorithm}}), keys);
    ASSERT_FALSE(verified) << algorithm;
    EXPECT_EQ(verified.error().kind, ErrorKind::kForbidden) << algorithm;
  }
  // An RSA key is never an EC key's stand-in.
  EXPECT_FALSE(Verified(Rsa().Sign(GoodClaims(), {{"alg", "ES256"}}), keys));
  EXPECT_FALSE(Verified(Rsa().Sign(GoodClaims(), {{"crit", {"b64"}}}), keys));
}

TEST_F(IdToken, WhatIsNoTokenIsRefusedAndNotRepeated) {
  const auto keys = KeysOf({Rsa()});
  for (const char* text : {"", ".", "..", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "W10.W10.AAAA"}) {
    const auto verified = Verified(text, keys);
    ASSERT_FALSE(verified) << text;
    EXPECT_EQ(verified.error().kind, ErrorKind::kForbidden) << text;
  }
  const std::string token = Rsa().Sign(GoodClaims()) + "tail";
  EXPECT_EQ(Verified(token, keys).error().message.find("tail"), std::string::npos);
  EXPECT_FALSE(Verified(std::string(100'000, 'a'), keys));
}

TEST_F(IdToken, OneOfAnotherIssuerClientOrLoginIsRefused) {
  EXPECT_THAT(Refused({{"iss", "https://issuer.example.com/"}}), HasSubstr("(iss)"));
  EXPECT_THAT(Refused({{"aud", "other"}}), HasSubstr("(aud)"));
  EXPECT_THAT(Refused({{"aud", Json::array()}}), HasSubstr("(aud)"));
  EXPECT_THAT(Refused({{"aud", nullptr}}), HasSubstr("(aud)"));
  EXPECT_THAT(Refused({{"aud", {"penstock", "other"}}}), HasSubstr("(azp)"));
  EXPECT_THAT(Refused({{"azp", "other"}}), HasSubstr("(azp)"));
  EXPECT_THAT(Refused({{"nonce", "n-2"}}), HasSubstr("(nonce)"));
  EXPECT_THAT(Refused({{"nonce", nullptr}}), HasSubstr("(nonce)"));
}

TEST_F(IdToken, OneForSeveralAudiencesNamesUsAsWhomItWasGivenTo) {
  Json claims = GoodClaims();
  claims["aud"] = {"other", "penstock"};
  claims["azp"] = "penstock";
  EXPECT_TRUE(Verified(Rsa().Sign(claims), KeysOf({Rsa()})));
}

TEST_F(IdToken, ItsTimeIsHeldToTheClockGiveOrTakeAMinute) {
  EXPECT_THAT(Refused({{"exp", 1'789'999'900}}), HasSubstr("expired"));
  EXPECT_THAT(Refused({{"exp", nullptr}}), HasSubstr("expires"));
  EXPECT_THAT(Refused({{"exp", "soon"}}), HasSubstr("expires"));
  EXPECT_THAT(Refused({{"nbf", 1'790'000'100}}), HasSubstr("yet to come"));
  EXPECT_THAT(Refused({{"iat", 1'790'000'100}}), HasSubstr("yet to come"));
  Json claims = GoodClaims();
  claims["exp"] = 1'789'999'950.5;  // a number may have a fraction
  EXPECT_TRUE(Verified(Rsa().Sign(claims), KeysOf({Rsa()})));
}

TEST_F(IdToken, KeysThatCannotSignOneAreLeftOut) {
  Json encrypts = Rsa().Jwk();
  encrypts["use"] = "enc";
  Json pss = Rsa().Jwk();
  pss["alg"] = "PS256";
  Json off_curve = TokenSigner::Ec("ec").Jwk();
  off_curve["y"] = off_curve["x"];
  const Json shared{{"kty", "oct"}, {"k", "c2VjcmV0"}};
  const Json weak = TokenSigner::Rsa("weak", 1024).Jwk();
  Json even = Rsa().Jwk();
  even["e"] = "Ag";
  Json wraps = Rsa().Jwk();
  wraps["key_ops"] = {"wrapKey"};
  Json wide = TokenSigner::Ec("ec").Jwk();
  wide["crv"] = "P-384";  // ES384 is not taken for log-ins
  const auto keys =
      ParseKeys({{"keys", {encrypts, pss, off_curve, shared, weak, even, wraps, wide, 7}}});
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->empty());
  for (const Json& none : {Json(), Json::array(), Json{{"keys", 1}}}) EXPECT_FALSE(ParseKeys(none));
}

TEST_F(IdToken, SaysWhoSomebodyIsInKubeApiserversWords) {
  const Json claims = GoodClaims();
  const auto who = [&](const ClaimRules& rules) { return PersonOf(claims, rules, kRules.issuer); };
  EXPECT_EQ(who({})->user, "https://issuer.example.com#42");
  EXPECT_EQ(who({"email", "", "", ""})->user, "ada@x.org");
  EXPECT_EQ(who({"sub", "-", "", ""})->user, "42");
  const auto both = who({"sub", "oidc:", "groups", "oidc:"});
  EXPECT_EQ(*both, (Person{"oidc:42", {"oidc:ml", "oidc:leads"}}));
  EXPECT_EQ(who({"sub", "-", "email", "g:"})->groups, std::vector<std::string>{"g:ada@x.org"});
  EXPECT_TRUE(who({"sub", "-", "absent", ""})->groups.empty());
}

TEST_F(IdToken, NobodyIsWhoHasNoNameOrOneOfKubernetesOwn) {
  const auto refused = [](const Json& claims, const ClaimRules& rules) {
    const auto person = PersonOf(claims, rules, "https://i");
    return person ? "" : person.error().message;
  };
  EXPECT_THAT(refused({{"email", "a@b"}}, {}), HasSubstr("'sub'"));
  EXPECT_THAT(refused({{"sub", 7}}, {}), HasSubstr("'sub'"));
  EXPECT_THAT(refused({{"sub", "system:admin"}}, {"sub", "-", "", ""}), HasSubstr("prefix"));
  EXPECT_THAT(refused({{"sub", "a"}, {"g", {"system:masters"}}}, {"sub", "-", "g", ""}),
              HasSubstr("prefix"));
  EXPECT_THAT(refused({{"sub", "a\r\nImpersonate-Group: b"}}, {"sub", "-", "", ""}),
              HasSubstr("control"));
  EXPECT_THAT(refused({{"sub", "a"}, {"g", {1}}}, {"sub", "-", "g", ""}), HasSubstr("'g'"));
  EXPECT_THAT(refused({{"email", "a@b"}, {"email_verified", false}}, {"email", "", "", ""}),
              HasSubstr("not verified"));
}

// A header loses its blanks: the user would be none, and what is asked the operator's own.
TEST_F(IdToken, ABlankUserNameDoesNotActWithTheOperatorsRights) {
  for (const std::string blank : {" ", "\t", "\r\n", "\x1f", "\x7f", "\u0085", "\u00a0", "\u2003",
                                  "\u2028", "\u200b", "\u3000", "\ufeff", "\xff", "\xc2"}) {
    for (const std::string& name : {blank, blank + blank, blank + "ada", "ada" + blank}) {
      const auto user = PersonOf({{"sub", name}}, {"sub", "-", "", ""}, "https://i");
      ASSERT_FALSE(user) << Json(name).dump(-1, ' ', true, Json::error_handler_t::replace);
      EXPECT_EQ(user.error().kind, ErrorKind::kForbidden);
      EXPECT_FALSE(PersonOf({{"sub", name}}, {"sub", "oidc:", "", ""}, "https://i"));
      EXPECT_FALSE(PersonOf({{"sub", "ada"}, {"g", {name}}}, {"sub", "-", "g", ""}, "https://i"));
      EXPECT_NE(WhyNoName(name), "");
    }
  }
  EXPECT_FALSE(PersonOf({{"sub", "a"}, {"g", {" system:masters"}}}, {"sub", "-", "g", ""}, ""));
  EXPECT_FALSE(PersonOf({{"sub", "ada"}}, {"sub", " ", "", ""}, "https://i")) << "by its prefix";
  EXPECT_EQ(WhyNoName(std::string(513, 'a')), "has over 512 bytes");
  for (const std::string good :
       {"ada", "Ada Byron", "\u00e4da", "\u5c0f\u660e", "a\u00a0b", "\U0001f600"})
    EXPECT_EQ(WhyNoName(good), "") << good;
}

}  // namespace
}  // namespace penstock::gateway::login
