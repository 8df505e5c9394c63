#include "components/router/observe/compare.h"

#include <gtest/gtest.h>

namespace penstock::router {
namespace {

std::string V2(const std::string& shape, const std::string& data, const std::string& name = "p") {
  return R"({"outputs":[{"name":")" + name + R"(","datatype":"X","shape":)" + shape +
         R"(,"data":)" + data + "}]}";
}

TEST(Comparing, CountsRowsWhoseLargestValueMoved) {
  const auto seen = CompareAnswers(V2("[3,2]", "[0.1,0.9,0.8,0.2,0.6,0.4]"),
                                   V2("[3,2]", "[[0.2,0.8],[0.3,0.7],[0.5,0.5]]"), "");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->rows, 3);
  EXPECT_EQ(seen->decisions, 3);
  EXPECT_EQ(seen->flips, 1);
  EXPECT_NEAR(seen->sum_absolute_difference, 1.4, 1e-12);
  EXPECT_NEAR(seen->largest_difference, 0.5, 1e-12);
}

TEST(Comparing, TakesHalfForTheThresholdOfOneProbability) {
  const auto seen =
      CompareAnswers(R"({"predictions":[0.4,0.6,0.9]})", R"({"predictions":[0.6,0.7,0.1]})", "");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->flips, 2);
}

TEST(Comparing, TakesTheThresholdThatIsGivenForAnyOneNumber) {
  const auto seen =
      CompareAnswers(R"({"predictions":[10,20,30.5]})", R"({"predictions":[12,12,30.5]})", "", 15);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->decisions, 3);
  EXPECT_EQ(seen->flips, 1);
}

TEST(Comparing, SeesOnlyAShiftInRegressions) {
  const auto seen =
      CompareAnswers(R"({"predictions":[10.5,20.5]})", R"({"predictions":[11.5,20.5]})", "");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->decisions, 0);
  EXPECT_DOUBLE_EQ(seen->sum_b - seen->sum_a, 1.0);
}

TEST(Comparing, CountsRowsWhoseNumbersTheShadowHasLost) {
  const auto seen = CompareAnswers(R"({"predictions":[10.5,20.5,null,1.5]})",
                                   R"({"predictions":[null,"20.5",3.5,1.5]})", "");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->rows, 4);
  EXPECT_EQ(seen->lost_rows, 2);
  EXPECT_EQ(seen->number_rows, 1);
  EXPECT_EQ(seen->values, 1);
}

TEST(Comparing, ComparesLabelsAndClasses) {
  EXPECT_EQ(CompareAnswers(V2("[2]", R"(["a","b"])"), V2("[2]", R"(["a","c"])"), "p")->flips, 1);
  EXPECT_EQ(CompareAnswers(V2("[2]", "[3,4]"), V2("[2]", "[3,5]"), "p")->flips, 1);
  EXPECT_EQ(CompareAnswers(R"({"predictions":[{"y":1,"z":2}]})",
                           R"({"predictions":[{"y":7,"z":2}]})", "z")
                ->flips,
            0);
  EXPECT_EQ(CompareAnswers(R"({"outputs":{"y":[3,4]}})", R"({"outputs":{"y":[3,5]}})", "y")->flips,
            1);
}

TEST(Comparing, SaysWhenTwoAnswersCannotBeCompared) {
  const std::string good = V2("[1,2]", "[1,2]");
  for (const std::string& other :
       {V2("[1,3]", "[1,2,3]"), V2("[2,2]", "[1,2,3]"), V2("[1,2]", "[1,2]", "q"),
        std::string("{}"), std::string("[]"), std::string("x"), std::string(R"({"outputs":[]})"),
        std::string(R"({"outputs":[{"name":"p","shape":[1,2]}]})"),
        std::string(R"({"outputs":[{"name":"p","shape":"x","data":[1,2]}]})"), V2("[0]", "[]"),
        V2("[-1]", "[1,2]"), V2("[1,2]", R"([1,{"a":2}])")})
    EXPECT_FALSE(CompareAnswers(good, other, "p")) << other;
}

}  // namespace
}  // namespace penstock::router
