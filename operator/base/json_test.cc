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

TEST(ParseJson, SaysWhereAndWhatInPlainWords) {
  EXPECT_EQ(ParseJson("{\n\"a\": x}", "f").error().message,
            "f is not JSON: line 2, column 6: syntax error while parsing value - invalid literal; "
            "last read: '\"a\": x'");
  EXPECT_EQ(ParseJson("[1e400]", "f").error().message,
            "f is not JSON: number overflow parsing '1e400'");
  for (const char* word : {"NaN", "nan", "Infinity", "-Infinity", "-inf"}) {
    EXPECT_NE(ParseJson(std::string("[1, ") + word + "]", "f").error().message.find("has no NaN"),
              std::string::npos)
        << word;
  }
  EXPECT_EQ(ParseJson("[no]", "f").error().message.find("NaN"), std::string::npos);
}

TEST(ParseJson, RefusesWhatStandsBehindAZeroByteInsteadOfLeavingItOut) {
  using namespace std::string_view_literals;
  EXPECT_EQ(ParseJson("{\"a\": 1}\0, \"b\": 2}"sv, "x").error().message,
            "x is not JSON: byte 9 is zero");
  EXPECT_FALSE(ParseJsonCut("[1]\0"sv, "x"));
}

TEST(ParseJson, RefusesTextNestedDeeperThanTheLimit) {
  const auto r = ParseJson(std::string(100'000, '['), "the body");
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("deeper than 256"), std::string::npos);
}

std::string Nested(int levels, const std::string& inside) {
  return std::string(levels, '[') + inside + std::string(levels, ']');
}

TEST(ParseJsonCut, CutsWhatIsTooDeepAndKeepsWhatStandsBesideIt) {
  const std::string text = R"({"a":"]\"[","deep":)" + Nested(100'000, "1") + R"(,"z":[{"b":2}]})";
  const auto r = ParseJsonCut(text, "the list");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->at("a"), "]\"[");
  EXPECT_EQ(r->at("z"), Json::parse(R"([{"b":2}])"));
  EXPECT_EQ(LevelsOf(*r), kMaxJsonDepth);
}

TEST(ParseJsonCut, LeavesWhatIsNotTooDeepAsItIs) {
  const std::string text = Nested(kMaxJsonDepth, "[],{},3").erase(0, 1);
  EXPECT_FALSE(ParseJsonCut(text, "the list")) << "an end too many is no JSON";
  const auto r = ParseJsonCut(Nested(kMaxJsonDepth - 1, "[],{},3"), "the list");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(LevelsOf(*r), kMaxJsonDepth);
  EXPECT_EQ(r->dump(), Nested(kMaxJsonDepth - 1, "[],{},3"));
}

}  // namespace
}  // namespace penstock
