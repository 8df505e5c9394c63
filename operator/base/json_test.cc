#include "operator/base/json.h"

#include <gtest/gtest.h>

#include <climits>
#include <cstdint>
#include <vector>

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

template <typename T>
bool Refused(const char* text) {
  try {
    (void)Json::parse(text).get<T>();
    return false;
  } catch (const Json::exception&) {
    return true;
  }
}

TEST(WholeNumbers, AreReadAsTheyAreWrittenOrRefusedNeverCutOrWrapped) {
  EXPECT_EQ(Json::parse("1").get<int>(), 1);
  EXPECT_EQ(Json::parse("-3.0").get<int>(), -3);
  EXPECT_EQ(Json::parse("-9223372036854775808").get<std::int64_t>(), INT64_MIN);
  EXPECT_EQ(Json::parse("18446744073709551615").get<std::uint64_t>(), UINT64_MAX);
  for (const char* wrong : {"1.5", "4294967296", "-2147483649", "1e300", "-1e300", "\"1\"", "null"})
    EXPECT_TRUE(Refused<int>(wrong)) << wrong;
  for (const char* wrong : {"18446744073709551615", "9223372036854775808", "9.3e18", "0.1"})
    EXPECT_TRUE(Refused<std::int64_t>(wrong)) << wrong;
  for (const char* wrong : {"-1", "18446744073709551616", "-0.5"})
    EXPECT_TRUE(Refused<std::uint64_t>(wrong)) << wrong;
  EXPECT_TRUE(Refused<std::uint16_t>("65536"));
  EXPECT_TRUE(Refused<std::vector<std::int64_t>>("[1,1e300]"));
  EXPECT_EQ(Json(UINT64_MAX).dump(), "18446744073709551615");
  EXPECT_EQ(Json(std::int8_t{-3}).dump(), "-3");
  EXPECT_THROW((void)Json({{"n", 2.5}}).value("n", 7), Json::exception);
  EXPECT_EQ(Json({{"n", 2.0}}).value("n", 7), 2);
}

TEST(WholeNumbers, AreClampedWhereTheBoundIsMeant) {
  EXPECT_EQ(Clamped(Json(99'999'999'999), 0, 1000), 1000);
  EXPECT_EQ(Clamped(Json(-1e300), 0, 1000), 0);
  EXPECT_EQ(Clamped(Json(UINT64_MAX), INT_MIN, INT_MAX), INT_MAX);
  EXPECT_EQ(Clamped(Json(12.9), 0, 1000), 12);
  EXPECT_TRUE(IsInt64(Json(INT64_MIN)));
  EXPECT_FALSE(IsInt64(Json(UINT64_MAX)));
  EXPECT_FALSE(IsInt64(Json(1.0)));
}

}  // namespace
}  // namespace penstock
