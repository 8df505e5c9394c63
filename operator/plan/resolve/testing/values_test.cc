// Values, quantities, URIs, references, graphs, shown text, index ranges: the small parts.
#include <gmock/gmock.h>

#include "operator/base/shown_text.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/step_interfaces.h"
#include "operator/plan/resolve/topology.h"
#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;

TEST(ParseQuantity, ReadsWhatKubernetesReads) {
  EXPECT_DOUBLE_EQ(*ParseQuantity("500m"), 0.5);
  EXPECT_DOUBLE_EQ(*ParseQuantity("2Gi"), 2147483648.0);
  EXPECT_DOUBLE_EQ(*ParseQuantity("1e3"), 1000);
  EXPECT_DOUBLE_EQ(*ParseQuantity("1E"), 1e18);
  EXPECT_DOUBLE_EQ(*ParseQuantity("1Ei"), 1152921504606846976.0);
  EXPECT_DOUBLE_EQ(*ParseQuantity(".5"), 0.5);
  EXPECT_DOUBLE_EQ(*ParseQuantity(2), 2);
  EXPECT_NEAR(*ParseQuantity("3n"), 3e-9, 1e-18);
  for (const char* bad : {"", "1Qi", "Gi", "1 Gi", "1ki", "--1", "1.2.3", "1e", "inf"})
    EXPECT_FALSE(ParseQuantity(bad)) << bad;
  EXPECT_FALSE(ParseQuantity(true));
}

TEST(CheckValue, CountsCharactersNotBytes) {
  api::ParameterSpec spec;
  spec.max_length = 3;
  EXPECT_FALSE(CheckValue(spec, "äöü"));
  EXPECT_TRUE(CheckValue(spec, "abcd"));
}

TEST(CheckValue, TakesAnIntegralNumberForAnInteger) {
  api::ParameterSpec spec;
  spec.type = api::ValueType::kInteger;
  EXPECT_FALSE(CheckValue(spec, 3.0));
  EXPECT_TRUE(CheckValue(spec, 3.5));
  EXPECT_TRUE(CheckValue(spec, "3"));
}

TEST(CheckValue, ALongTextAndAGreedyPatternTakeNoLongerThanTheyMust) {
  api::ParameterSpec spec;
  spec.pattern = "(a+)+b";  // would take a backtracking engine for ever
  const std::string text(60'000, 'a');
  EXPECT_TRUE(CheckValue(spec, text));
  EXPECT_FALSE(CheckValue(spec, text + "b"));
}

TEST(CheckValue, AnIntegerIsExactOrRefusedWhereKubernetesHasRoundedIt) {
  api::ParameterSpec spec;
  spec.type = api::ValueType::kInteger;
  EXPECT_FALSE(CheckValue(spec, Json::parse("9007199254740993")));
  EXPECT_FALSE(CheckValue(spec, Json::parse("9223372036854775807")));
  for (const char* rounded : {"1.2345678901234567e+19", "1e19", "9223372036854775808.0"}) {
    const Complaint wrong = CheckValue(spec, Json::parse(rounded));
    ASSERT_TRUE(wrong) << rounded;
    EXPECT_NE(wrong->find("Kubernetes keeps those of 64 bits only"), std::string::npos) << *wrong;
  }
}

TEST(CheckDeclaration, FindsADefaultOutsideItsOwnBounds) {
  api::ParameterSpec spec;
  spec.type = api::ValueType::kNumber;
  spec.minimum = 1;
  spec.default_value = 0;
  EXPECT_TRUE(CheckDeclaration(spec));
  spec.default_value = 2;
  EXPECT_FALSE(CheckDeclaration(spec));
  spec.maximum = 0;
  EXPECT_EQ(CheckDeclaration(spec)->message, "minimum is above maximum");
  api::ParameterSpec broken;
  broken.pattern = "(";
  EXPECT_EQ(CheckDeclaration(broken)->field, ".pattern");
}

TEST(ExpandKnown, LeavesWhatIsNotKnownAndEscapesWhatItPutIn) {
  const auto out = ExpandKnown(
      Json::parse(R"j(["$(parameters.x)", "a $(parameters.x) $(steps.s.results.r) $$(y)"])j"),
      [](const Reference&) -> Result<Json> { return Json("$(z)"); },
      [](const Reference& r) { return r.Is({"parameters"}); });
  ASSERT_TRUE(out);
  const auto again = ExpandAll(*out, [](const Reference&) -> Result<Json> { return Json(7); });
  EXPECT_EQ(*again, Json::parse(R"j(["$(z)", "a $(z) 7 $(y)"])j"));
}

TEST(EscapeTemplate, IsReadBackAsTheText) {
  for (const std::string text : {"$(a)", "$$(a)", "$$$(a)", "$", "$(", "a$(b$(c)"}) {
    auto parsed = ParseTemplate(EscapeTemplate(text));
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*Expand(*parsed, [](const Reference&) -> Result<Json> { return Json("no"); }), text);
  }
}

