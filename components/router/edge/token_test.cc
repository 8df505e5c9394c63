// Which tokens pass, and that no way around is left of those that are known.
#include "components/router/edge/token.h"

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include "components/router/edge/testing/signing.h"
#include "operator/base/sha256.h"

namespace penstock::router {
namespace {

const TimePoint kNow = ParseTime("2026-12-01T00:00:00Z").value();
std::int64_t In(std::int64_t seconds) {
  return std::chrono::system_clock::to_time_t(kNow) + seconds;
}

class Tokens : public ::testing::Test {
 protected:
  Tokens() {
    const Json set{{"keys", {JwkOf(Rsa(), "r"), JwkOf(Ec(), "e"), JwkOf(Wide(), "w")}}};
    rules_ = {"https://issuer", {"flights", "others"}, KeySet::Parse(set.dump()).value()};
  }
  // Made once: an RSA key takes a while.
  static const TestKey& Rsa() {
    static const TestKey key = NewRsaKey();
    return key;
  }
  static const TestKey& Ec() {
    static const TestKey key = NewEcKey();
    return key;
  }
  static const TestKey& Wide() {
    static const TestKey key = NewEcKey("P-384");
    return key;
  }
  [[nodiscard]] Verdict Of(const std::string& token) const {
    return Judge("Bearer " + token, rules_, kNow);
  }
  [[nodiscard]] Verdict With(const Json& changed) const {
    Json claims = claims_;
    claims.merge_patch(changed);  // null takes out
    return Of(TokenOf(header_, claims, Ec()));
  }

