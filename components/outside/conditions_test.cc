#include "components/outside/conditions.h"

#include <gmock/gmock.h>

namespace penstock::outside {
namespace {

using ::testing::HasSubstr;

const Json kObject = Json::parse(
    R"({"metadata": {"name": "a", "labels": {"x/y": "1"}}, "status": {"succeeded": 2, "phase": "Done"}})");
const std::vector<std::string> kKnown = {"metadata", "status"};

Result<bool> Holds(const std::string& text) {
  auto condition = Condition::Parse("successCondition", text, kKnown);
  if (!condition) return condition.error();
  return condition->Holds(VariablesOf(kObject));
}

TEST(Condition, IsTrueOrFalseOfTheObject) {
  EXPECT_TRUE(*Holds("status.succeeded > 1 && status.phase == 'Done'"));
  EXPECT_FALSE(*Holds("status.succeeded > 2"));
  EXPECT_TRUE(*Holds("metadata.labels['x/y'] == '1'"));
  EXPECT_TRUE(*Holds("has(status.phase) && !has(status.failed)"));
  EXPECT_FALSE(*Holds("")) << "none is given";
}

TEST(Condition, SaysWhyItHasNoValue) {
  EXPECT_THAT(Holds("status.failed > 0").error().message,
              HasSubstr("successCondition (status.failed > 0): "));
  EXPECT_THAT(Holds("status.phase").error().message, HasSubstr("is \"Done\", but a condition is"));
}

TEST(Condition, IsRefusedBeforeAnythingIsDoneWhereItCannotBeRight) {
  EXPECT_THAT(Holds("status. ==").error().message, HasSubstr("successCondition: character"));
  EXPECT_THAT(Holds("statu.x == 1").error().message, HasSubstr("successCondition: "));
  EXPECT_THAT(Holds("1 + 2").error().message, HasSubstr("is a int, but a condition"));
}

TEST(Extraction, GivesEachValueWithItsType) {
  const auto results = Extraction::Parse(
      Json::parse(
          R"({"n": "status.succeeded + 1", "labels": "metadata.labels", "all": "[true, null, 1.5]"})"),
      kKnown);
  ASSERT_TRUE(results) << results.error().message;
  const auto values = results->Values(VariablesOf(kObject));
  ASSERT_TRUE(values) << values.error().message;
  EXPECT_EQ(*values, Json::parse(R"({"n": 3, "labels": {"x/y": "1"}, "all": [true, null, 1.5]})"));
}

TEST(Extraction, NamesTheOneThatHasNoValue) {
  EXPECT_THAT(Extraction::Parse(Json{{"n", 1}}, kKnown).error().message,
              HasSubstr("results.n: is an expression"));
  EXPECT_THAT(Extraction::Parse(Json{{"n", "nothing.x"}}, kKnown).error().message,
              HasSubstr("results.n: "));
  const auto results = Extraction::Parse(Json{{"n", "status.gone"}}, kKnown);
  ASSERT_TRUE(results);
  EXPECT_THAT(results->Values(VariablesOf(kObject)).error().message, HasSubstr("results.n: "));
}

}  // namespace
}  // namespace penstock::outside
