#include "operator/protocol/reference.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace penstock {
namespace {

Template Parse(const std::string& text) {
  auto t = ParseTemplate(text);
  EXPECT_TRUE(t) << text;
  return t ? *t : Template{};
}

Result<Json> LookUp(const Reference& r) {
  if (r.Text() == "$(parameters.n)") return Json(3);
  if (r.Text() == "$(parameters.evil)") return Json("$(parameters.n); $(DB_PASSWORD)");
  if (r.Text() == "$(parameters.list)") return Json::array({1, "b"});
  return NotFound(r.Text() + " is not known");
}

TEST(Template, AWholeReferenceKeepsItsType) {
  const auto v = ExpandValue(Parse("$(parameters.n)"), LookUp);
  ASSERT_TRUE(v);
  EXPECT_EQ(*v, Json(3));
}

TEST(Template, InsideTextAValueIsItsCanonicalString) {
  const auto v = Expand(Parse("a=$(parameters.n) b=$(parameters.list)"), LookUp);
  ASSERT_TRUE(v);
  EXPECT_EQ(*v, R"(a=3 b=[1,"b"])");
}

TEST(Template, AValueThatLooksLikeAReferenceStaysData) {
  const auto v = Expand(Parse("x $(parameters.evil)"), LookUp);
  ASSERT_TRUE(v);
  EXPECT_EQ(*v, "x $(parameters.n); $(DB_PASSWORD)");
}

TEST(Template, ADoubledDollarIsALiteral) {
  const auto v = Expand(Parse("$$(HOME) $HOME $x"), LookUp);
  ASSERT_TRUE(v);
  EXPECT_EQ(*v, "$(HOME) $HOME $x");
}

TEST(Template, RefusesWhatIsNotAReferenceAndSaysHowToWriteALiteral) {
  for (const char* text : {"$(date +%s)", "$()", "$(a..b)", "$(.a)", "$(a.)"}) {
    const auto t = ParseTemplate(text);
    ASSERT_FALSE(t) << text;
    EXPECT_NE(t.error().message.find("$$("), std::string::npos) << t.error().message;
  }
  EXPECT_FALSE(ParseTemplate("$(parameters.x"));
}

TEST(Template, AnUnknownReferenceIsTheLookupsError) {
  const auto v = Expand(Parse("$(steps.a.outputs.b)"), LookUp);
  ASSERT_FALSE(v);
  EXPECT_EQ(v.error().message, "$(steps.a.outputs.b) is not known");
}

TEST(Reference, MatchesAPatternByItsParts) {
  const Reference r{{"steps", "train", "outputs", "model"}};
  EXPECT_TRUE(r.Is({"steps", "*", "outputs"}));
  EXPECT_FALSE(r.Is({"steps", "*", "results"}));
  EXPECT_FALSE(r.Is({"steps", "*", "outputs", "model", "x"}));
}

}  // namespace
}  // namespace penstock
