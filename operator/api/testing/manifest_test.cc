#include "operator/api/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/base/file.h"

namespace penstock::api {
namespace {

using testing::HasSubstr;

std::string TestFile(const std::string& name) {
  return ReadFile(std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testdata/" + name).value();
}

std::string ErrorOf(const std::string& text) {
  const auto r = ParseManifests(text, "m.yaml");
  return r ? "" : r.error().message;
}

TEST(ParseManifests, GivesEveryScalarTheTypeThatKubectlGivesIt) {
  const auto documents = ParseManifests(TestFile("scalars.yaml"), "scalars.yaml");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 1u);
  const Json want = Json::parse(TestFile("scalars.json"));
  const Json& got = documents->front().object;
  for (const auto& [name, value] : want.items())
    EXPECT_EQ(got.value(name, Json("absent")), value) << name;
  EXPECT_EQ(got.size(), want.size());
}

TEST(ParseManifests, KnowsTheLineOfEachValue) {
  const auto documents = ParseManifests(
      "# first\nmetadata: {name: a}\nspec:\n  steps:\n  - name: x\n  - name: y\n    inputs:\n"
      "      train: s3://x\n  labels:\n    a.b/c: d\n",
      "m.yaml");
  ASSERT_TRUE(documents) << documents.error().message;
  const ManifestDocument& d = documents->front();
  EXPECT_EQ(d.LineOf("metadata.name"), 2);
  EXPECT_EQ(d.LineOf("spec.steps[1].inputs.train"), 8);
  EXPECT_EQ(d.LineOf("spec.steps[1].inputs.valid"), 7) << "the nearest parent's";
  EXPECT_EQ(d.LineOf("spec.labels[a.b/c]"), 10);
  EXPECT_EQ(d.LineOf("status"), 2) << "the document's";
}

TEST(ParseManifests, SplitsDocumentsAndLeavesEmptyOnesOut) {
  const auto documents =
      ParseManifests("---\n# nothing\n---\na: 1\n---\n---\nb: 2\n...\n---\nc: 3\n", "m.yaml");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 3u);
  EXPECT_EQ((*documents)[2].object, Json({{"c", 3}}));
  EXPECT_EQ((*documents)[2].LineOf("c"), 10);
  EXPECT_TRUE(ParseManifests("", "m.yaml")->empty());
}

TEST(ParseManifests, OpensAListAndKeepsLines) {
  const auto documents = ParseManifests(
      "apiVersion: v1\nkind: List\nitems:\n- kind: A\n- kind: B\n  spec: {x: 1}\n", "m.yaml");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 2u);
  EXPECT_EQ((*documents)[1].object.at("kind"), "B");
  EXPECT_EQ((*documents)[1].LineOf("spec.x"), 6);
}

TEST(ParseManifests, ReadsJsonWithEscapesThatYamlLacks) {
  const auto documents =
      ParseManifests(R"({"a": "\ud83d\ude00\/", "n": 1.0, "u": 18446744073709551615})", "m.json");
  ASSERT_TRUE(documents) << documents.error().message;
  const Json& object = documents->front().object;
  EXPECT_EQ(object.at("a"), "\U0001F600/");
  EXPECT_TRUE(object.at("n").is_number_integer());
  EXPECT_TRUE(object.at("u").is_number_float());
}

TEST(ParseManifests, RefusesANameSaidTwiceWithBothLines) {
  EXPECT_THAT(ErrorOf("a: 1\nb: 2\na: 3\n"),
              HasSubstr("m.yaml: line 3: \"a\" was set already in line 1"));
  EXPECT_THAT(ErrorOf("yes: 1\ntrue: 2\n"), HasSubstr("line 2: \"true\" was set already"));
}

TEST(ParseManifests, RefusesATabAsIndentationWithItsLine) {
  EXPECT_THAT(ErrorOf("a:\n  b: 1\n\tc: 2\n"), HasSubstr("line 3: "));
  EXPECT_THAT(ErrorOf("a:\n\tb: 1\n"), HasSubstr("line 2: "));
  EXPECT_THAT(ErrorOf("a:\n\tb: 1\n"), HasSubstr("tab"));
}

