#include "operator/plan/resolve/loop.h"

#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::HasSubstr;

std::string Looped(const std::string& for_each, const std::string& rest = "") {
  return "parameters:\n- {name: files, type: list, default: [a, b]}\n- {name: count, type: "
         "integer, "
         "default: 3}\n- {name: text, default: x}\nsteps:\n- {name: find, container: {image: i, "
         "command: [find]}, results: [{name: names, type: list}, {name: one}]}\n- {name: each, "
         "container: {image: i, command: [run, $(each.value)]}, forEach: " +
         for_each + rest + "}\n";
}

// The items of the step "each"; the errors where it has none.
std::string Items(const std::string& for_each) {
  const auto r = Resolve("p", Spec(Looped(for_each)), {}, {});
  if (!r.run) return api::Describe(r.errors);
  const ResolvedLoop& loop = *r.run->Find("each")->loop;
  return loop.items == nullptr ? "pending" : Json(*loop.items).dump();
}

TEST(Loop, GoesOverALiteralListAndAParameter) {
  EXPECT_EQ(Items("{in: [a, 1, {b: [c]}, null]}"), R"(["a",1,{"b":["c"]},null])");
  EXPECT_EQ(Items("{in: $(parameters.files)}"), R"(["a","b"])");
  EXPECT_EQ(Items("{in: []}"), "[]");
  EXPECT_EQ(Items("{in: [$(parameters.text), \"$$(parameters.text)\"]}"),
            "[\"x\",\"$(parameters.text)\"]");
}

TEST(Loop, OverAResultIsKnownWhenTheStepStarts) {
  EXPECT_EQ(Items("{in: $(steps.find.results.names)}"), "pending");
  const auto run = MustResolve(Looped("{in: $(steps.find.results.names)}"));
  EXPECT_EQ(run.Find("each")->depends_on.front().step, "find");
}

TEST(Loop, ARangeEndsBeforeItsEnd) {
  EXPECT_EQ(Items("{range: {to: $(parameters.count)}}"), "[0,1,2]");
  EXPECT_EQ(Items("{range: {from: 2, to: 9, step: 3}}"), "[2,5,8]");
  EXPECT_EQ(Items("{range: {from: 3, to: 0, step: -1}}"), "[3,2,1]");
  EXPECT_EQ(Items("{range: {from: 3, to: 3}}"), "[]");
  EXPECT_THAT(Items("{range: {to: 3, step: 0}}"), HasSubstr("range.step: is 0"));
  EXPECT_THAT(Items("{range: {to: 2.5}}"), HasSubstr("range.to: 2.5 is no whole number"));
}

TEST(Loop, AMatrixIsEveryCombinationButTheExcludedAndThenTheIncluded) {
  EXPECT_EQ(Items("{matrix: {os: [l, w], arch: $(parameters.files)}, exclude: [{os: w, arch: a}], "
                  "include: [{os: m, extra: 1}]}"),
            R"([{"arch":"a","os":"l"},{"arch":"b","os":"l"},{"arch":"b","os":"w"},)"
            R"({"extra":1,"os":"m"}])");
  EXPECT_EQ(Items("{matrix: {os: [l, w], arch: []}}"), "[]");
  EXPECT_THAT(Items("{matrix: {os: [l]}, exclude: [{arch: a}]}"),
              HasSubstr("exclude[0]: the matrix has no axis 'arch'"));
}

// What a loop's items come to, and how often a value was asked for meanwhile.
struct Expanded {
  Result<std::vector<Json>> items;
  int asked = 0;
};
Expanded WithTexts(const api::ForEachSpec& spec, std::size_t bytes) {
  Expanded out{Invalid("not expanded"), 0};
  out.items = ListItems(spec, [&](const Reference&) -> Result<Json> {
    ++out.asked;
    return Json(std::string(bytes, 'a'));
  });
  return out;
}

