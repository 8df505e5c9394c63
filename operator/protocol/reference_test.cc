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
  for (const char* text : {"$(date +%s)", "$()", "$(a..b)", "$(.a)", "$(a.)", "$(a[)", "$(a[])",
                           "$(a[-1])", "$(a[x])", "$(a[*].b)", "$(a[*][0])", "$([0])", "$(a[0)",
                           "$(a[0000000001])", "$(a[\"b])", "$(a b[0])"}) {
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

TEST(Reference, ReadsFieldsItemsAndASpreadAndWritesThemBack) {
  for (const char* text :
       {"$(parameters.a-b.c)", "$(parameters.x[0])", "$(steps.s.results.r.rows[12].name)",
        "$(parameters.x[\"any ) key\"].y[0])", "$(parameters.x[\"path\"])", "$(parameters.x[*])",
        "$(parameters.x[3][*])", "$(parameters.x[\"\"])"}) {
    const auto t = Parse(text);
    ASSERT_NE(t.Whole(), nullptr) << text;
    EXPECT_EQ(t.Whole()->Text(), text);
    EXPECT_EQ(*Parse(t.Whole()->Text()).Whole(), *t.Whole());
  }
  EXPECT_EQ(Parse("$(parameters.x[0][\"b\"])").Whole()->Text(), "$(parameters.x[0].b)");
}

Result<Json> Of(const std::string& text, const Json& value) {
  return Select(value, *Parse(text).Whole(), 2);
}

TEST(Select, GivesTheFieldOrItem) {
  const Json value = Json::parse(R"({"rows": [{"name": "a"}, {"name": "b"}], "path": 3})");
  EXPECT_EQ(*Of("$(parameters.x)", value), value);
  EXPECT_EQ(*Of("$(parameters.x.rows[1].name)", value), Json("b"));
  EXPECT_EQ(*Of("$(parameters.x[\"path\"])", value), Json(3));
  EXPECT_EQ(*Of("$(parameters.x.rows[*])", value), value.at("rows"));
}

TEST(Select, SaysHowFarItCameAndWhatIsThere) {
  const Json value = Json::parse(R"({"rows": [{"name": "a"}], "n": 3, "none": null})");
  const auto says = [&](const std::string& text, ErrorKind kind) {
    const auto got = Of(text, value);
    EXPECT_FALSE(got) << text;
    if (got) return std::string();
    EXPECT_EQ(got.error().kind, kind) << text;
    return got.error().message;
  };
  EXPECT_EQ(says("$(parameters.x.row)", ErrorKind::kNotFound),
            "$(parameters.x) has no field 'row'; it has n, none, rows");
  EXPECT_EQ(says("$(parameters.x.rows[1].name)", ErrorKind::kNotFound),
            "$(parameters.x.rows) is a list of 1, so it has no item 1, counted from 0");
  EXPECT_EQ(says("$(parameters.x.rows.name)", ErrorKind::kInvalid),
            "$(parameters.x.rows) is a list of 1, so it has no field 'name'");
  EXPECT_EQ(says("$(parameters.x.rows[0].name[0])", ErrorKind::kInvalid),
            "$(parameters.x.rows[0].name) is a string, so it has no item 0");
  EXPECT_EQ(says("$(parameters.x.none.a)", ErrorKind::kNotFound),
            "$(parameters.x.none) is null, so it has no field 'a'");
  EXPECT_EQ(says("$(parameters.x.n[*])", ErrorKind::kInvalid),
            "$(parameters.x.n[*]): [*] spreads a list, and the value is a number");
}

TEST(Template, AWordThatSpreadsAListBecomesAWordAnItem) {
  const auto words = [](const std::string& text, const Json& value) {
    return ExpandWord(Parse(text), [&](const Reference&) -> Result<Json> { return value; });
  };
  EXPECT_EQ(*words("$(parameters.x[*])", Json::array({1, "b c", "$(parameters.y)"})),
            (std::vector<std::string>{"1", "b c", "$(parameters.y)"}));
  EXPECT_TRUE(words("$(parameters.x[*])", Json::array())->empty());
  EXPECT_TRUE(words("$(parameters.x[*])", Json())->empty());
  EXPECT_EQ(*words("--x=$(parameters.x)", Json::array({1})), std::vector<std::string>{"--x=[1]"});
  EXPECT_FALSE(words("$(parameters.x[*])", Json("a,b")));
}

TEST(Reference, MatchesAPatternByItsParts) {
  const Reference r{{"steps", "train", "outputs", "model"}};
  EXPECT_TRUE(r.Is({"steps", "*", "outputs"}));
  EXPECT_FALSE(r.Is({"steps", "*", "results"}));
  EXPECT_FALSE(r.Is({"steps", "*", "outputs", "model", "x"}));
  EXPECT_TRUE(r.IsJust({"steps", "*", "outputs", "*"}));
  EXPECT_FALSE(r.IsJust({"steps", "*", "outputs"}));
  EXPECT_FALSE(
      Parse("$(steps.train.outputs.model[0])").Whole()->IsJust({"steps", "*", "outputs", "*"}));
}

}  // namespace
}  // namespace penstock