TEST(ParseManifests, SaysWhereAReferenceWithBracketsWantsQuotes) {
  for (const char* text : {"a: {b: $(parameters.x[0])}\n", "a: [b, $(parameters.x[*])]\n",
                           "a: {b: {firstOf: [$(steps.s.results.r[0]), 1]}}\n"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("line 1: ")) << text;
    EXPECT_THAT(ErrorOf(text), HasSubstr("stands in quotes")) << text;
  }
  EXPECT_EQ(ErrorOf("a: $(parameters.x[0])\n"), "");
}

TEST(ParseManifests, RefusesWhatJsonCannotSay) {
  EXPECT_THAT(ErrorOf("a: 1\nb: .inf\n"), HasSubstr("line 2: .inf has no form in JSON"));
  EXPECT_THAT(ErrorOf("b: .NaN\n"), HasSubstr("line 1"));
  EXPECT_THAT(ErrorOf("? [a]\n: 1\n"), HasSubstr("a name must be a text"));
  EXPECT_THAT(ErrorOf("~: 1\n"), HasSubstr("a name must not be null"));
  EXPECT_THAT(ErrorOf("a: !!int x\n"), HasSubstr("does not fit its tag"));
  EXPECT_THAT(ErrorOf("a: !!binary '%'\n"), HasSubstr("base64"));
  EXPECT_THAT(ErrorOf("a: !has(b.c)\n"), HasSubstr("text that begins with '!' stands in quotes"));
}

TEST(ParseManifests, RefusesAliasesThatBlowUpOrHoldThemselves) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int n = 1; n < 10; ++n) laughs += ", " + last;
    laughs += "]\n";
  }
  EXPECT_THAT(ErrorOf(laughs), HasSubstr("aliases make more than"));
  EXPECT_THAT(ErrorOf("a: &x [1, *x]\n"), HasSubstr("contains itself"));
  EXPECT_NE(ErrorOf("a: *nobody\n"), "");
}

TEST(ParseManifests, RefusesNestingWithoutAnEnd) {
  EXPECT_NE(ErrorOf(std::string(20000, '[')), "");
  const auto nested = [](const std::string& inner) {
    return std::string(200, '[') + inner + std::string(200, ']') + "\n";
  };
  EXPECT_THAT(ErrorOf("a: &a " + nested("1") + "b: " + nested("*a")),
              HasSubstr("nested deeper than 256 levels"));
  EXPECT_NE(ErrorOf("a: " + std::string(300, '[') + std::string(300, ']')), "");
}

TEST(ParseManifests, RefusesLeftoversInsteadOfTakingThemForAnotherDocument) {
  EXPECT_THAT(ErrorOf("a: 1\n- b\n"), HasSubstr("line 2"));
  EXPECT_NE(ErrorOf("a: [1, 2\nb: 3\n"), "");
  EXPECT_NE(ErrorOf("a: b: c\n"), "");
  EXPECT_THAT(ErrorOf("just words\n"), HasSubstr("a manifest is a mapping"));
}

TEST(ParseManifests, KeepsWhatTheFileSaysWhereYamlReadsSomethingElse) {
  const auto documents = ParseManifests(
      "kind: List\nitems:\n- {label: y, zip: 02138, m: 5, text: \"no\", on: [off, x]}\n", "f");
  ASSERT_TRUE(documents) << documents.error().message;
  const ManifestDocument& d = documents->front();
  EXPECT_EQ(d.written, (std::map<std::string, std::string>{
                           {"label", "y"}, {"zip", "02138"}, {"true[0]", "off"}}));
  EXPECT_EQ(d.written_names, (std::map<std::string, std::string>{{"true", "on"}}));
}

TEST(ParseManifests, NamesTheLineThatIsNoUtf8) {
  const auto documents = ParseManifests("a: 1\nb: caf\xe9\n", "f.yaml");
  ASSERT_FALSE(documents);
  EXPECT_EQ(documents.error().message,
            "f.yaml: line 2: the text is not UTF-8; save the file in that encoding (the first byte "
            "that is not stands in column 7)");
}

}  // namespace
}  // namespace penstock::api
