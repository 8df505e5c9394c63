#include "operator/kube/selector.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace penstock::kube {
namespace {

Json Labelled(const Json& labels) {
  return Json{{"metadata", {{"name", "p"}, {"labels", labels}}},
              {"status", {{"phase", "Running"}}}};
}

bool Match(const std::string& selector, const Json& labels) {
  auto parsed = LabelSelector::Parse(selector);
  EXPECT_TRUE(parsed) << selector;
  return parsed && parsed->Matches(Labelled(labels));
}

TEST(LabelSelector, MatchesEqualityInEverySpelling) {
  EXPECT_TRUE(Match("a=b", {{"a", "b"}}));
  EXPECT_TRUE(Match("a==b", {{"a", "b"}}));
  EXPECT_TRUE(Match(" a = b , c=d", {{"a", "b"}, {"c", "d"}}));
  EXPECT_FALSE(Match("a=b,c=d", {{"a", "b"}}));
  EXPECT_FALSE(Match("a=b", {{"a", "c"}}));
}

TEST(LabelSelector, InequalityAndNotInAcceptAnObjectWithoutTheLabel) {
  EXPECT_TRUE(Match("a!=b", Json::object()));
  EXPECT_FALSE(Match("a!=b", {{"a", "b"}}));
  EXPECT_TRUE(Match("a notin (b,c)", Json::object()));
  EXPECT_FALSE(Match("a notin (b, c)", {{"a", "c"}}));
}

TEST(LabelSelector, MatchesSetsAndExistence) {
  EXPECT_TRUE(Match("a in (b, c),penstock.dev/run", {{"a", "c"}, {"penstock.dev/run", ""}}));
  EXPECT_FALSE(Match("a in (b,c)", {{"a", "d"}}));
  EXPECT_FALSE(Match("a", Json::object()));
  EXPECT_TRUE(Match("!a", Json::object()));
  EXPECT_FALSE(Match("!a", {{"a", ""}}));
}

TEST(LabelSelector, EmptyMatchesAnObjectWithoutMetadata) {
  EXPECT_TRUE(LabelSelector::Parse("").value().Matches(Json::object()));
}

TEST(LabelSelector, RefusesWhatItCannotRead) {
  for (const char* bad : {"a=b,,c", "a within (b)", "a in (b", "a b", "=x", "in (a)"}) {
    EXPECT_FALSE(LabelSelector::Parse(bad)) << bad;
  }
}

TEST(FieldSelector, ComparesDottedPathsAndTakesAbsentAsEmpty) {
  const Json object = Labelled(Json::object());
  EXPECT_TRUE(FieldSelector::Parse("metadata.name=p,status.phase!=Failed")->Matches(object));
  EXPECT_FALSE(FieldSelector::Parse("status.phase=Failed")->Matches(object));
  EXPECT_TRUE(FieldSelector::Parse("spec.nodeName=")->Matches(object));
  EXPECT_FALSE(FieldSelector::Parse("metadata.name"));
}

}  // namespace
}  // namespace penstock::kube
