// What the oracle's cases do not say: errors' texts, bounds, objects, paths.
#include "operator/plan/expression/expression.h"

#include <gmock/gmock.h>

namespace penstock::plan::expression {
namespace {

using Kind = Type::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A step of which some results are there.
class Results : public Object {
 public:
  Result<Value> Get(const std::string& field) const override {
    if (field == "there") return Value(std::int64_t{5});
    return NotFound("step a gave no result '" + field + "'");
  }
  bool Has(const std::string& field) const override { return field == "there"; }
};

std::map<std::string, Value> Around() {
  return {{"results", Value(ObjectPtr(std::make_shared<Results>()))}};
}

std::map<std::string, Type> Declared() {
  ObjectType step{"step 'a'", "field", {{"status", Of(Kind::kString)}, {"rows", Of(Kind::kInt)}}};
  ObjectType steps{
      "the pipeline",
      "step",
      {{"a", ObjectOf(step)}, {"one-file", ObjectOf(step)}, {"train", ObjectOf(step)}}};
  return {{"steps", ObjectOf(steps)}, {"rate", Of(Kind::kDouble)}};
}

std::string ParseError(const std::string& text) {
  const auto parsed = Expression::Parse(text);
  return parsed ? "parsed" : parsed.error().message;
}

std::vector<std::string> CheckErrors(const std::string& text) {
  const auto parsed = Expression::Parse(text);
  EXPECT_TRUE(parsed) << parsed.error().message;
  std::vector<std::string> errors;
  (void)Check(*parsed, Declared(), errors);
  return errors;
}

Result<Value> ValueOf(const std::string& text) {
  const auto parsed = Expression::Parse(text);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return Evaluate(*parsed, Around());
}

TEST(Expression, ErrorsNameThePlaceAndWhatToDo) {
  EXPECT_EQ(ParseError("a ="), "character 3: '=' is no operator; write ==");
  EXPECT_THAT(ParseError("$(parameters.x) == 1"),
              HasSubstr("character 1: a condition is no template"));
  EXPECT_EQ(ParseError("(1"), "character 3: expected ')', but there is the end");
  EXPECT_THAT(ParseError("a.?b"), HasSubstr("optional fields (.?) are not supported"));
  EXPECT_THAT(ParseError("b'x'"), HasSubstr("bytes are not supported"));
  EXPECT_THAT(ParseError("Message{a: 1}"), HasSubstr("messages are not supported"));
}

TEST(Expression, AnUnknownNameBringsTheNearest) {
  EXPECT_THAT(CheckErrors("step.a.rows > 1"), ElementsAre(HasSubstr("did you mean \"steps\"")));
  EXPECT_THAT(
      CheckErrors("steps.trian.rows > 1"),
      ElementsAre("character 6: the pipeline has no step 'trian'; did you mean \"train\"?"));
  EXPECT_THAT(CheckErrors("steps.a.row > 1"), ElementsAre(HasSubstr("did you mean \"rows\"")));
  EXPECT_THAT(CheckErrors("'x'.startWith('x')"),
              ElementsAre(HasSubstr("did you mean \"startsWith\"")));
}

TEST(Expression, ANameWithAMinusIsToldHowToBeWritten) {
  EXPECT_THAT(CheckErrors("steps.one-file.rows > 3"),
              ElementsAre("character 6: the pipeline has no step 'one'; '-' subtracts here: a name "
                          "that holds one is written [\"one-file\"]"));
  EXPECT_THAT(CheckErrors("steps[\"one-file\"].rows > 3"), IsEmpty());
}

TEST(Expression, EveryErrorIsToldAtOnce) {
  EXPECT_THAT(CheckErrors("steps.b.rows > 1 && steps.a.x == 1 && rate % 2.0 == 1.0").size(), 3u);
}

TEST(Expression, NumbersOfTwoTypesMayBeComparedButNotAdded) {
  EXPECT_THAT(CheckErrors("rate == 1 && rate > 0 && rate in [1, 2]"), IsEmpty());
  EXPECT_THAT(CheckErrors("rate + 1 > 2.0"), ElementsAre(HasSubstr("write 1.0 for 1")));
}

TEST(Expression, AnObjectIsNoValue) {
  EXPECT_THAT(CheckErrors("steps.a == steps.train"),
              ElementsAre(HasSubstr("step 'a' is no value by itself"),
                          HasSubstr("step 'a' is no value by itself")));
  EXPECT_THAT(CheckErrors("steps"), ElementsAre(HasSubstr("name a step of it")));
}

TEST(Expression, AMacrosVariableHidesNoOther) {
  EXPECT_THAT(CheckErrors("[1].all(rate, rate > 0)"),
              ElementsAre(HasSubstr("'rate' is the name of something else")));
}

TEST(Expression, WhatAnObjectLacksIsNotFoundUnlessItIsNotNeeded) {
  const auto absent = ValueOf("results.gone > 1");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(absent.error().message, "step a gave no result 'gone'");
  EXPECT_EQ(Written(*ValueOf("has(results.gone) && results.gone > 1")), "false");
  EXPECT_EQ(Written(*ValueOf("results.gone > 1 || results.there == 5")), "true");
  EXPECT_EQ(Written(*ValueOf("has(results[\"there\"]) && results[\"there\"] == 5")), "true");
}

TEST(Expression, IsBoundedInTextNestingAndWork) {
  EXPECT_THAT(ParseError(std::string(5'000, ' ')), HasSubstr("over 4096 bytes"));
  EXPECT_THAT(ParseError(std::string(2'000, '(')), HasSubstr("nested too deeply"));
  std::string chain = "true";
  for (int i = 0; i < 600; ++i) chain += "&&true";
  EXPECT_THAT(ParseError(chain), HasSubstr("nested too deeply"));
  std::string list = "[0";
  for (int i = 1; i < 80; ++i) list += "," + std::to_string(i);
  list += "]";
  const auto work = ValueOf(list + ".all(a, " + list + ".all(b, " + list + ".all(c, a + b >= 0)))");
  ASSERT_FALSE(work);
  EXPECT_THAT(work.error().message, HasSubstr("too much work"));
}

// A value, and a type, of 2^30 parts in 560 bytes.
std::string Doubled() {
  std::string text = "[0]";
  for (int i = 0; i < 30; ++i) text += ".map(v, {v: v})";
  return text;
}

Result<Value> ValueWith(const std::string& text, const std::map<std::string, Value>& variables) {
  const auto parsed = Expression::Parse(text);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return Evaluate(*parsed, variables);
}

std::string WrittenWith(const std::string& text, const std::map<std::string, Value>& variables) {
  const auto value = ValueWith(text, variables);
  return value ? Written(*value) : value.error().message;
}

TEST(Expression, TypesThatDoubleDoNotGrowWithoutBound) {
  EXPECT_THAT(CheckErrors(Doubled() + " == []"),
              ElementsAre(HasSubstr("are of over 200 types; nest fewer")));
  EXPECT_THAT(CheckErrors("size(" + std::string(90, '[') + std::string(90, ']') + ") == 1"),
              IsEmpty());
  std::string dyn = "[0]";
  for (int i = 0; i < 30; ++i) dyn += ".map(v, {dyn(v): dyn(v)})";
  EXPECT_THAT(CheckErrors("size(" + dyn + ") == 1"), IsEmpty());
}

TEST(Expression, ValuesThatDoubleAreNotComparedOrShownWithoutBound) {
  const std::string much = "the expression takes too much work; make its lists smaller";
  EXPECT_EQ(WrittenWith(Doubled() + " == " + Doubled(), {}), much);
  EXPECT_EQ(WrittenWith(Doubled() + " in [1, " + Doubled() + "]", {}), much);
  EXPECT_EQ(WrittenWith("{" + Doubled() + ": 1, " + Doubled() + ": 2}", {}), much);
  const std::string shown = WrittenWith("{1: 2}[" + Doubled() + "]", {});
  EXPECT_THAT(shown, HasSubstr("no such key: [{{{{{"));
  EXPECT_LE(shown.size(), 100U);
  EXPECT_EQ(WrittenWith("size(" + Doubled() + ")", {}), "1");
}

TEST(Expression, LargeMapsOfOneOrderAreComparedAndOthersWithinTheBound) {
  const auto map = [](int size, bool back) {
    std::vector<std::pair<Value, Value>> entries;
    for (int i = 0; i < size; ++i)
      entries.emplace_back("key " + std::to_string(back ? size - 1 - i : i), Value(true));
    return Value(Map(std::make_shared<const std::vector<std::pair<Value, Value>>>(entries)));
  };
  EXPECT_EQ(WrittenWith("a == b", {{"a", map(20'000, false)}, {"b", map(20'000, false)}}), "true");
  EXPECT_EQ(WrittenWith("a == b", {{"a", map(1'000, false)}, {"b", map(1'000, true)}}), "true");
  EXPECT_THAT(WrittenWith("a == b", {{"a", map(20'000, false)}, {"b", map(20'000, true)}}),
              HasSubstr("too much work"));
}

// One field, of which it counts how often it is made.
class Counted : public Object {
 public:
  explicit Counted(Json field) : field_(std::move(field)) {}
  Result<Value> Get(const std::string&) const override {
    ++made;
    return FromJson(field_);
  }
  bool Has(const std::string&) const override { return true; }
  mutable int made = 0;

 private:
  Json field_;
};

TEST(Expression, WhatIsReadWeighsAllThatIsInItAndIsMadeOnce) {
  const auto small = std::make_shared<Counted>(Json::parse("[[1, 2], [3]]"));
  EXPECT_EQ(WrittenWith("o.x[0] == [1, 2] && o.x[1] == [3] && o[\"x\"].all(v, v in o.x)",
                        {{"o", Value(ObjectPtr(small))}}),
            "true");
  EXPECT_EQ(small->made, 1);
  Json inner = Json::array();
  for (int i = 0; i < 1'000; ++i) inner.push_back(i);
  const auto large = std::make_shared<Counted>(Json(std::vector<Json>(250, inner)));
  EXPECT_THAT(WrittenWith("size(o.x) == 250", {{"o", Value(ObjectPtr(large))}}),
              HasSubstr("too much work"));
}

TEST(Expression, TextsAreNotCopiedWithoutBound) {
  const std::map<std::string, Value> with{{"t", Value(std::string(60'000, 'a'))}};
  EXPECT_EQ(WrittenWith("t.contains('aa') && t != 'b'", with), "true");
  EXPECT_THAT(WrittenWith("[1, 2, 3, 4, 5, 6, 7, 8].map(i, [t, t, t, t, t, t, t])", with),
              HasSubstr("too much work"));
  EXPECT_THAT(WrittenWith("[1, 2, 3, 4].all(i, t.matches('(a{30}){30}'))", with),
              HasSubstr("too much work"));
}

TEST(Expression, PathsAreTheChainsOfNamesFromAVariable) {
  const auto parsed = Expression::Parse(
      "steps[\"a\"].results.r > 1 || has(steps.b.results.x) || [1].all(v, v > parameters.p[0].q)");
  ASSERT_TRUE(parsed);
  std::vector<std::string> shown;
  for (const Path& p : PathsOf(*parsed)) {
    std::string text = p.asked ? "?" : "";
    for (const std::string& name : p.names) text += "/" + name;
    shown.push_back(text);
  }
  EXPECT_THAT(shown, ElementsAre("/steps/a/results/r", "?/steps/b/results/x", "/parameters/p"));
}

TEST(Expression, ReadsNumbersAsTheirDeclarationsSay) {
  EXPECT_EQ(Written(FromJson(Json::parse("3"))), "3");
  EXPECT_EQ(Written(FromJson(Json::parse("3"), Numbers::kAsDoubles)), "3.0");
  EXPECT_EQ(Written(FromJson(Json::parse("3.0"), Numbers::kAsInts)), "3");
  EXPECT_EQ(Written(FromJson(Json::parse("[3.0, {\"a\": null}]"))), "[3.0, {\"a\": null}]");
}

}  // namespace
}  // namespace penstock::plan::expression