// A reference of 15 bytes stands for 60,000.
TEST(Loop, ItemsAreBoundedBeforeTheyAreMade) {
  const Json many(std::vector<Json>(1'000, Json("$(parameters.x)")));
  api::ForEachSpec list;
  list.in = many;
  api::ForEachSpec one;
  one.in = Json::array({many});
  api::ForEachSpec axis;
  axis.matrix["a"] = many;
  api::ForEachSpec more;
  more.include = {Json{{"a", many}}};
  for (const auto& [spec, field] : {std::pair(list, "in: $(parameters.x): "),
                                    {one, "in: $(parameters.x): "},
                                    {axis, "matrix.a: $(parameters.x): "},
                                    {more, "include[0]: $(parameters.x): "}}) {
    const Expanded out = WithTexts(spec, 60'000);
    ASSERT_FALSE(out.items);
    EXPECT_THAT(out.items.error().message,
                HasSubstr(std::string(field) + "the items of the loop have over 4 MiB together"));
    EXPECT_LE(out.asked, 71) << field;
  }
  EXPECT_EQ(WithTexts(list, 4'000).items->size(), 1'000U);
}

TEST(Loop, WhatIsKnownOfALoopIsBoundedBeforeItIsPutIn) {
  std::string list = "{in: [$(steps.find.results.one)";
  for (int i = 0; i < 100; ++i) list += ", $(parameters.text)";
  const auto r = Resolve("p", Spec(Looped(list + "]}")), {{"text", std::string(60'000, 'a')}}, {});
  EXPECT_THAT(api::Describe(r.errors),
              HasSubstr("spec.steps[1].forEach: in: $(parameters.text): the items of the loop have "
                        "over 4 MiB together"));
}

TEST(Loop, CombinationsTogetherAreAtMostFourMebibytes) {
  api::ForEachSpec spec;
  for (const char* axis : {"a", "b"}) {
    spec.matrix[axis] = Json::array();
    for (int i = 0; i < 100; ++i) spec.matrix[axis].push_back(std::string(600, 'x'));
  }
  const auto items = WithTexts(spec, 0).items;
  ASSERT_FALSE(items);
  EXPECT_THAT(items.error().message, HasSubstr("matrix: the items of the loop have over 4 MiB"));
}

TEST(Loop, AMatrixIsNotComparedWithWhatItExcludesForMinutes) {
  api::ForEachSpec spec;
  for (const auto& [axis, size] : {std::pair("a", 1'000), {"b", 10}})
    for (int i = 0; i < size; ++i) spec.matrix[axis].push_back(i);
  for (int i = 0; i < 2'000; ++i) spec.exclude.push_back({{"a", i / 2}});
  spec.exclude.push_back({{"b", 1}});
  const auto refused = WithTexts(spec, 0).items;
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              HasSubstr("exclude[2000]: up to here it takes over 20 million comparisons with the "
                        "10000 combinations"));
  spec.exclude.resize(1'000);
  EXPECT_EQ(WithTexts(spec, 0).items->size(), 5'000U);
  spec.matrix["b"] = Json::array();
  EXPECT_EQ(WithTexts(spec, 0).items->size(), 0U);
}

TEST(Loop, SaysWhichFieldIsNoListAndWhatItIs) {
  EXPECT_THAT(Items("{in: $(parameters.text)}"),
              HasSubstr("spec.steps[1].forEach.in: $(parameters.text) is a string"));
  EXPECT_THAT(Items("{in: $(steps.find.results.one)}"),
              HasSubstr("$(steps.find.results.one) is a string, and a loop goes over a list"));
  EXPECT_THAT(Items("{in: $(steps.no.results.x)}"), HasSubstr("there is no step 'no'"));
  EXPECT_THAT(Items("{in: {a: 1}}"), HasSubstr("which is no list"));
  EXPECT_THAT(Items("{range: {to: 10001}}"), HasSubstr("at most 10000"));
  EXPECT_THAT(Items("{in: [a], minSuccess: most}"), HasSubstr("minSuccess"));
}

TEST(Loop, KeepsItsListThroughTheRevision) {
  const auto run =
      MustResolve(Looped("{in: $(parameters.files), parallelism: 2, minSuccess: 50%}"));
  const auto back = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(back) << back.error().message;
  const ResolvedLoop& loop = *back->Find("each")->loop;
  EXPECT_EQ(Json(*loop.items), Json::parse(R"(["a","b"])"));
  EXPECT_EQ(loop.spec.parallelism, 2);
  EXPECT_EQ(EncodeResolved(*back), EncodeResolved(run));
}

TEST(Loop, AnItemIsNamedByItsStepOnly) {
  const auto errors = [](const std::string& yaml) {
    return api::Describe(Resolve("p", Spec(yaml), {}, {}).errors);
  };
  EXPECT_THAT(errors("steps: [{name: a, container: {image: i, command: [x, $(each.value)]}}]"),
              HasSubstr("the step has no forEach"));
  EXPECT_THAT(errors("steps: [{name: a, container: {image: i, command: [x]}, parameters: {p: "
                     "$(each.value)}}]"),
              HasSubstr("the step has no forEach"));
  EXPECT_THAT(errors("steps: [{name: a, container: {image: i, command: [sh, -c, \"rm "
                     "$(each.value)\"]}, forEach: {in: [b]}}]"),
              HasSubstr("would be run as code"));
}

TEST(Loop, ItsOutputsAreGatheredIntoFoldersAndItsResultsIntoLists) {
  const auto errors = [](const std::string& more) {
    return api::Describe(
        Resolve("p",
                Spec("steps:\n- {name: each, container: {image: i, command: [x]}, forEach: {in: "
                     "[a]}, outputs: [{name: o, type: model}], results: [{name: r, type: "
                     "integer}]}\n- {name: after, container: {image: i, command: [x]}, " +
                     more + "}\n"),
                {}, {})
            .errors);
  };
  EXPECT_EQ(errors("inputs: {all: $(steps.each.outputs.o), list: $(steps.each.outputs.r)}, "
                   "parameters: {l: $(steps.each.results.r)}"),
            "");
  EXPECT_EQ(errors("forEach: {in: $(steps.each.results.r)}"), "");
}

TEST(NeededSuccesses, AreAllACountOrARoundedUpShare) {
  EXPECT_EQ(*NeededSuccesses(Json(), 7), 7);
  EXPECT_EQ(*NeededSuccesses(3, 7), 3);
  EXPECT_EQ(*NeededSuccesses("3", 7), 3);
  EXPECT_EQ(*NeededSuccesses("95%", 100), 95);
  EXPECT_EQ(*NeededSuccesses("95%", 10), 10);
  EXPECT_EQ(*NeededSuccesses("33.3%", 3), 1);
  EXPECT_EQ(*NeededSuccesses("0%", 3), 0);
  for (const Json& bad : {Json("101%"), Json("-1"), Json(-1), Json(1.5), Json("%"), Json(true)})
    EXPECT_FALSE(NeededSuccesses(bad, 3)) << bad;
}

}  // namespace
}  // namespace penstock::plan