TEST(TopologicalOrder, KeepsTheOrderOfTheSpecBetweenEquals) {
  EXPECT_THAT(TopologicalOrder({{2}, {}, {}, {0}}), ElementsAre(1, 2, 0, 3));
  EXPECT_TRUE(TopologicalOrder({{1}, {0}}).empty());
}

TEST(FindCycle, FindsOneBehindALongChain) {
  Graph chain(5000);
  for (std::size_t i = 1; i < chain.size(); ++i) chain[i].insert(i - 1);
  EXPECT_TRUE(FindCycle(chain).empty());
  chain[4990].insert(4992);
  EXPECT_THAT(FindCycle(chain), ElementsAre(4990, 4992, 4991, 4990));
}

TEST(PickComponent, ComparesNumbersAndNotText) {
  const auto component = [](const std::string& version) {
    api::Component c;
    c.spec.name = "x";
    c.spec.version = version;
    return c;
  };
  const std::vector<api::Component> all{component("1.9.0"), component("1.10.1"),
                                        component("1.10.0"), component("10.0.0")};
  EXPECT_EQ(PickComponent({"x", "1", false}, all)->spec.version, "1.10.1");
  EXPECT_EQ(PickComponent({"x", "1.9", false}, all)->spec.version, "1.9.0");
  EXPECT_EQ(PickComponent({"x", "1.10.0", false}, all)->spec.version, "1.10.0");
  EXPECT_FALSE(PickComponent({"x", "1.1", false}, all));
  EXPECT_EQ(PickComponent({"x", "one", false}, all).error().kind, ErrorKind::kInvalid);
}

TEST(CheckUri, ShowsNoQueryOfWhatItRefuses) {
  for (const char* uri : {"htps://h/x?sig=secret", "https://h/x?sig=secret y"}) {
    const auto wrong = CheckUri(uri);
    ASSERT_TRUE(wrong) << uri;
    EXPECT_EQ(wrong->find("secret"), std::string::npos) << *wrong;
  }
  api::ParameterSpec number;
  number.type = api::ValueType::kNumber;
  const auto wrong = CheckValue(number, "https://h/x?sig=secret");
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->find("secret"), std::string::npos) << *wrong;
}

TEST(CheckUri, SpansOfTimeAreCheckedAtApply) {
  for (const auto& [uri, says] : {std::pair{"s3://b/{YYYY}/{MM}/{DD}/", "no window"},
                                  {"webhdfs:///o/{yyyy}/{MM}/?window=1d", "{yyyy}"},
                                  {"file:///o/{YYYY}/{MM}/?window=1d", "{YYYY}, {MM} and {DD}"},
                                  {"s3://b/{YYYY}{MM}{DD}?window=7d&zone=Mars/Utopia", "not in"},
                                  {"s3://b/{YYYY}{MM}{DD}?window=7h", "spans are days"}}) {
    const auto wrong = CheckUri(uri);
    ASSERT_TRUE(wrong) << uri;
    EXPECT_NE(wrong->find(says), std::string::npos) << *wrong;
  }
  EXPECT_FALSE(CheckUri("s3://b/{YYYY}/{MM}/{DD}/?window=7d&to=2026-01-08T00:00:00Z&gaps=allow"));
  EXPECT_FALSE(CheckUri("file:///my data/{YYYY}/{MM}/{DD}/?window=7d&zone=Europe/Berlin"));
}