  TokenRules rules_;
  Json header_{{"alg", "ES256"}, {"kid", "e"}};
  Json claims_{{"iss", "https://issuer"}, {"aud", "flights"}, {"exp", In(60)}};
};

TEST_F(Tokens, PassInEachFormThatIsTaken) {
  for (const char* alg : {"RS256", "RS384", "RS512"})
    EXPECT_EQ(Of(TokenOf({{"alg", alg}, {"kid", "r"}}, claims_, Rsa())), Verdict::kGood) << alg;
  EXPECT_EQ(Of(TokenOf({{"alg", "ES256"}, {"kid", "e"}}, claims_, Ec())), Verdict::kGood);
  EXPECT_EQ(Of(TokenOf({{"alg", "ES384"}, {"kid", "w"}}, claims_, Wide())), Verdict::kGood);
  EXPECT_EQ(Of(TokenOf({{"alg", "RS256"}, {"typ", "JWT"}}, claims_, Rsa())), Verdict::kGood)
      << "without a kid, by the only key of its form";
}

TEST_F(Tokens, ArePassedInTheHeaderInOneSchemeOnly) {
  const std::string token = TokenOf(header_, claims_, Ec());
  EXPECT_EQ(Judge("bearer   " + token, rules_, kNow), Verdict::kGood);
  EXPECT_EQ(Judge("", rules_, kNow), Verdict::kNone);
  EXPECT_EQ(Judge("Bearer", rules_, kNow), Verdict::kNone);
  EXPECT_EQ(Judge("Bearer  ", rules_, kNow), Verdict::kNone);
  EXPECT_EQ(Judge("Basic " + token, rules_, kNow), Verdict::kNone);
  EXPECT_EQ(Judge(token, rules_, kNow), Verdict::kNone);
}

TEST_F(Tokens, OfNoAlgorithmAreRefused) {
  for (const char* alg : {"none", "None", "NONE", "nOnE", ""})
    EXPECT_EQ(Of(TokenOf({{"alg", alg}, {"kid", "e"}}, claims_, Ec())), Verdict::kAlgorithm) << alg;
  EXPECT_EQ(Of(TokenOf({{"kid", "e"}}, claims_, Ec())), Verdict::kAlgorithm);
  EXPECT_EQ(Of(TokenOf({{"alg", 7}, {"kid", "e"}}, claims_, Ec())), Verdict::kAlgorithm);
}

// The public key is known to everybody: as the secret of HMAC it would sign anything.
TEST_F(Tokens, SignedWithThePublicKeyAsASecretAreRefused) {
  const Json jwk = JwkOf(Rsa(), "r");
  for (const std::string& secret :
       {jwk.at("n").get<std::string>(), jwk.dump(), std::string("secret")}) {
    const std::string text =
        Base64Url(Json{{"alg", "HS256"}, {"kid", "r"}}.dump()) + "." + Base64Url(claims_.dump());
    EXPECT_EQ(Of(text + "." + Base64Url(HmacSha256(secret, text))), Verdict::kAlgorithm);
  }
}

TEST_F(Tokens, OfAnotherKeyAreRefusedWhateverTheySay) {
  EXPECT_EQ(Of(TokenOf(header_, claims_, NewEcKey())), Verdict::kSignature);
  EXPECT_EQ(Of(TokenOf({{"alg", "ES256"}, {"kid", "x"}}, claims_, Ec())), Verdict::kKey);
  EXPECT_EQ(Of(TokenOf({{"alg", "RS256"}, {"kid", "e"}}, claims_, Rsa())), Verdict::kKey);
  // A key that a token brings along is nobody's.
  const TestKey own = NewEcKey();
  Json header = header_;
  header["jwk"] = JwkOf(own, "e");
  EXPECT_EQ(Of(TokenOf(header, claims_, own)), Verdict::kSignature);
}

TEST_F(Tokens, ThatWereChangedAreRefused) {
  const std::string token = TokenOf(header_, claims_, Ec());
  const auto dot = token.find('.');
  const auto last = token.rfind('.');
  Json claims = claims_;
  claims["sub"] = "root";
  EXPECT_EQ(Of(token.substr(0, dot + 1) + Base64Url(claims.dump()) + token.substr(last)),
            Verdict::kSignature);
  std::string other = token;
  other[last + 10] = other[last + 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Of(other), Verdict::kSignature);
  EXPECT_EQ(Of(token.substr(0, last + 1)), Verdict::kSignature) << "without its signature";
  EXPECT_EQ(Of(token.substr(0, token.size() - 4)), Verdict::kSignature) << "cut";
  EXPECT_EQ(Of(token.substr(0, last + 1) + std::string(86, 'A')), Verdict::kSignature)
      << "r and s of zero pass for nothing";
}

TEST_F(Tokens, HoldFromNbfToExpWithHalfAMinuteForClocks) {
  EXPECT_EQ(With({{"exp", In(-29)}}), Verdict::kGood);
  EXPECT_EQ(With({{"exp", In(-30)}}), Verdict::kTime);
  EXPECT_EQ(With({{"exp", nullptr}}), Verdict::kTime) << "one that holds for ever";
  EXPECT_EQ(With({{"exp", "4000000000"}}), Verdict::kTime);
  EXPECT_EQ(With({{"exp", In(60) + 0.5}}), Verdict::kGood);
  EXPECT_EQ(With({{"exp", 1e300}}), Verdict::kGood);
  EXPECT_EQ(With({{"exp", -1e300}}), Verdict::kTime);
  EXPECT_EQ(With({{"nbf", In(30)}}), Verdict::kGood);
  EXPECT_EQ(With({{"nbf", In(31)}}), Verdict::kTime);
  EXPECT_EQ(With({{"nbf", "now"}}), Verdict::kTime);
}

TEST_F(Tokens, ForOthersOrOfOthersAreRefused) {
  EXPECT_EQ(With({{"iss", "https://issuer/"}}), Verdict::kIssuer);
  EXPECT_EQ(With({{"iss", nullptr}}), Verdict::kIssuer);
  EXPECT_EQ(With({{"iss", Json::array({"https://issuer"})}}), Verdict::kIssuer);
  EXPECT_EQ(With({{"aud", Json::array({"x", "others"})}}), Verdict::kGood);
  EXPECT_EQ(With({{"aud", Json::array({"x", 7})}}), Verdict::kAudience);
  EXPECT_EQ(With({{"aud", "flights2"}}), Verdict::kAudience);
  EXPECT_EQ(With({{"aud", nullptr}}), Verdict::kAudience);
}

TEST_F(Tokens, ThatAreNoneAreRefusedQuietly) {
  const std::string good = TokenOf(header_, claims_, Ec());
  for (const std::string& wrong : std::vector<std::string>{
           "a", "a.b", "..", "....", good + ".x", good + "=", "e30.e30.e30", " " + good + " x",
           "bm90.bm90.bm90", Base64Url(R"([1])") + "." + Base64Url(R"({})") + ".AA",
           std::string(kMostTokenBytes + 1, 'a'), "+" + good}) {
    EXPECT_NE(Of(wrong), Verdict::kGood) << wrong.substr(0, 80);
  }
  Json header = header_;
  header["crit"] = Json::array({"b64"});
  header["b64"] = false;
  EXPECT_EQ(Of(TokenOf(header, claims_, Ec())), Verdict::kMalformed);
  EXPECT_EQ(Of(TokenOf(header_, Json::array({1}), Ec())), Verdict::kMalformed);
  Json deep = Json::object();
  for (int i = 0; i < 400; ++i) deep = {{"a", deep}};
  EXPECT_EQ(Of(TokenOf(header_, deep, Ec())), Verdict::kMalformed);
}

TEST_F(Tokens, WithoutAnyKeysNonePasses) {
  rules_.keys = nullptr;
  EXPECT_EQ(Of(TokenOf(header_, claims_, Ec())), Verdict::kNoKeys);
  EXPECT_EQ(Of(""), Verdict::kNone);
  EXPECT_EQ(Of("x.y"), Verdict::kMalformed);
}

}  // namespace
}  // namespace penstock::router
