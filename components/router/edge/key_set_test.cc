// What is taken for the keys of an issuer, and what is said of the rest.
#include "components/router/edge/key_set.h"

#include <gmock/gmock.h>

#include "components/router/edge/testing/signing.h"

namespace penstock::router {
namespace {

using ::testing::HasSubstr;

std::string SetOf(const Json& keys) { return Json{{"keys", keys}}.dump(); }
std::string Why(const Json& keys) {
  const auto set = KeySet::Parse(SetOf(keys));
  return set ? "" : set.error().message;
}

TEST(KeySets, FindAKeyByItsNameAndItsFormAlone) {
  const Json keys{JwkOf(NewRsaKey(), "a"), JwkOf(NewEcKey(), "b"), JwkOf(NewEcKey("P-384"), "c"),
                  JwkOf(NewEcKey(), "d")};
  const auto set = KeySet::Parse(SetOf(keys));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ((*set)->size(), 4U);
  EXPECT_NE((*set)->Find(*FormOf("RS256"), "a"), nullptr);
  EXPECT_EQ((*set)->Find(*FormOf("ES256"), "a"), nullptr) << "an RSA key";
  EXPECT_NE((*set)->Find(*FormOf("ES256"), "b"), nullptr);
  EXPECT_EQ((*set)->Find(*FormOf("ES256"), "c"), nullptr) << "another curve";
  EXPECT_NE((*set)->Find(*FormOf("ES384"), ""), nullptr) << "the only one of its form";
  EXPECT_EQ((*set)->Find(*FormOf("ES256"), ""), nullptr) << "there are two";
  EXPECT_EQ((*set)->Find(*FormOf("RS256"), "unknown"), nullptr);
}

TEST(KeySets, AKeyThatIsForOneAlgorithmVouchesForNoOther) {
  Json key = JwkOf(NewRsaKey(), "a");
  key["alg"] = "RS512";
  const auto set = KeySet::Parse(SetOf(Json::array({key})));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ((*set)->Find(*FormOf("RS256"), "a"), nullptr);
  EXPECT_NE((*set)->Find(*FormOf("RS512"), "a"), nullptr);
}

TEST(KeySets, KnowNoAlgorithmOfASharedSecretNorNone) {
  for (const char* wrong :
       {"none", "None", "HS256", "HS512", "", "RS1", "ES256K", "PS256", "rs256"})
    EXPECT_EQ(FormOf(wrong), nullptr) << wrong;
}

TEST(KeySets, PassOverKeysOfOtherKindsAndUses) {
  Json encrypts = JwkOf(NewRsaKey(), "enc");
  encrypts["use"] = "enc";
  const Json other{{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", "AA"}, {"kid", "o"}};
  const auto set = KeySet::Parse(SetOf({encrypts, other, JwkOf(NewEcKey(), "b")}));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ((*set)->size(), 1U);
  EXPECT_THAT(Why({encrypts, other}), HasSubstr("no key of it is for signatures"));
  EXPECT_THAT(Why(Json::array()), HasSubstr("no key of it is for signatures"));
}

TEST(KeySets, SayThatTwoKeysHaveOneNameAndOneForm) {
  EXPECT_THAT(Why({JwkOf(NewEcKey(), "a"), JwkOf(NewEcKey(), "a")}),
              HasSubstr("keys[1]: a key before it has its kid, a, and is for ES256 too"));
  EXPECT_EQ(Why({JwkOf(NewEcKey(), "a"), JwkOf(NewEcKey("P-384"), "a")}), "");
  EXPECT_EQ(Why({JwkOf(NewEcKey(), "a"), JwkOf(NewRsaKey(), "a")}), "");
  Json first = JwkOf(NewRsaKey(), "a");
  Json second = JwkOf(NewRsaKey(), "a");
  first["alg"] = "RS256";
  EXPECT_NE(Why({first, second}), "") << "the second is for RS256 as well";
  second["alg"] = "RS512";
  EXPECT_EQ(Why({first, second}), "");
}

TEST(KeySets, SayThatASecretDoesNotBelongThere) {
  EXPECT_THAT(Why(Json::array({{{"kty", "oct"}, {"k", "c2VjcmV0"}}})),
              HasSubstr("keys[0] holds a secret"));
  Json whole = JwkOf(NewEcKey(), "b");
  whole["d"] = "AAAA";
  EXPECT_THAT(Why({JwkOf(NewEcKey(), "a"), whole}), HasSubstr("keys[1] holds a secret"));
}

TEST(KeySets, RefuseKeysThatAreWeakOrNone) {
  EXPECT_THAT(Why(Json::array({JwkOf(NewRsaKey(1024), "a")})),
              HasSubstr("keys[0]: its n has 1024 bits"));
  Json off = JwkOf(NewEcKey(), "b");
  off["y"] = off["x"];
  EXPECT_THAT(Why(Json::array({off})), HasSubstr("keys[0]: x and y are no point of P-256"));
  Json cut = JwkOf(NewEcKey(), "b");
  cut["x"] = "AAAA";
  EXPECT_THAT(Why(Json::array({cut})), HasSubstr("have 32 bytes each"));
  Json even = JwkOf(NewRsaKey(), "a");
  for (const char* e : {"AQ", "Ag", "AQABAQABAQABAQAB", "", "!"}) {
    even["e"] = e;
    EXPECT_NE(Why(Json::array({even})), "") << e;
  }
  EXPECT_NE(Why(Json::array({{{"kty", "RSA"}}})), "");
}

// An issuer that publishes one key that we do not take would have locked everybody out.
TEST(KeySets, OfAnIssuerKeepTheirGoodKeysBesideOneThatCannotBeUsed) {
  Json off = JwkOf(NewEcKey(), "off");
  off["y"] = off["x"];
  Json whole = JwkOf(NewEcKey(), "whole");
  whole["d"] = "AAAA";
  const auto set = KeySet::Parse(SetOf({JwkOf(NewRsaKey(1024), "weak"),
                                        off,
                                        whole,
                                        {{"kty", "oct"}, {"k", "c2VjcmV0"}},
                                        JwkOf(NewEcKey(), "twin"),
                                        JwkOf(NewEcKey(), "twin"),
                                        JwkOf(NewEcKey(), "twin"),
                                        JwkOf(NewEcKey(), "good")}),
                                 KeySet::By::kIssuer);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ((*set)->size(), 1U);
  EXPECT_NE((*set)->Find(*FormOf("ES256"), "good"), nullptr);
  for (const char* id : {"off", "whole", "twin"})
    EXPECT_EQ((*set)->Find(*FormOf("ES256"), id), nullptr) << id;
  EXPECT_EQ((*set)->Find(*FormOf("RS256"), "weak"), nullptr);
}

TEST(KeySets, TellASetOfNoKeyFromWhatIsNone) {
  const auto kind = [](const Json& keys) {
    return KeySet::Parse(SetOf(keys), KeySet::By::kIssuer).error().kind;
  };
  EXPECT_EQ(kind(Json::array()), ErrorKind::kUnsupported);
  EXPECT_EQ(kind(Json::array({JwkOf(NewRsaKey(1024), "weak")})), ErrorKind::kUnsupported);
  EXPECT_EQ(KeySet::Parse("{}", KeySet::By::kIssuer).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(KeySet::Parse("<html>", KeySet::By::kIssuer).error().kind, ErrorKind::kInvalid);
}

TEST(KeySets, SayWhatIsNoSetAtAll) {
  for (const char* wrong : {"", "null", "[]", "{}", R"({"keys": {}})", R"({"keys": )"})
    EXPECT_FALSE(KeySet::Parse(wrong)) << wrong;
  EXPECT_FALSE(KeySet::Parse(R"({"keys": [1, null, "x", [], {}]})"));
  EXPECT_FALSE(KeySet::Parse(std::string(300U << 10, ' ')));
  Json many = Json::array();
  for (int i = 0; i < 51; ++i) many.push_back({{"kty", "OKP"}});
  EXPECT_THAT(Why(many), HasSubstr("at most 50 keys"));
}

}  // namespace
}  // namespace penstock::router