TEST(CheckUri, ASignatureInAUriOfAStoreIsRefusedAndNotShown) {
  for (const char* uri : {"az://c/k?sv=1&sig=secret", "az://c?sig=secret",
                          "abfss://c@a.dfs.core.windows.net/k?sig=secret",
                          "webhdfs://nn:9870/k?delegation=secret", "gs://b/k?X-Goog=secret"}) {
    const auto wrong = CheckUri(uri);
    ASSERT_TRUE(wrong) << uri;
    EXPECT_NE(wrong->find("has a ?"), std::string::npos) << *wrong;
    EXPECT_EQ(wrong->find("secret"), wrong->find("secretKeyRef")) << *wrong;
  }
  const auto spans = CheckUri("az://c/{YYYY}{MM}{DD}?window=1d&sig=secret");
  ASSERT_TRUE(spans);
  EXPECT_EQ(spans->find("secret"), std::string::npos) << *spans;
  EXPECT_FALSE(CheckUri("az://c/{YYYY}{MM}{DD}?window=1d&zone=+09:00"));
  EXPECT_FALSE(CheckUri("az://c/what%3F"));
  EXPECT_FALSE(CheckUri("https://a.blob.core.windows.net/c/k?sig=x"));
}

// Of the paths together, beside the value itself.
std::size_t PathBytes(const Json& value) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> errors;
  CollectReferences(value, "spec", found, errors);
  EXPECT_EQ(found.size(), 1'000u);
  std::size_t bytes = 0;
  for (const auto& f : found) bytes += f.path.size();
  return bytes;
}

TEST(CollectReferences, TakesNoMoreForAReferenceHoweverDeepOrLongItsPathIs) {
  const Json many(std::vector<std::string>(1'000, "$(a.b)"));
  Json deep = many;
  for (int i = 0; i < 5'000; ++i) deep = Json::array({std::move(deep)});
  EXPECT_LT(PathBytes(deep), 1'000 * 700u);
  EXPECT_LT(PathBytes(Json{{std::string(100'000, 'k'), many}}), 1'000 * 700u);
  std::vector<FoundReference> found;
  std::vector<api::FieldError> errors;
  CollectReferences(Json::parse(R"json({"a":[1,{"b-c":["$(x.y)"]}],"":"$("})json"), "spec", found,
                    errors);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "spec.a[1].b-c[0]");
  ASSERT_EQ(errors.size(), 1u);
}

TEST(Shown, IsOneLineOfValidUtf8OfBoundedLength) {
  EXPECT_EQ(Shown("a\nb\tc\x1b[0m"), "a b c [0m");
  EXPECT_EQ(Shown("\xff\xc3(\xc3\xa4"), "?\?(\xc3\xa4");
  EXPECT_EQ(Shown("abcdefgh", 6), "abc...");
  EXPECT_EQ(Shown("abcdef", 6), "abcdef");
  EXPECT_EQ(Shown("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 6), "\xc3\xa4...");
}

TEST(ProgramTexts, FindsInterpretersBehindWrappers) {
  EXPECT_THAT(ProgramTexts({"timeout", "5", "/bin/sh", "-c", "x"}), ElementsAre(4));
  EXPECT_THAT(ProgramTexts({"python3", "-m", "x", "-c", "y"}), ElementsAre(4));
  EXPECT_THAT(ProgramTexts({"node", "--eval", "x"}), ElementsAre(2));
  EXPECT_TRUE(ProgramTexts({"gcc", "-c", "x.c"}).empty());
  EXPECT_TRUE(ProgramTexts({"sh", "-c"}).empty());
}

TEST(MergeResources, AStepsLimitLowersAnInheritedRequest) {
  const Json merged = MergeResources(Json::parse(R"({"requests":{"memory":"2Gi","cpu":1}})"),
                                     Json::parse(R"({"limits":{"memory":"1Gi"}})"));
  EXPECT_EQ(merged["requests"], Json::parse(R"({"memory":"1Gi","cpu":1})"));
  EXPECT_TRUE(MergeResources(Json(), Json()).is_null());
}

}  // namespace
}  // namespace penstock::plan
