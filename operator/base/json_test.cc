#include "operator/base/json.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(CanonicalJson, SortsKeysAndWritesOneSpellingANumber) {
  const auto a = ParseJson(R"({"b": 1.0, "a": [1, 2.50, 1e3]})", "a");
  const auto b = ParseJson(R"({"a":[1.0,2.5,1000],"b":1})", "b");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(CanonicalJson(*a), R"({"a":[1,2.5,1000],"b":1})");
  EXPECT_EQ(CanonicalJson(*a), CanonicalJson(*b));
}

TEST(CanonicalJson, KeepsNumbersThatDifferApart) {
  EXPECT_NE(CanonicalJson(Json(0.1)), CanonicalJson(Json(0.10000000000000002)));
}

TEST(ParseJson, NamesWhatItWasReading) {
  const auto r = ParseJson("{", "the receipt");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(r.error().message.find("the receipt is not JSON"), std::string::npos);
}

TEST(ParseJson, RefusesTextNestedDeeperThanTheLimit) {
  const auto r = ParseJson(std::string(100'000, '['), "the body");
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("deeper than 256"), std::string::npos);
}

}  // namespace
}  // namespace penstock
