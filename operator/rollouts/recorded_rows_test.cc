#include "operator/rollouts/recorded_rows.h"

#include <gmock/gmock.h>

namespace penstock::rollouts {
namespace {

using ::testing::HasSubstr;

const std::string kRow =
    R"({"request":{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]},)"
    R"("response":{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[2]}]}})";

Json Outputs(const std::string& name, const std::string& shape, const std::string& data) {
  return Json::parse(R"([{"name":")" + name + R"(","datatype":"FP32","shape":)" + shape +
                     R"(,"data":)" + data + "}]");
}

TEST(ParseRows, ReadsALineEachAndRemembersWhereItStood) {
  auto rows = ParseRows(kRow + "\n\n  \r\n" + kRow, true);
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[1].line, 4);
  EXPECT_EQ(Json::parse((*rows)[1].request)["inputs"][0]["name"], "x");
  EXPECT_EQ((*rows)[1].outputs[0]["name"], "y");
}

TEST(ParseRows, NamesTheLineThatIsNone) {
  const auto said = [](const std::string& text, bool with_answers = true) {
    const auto rows = ParseRows(text, with_answers);
    return rows ? std::string("read") : rows.error().message;
  };
  EXPECT_THAT(said(""), HasSubstr("has no rows"));
  EXPECT_THAT(said(kRow + "\n{"), HasSubstr("line 2"));
  EXPECT_THAT(said(R"({"inputs":[]})"), HasSubstr("line 1 has no request with inputs"));
  const std::string unanswered = R"({"request":{"inputs":[]}})";
  EXPECT_THAT(said(unanswered), HasSubstr("line 1 has no response to compare"));
  EXPECT_EQ(said(unanswered, false), "read");
  std::string many;
  for (std::size_t i = 0; i <= kMostRows; ++i) many += kRow + "\n";
  EXPECT_THAT(said(many), HasSubstr("more than 1000 rows"));
}

TEST(ParseRows, RefusesARowWhoseResponseHasNothingToCompare) {
  const auto said = [](const std::string& response) {
    const auto rows = ParseRows(R"({"request":{"inputs":[]},"response":)" + response + "}", true);
    return rows ? std::string("read") : rows.error().message;
  };
  EXPECT_THAT(said(R"({"outputs":[]})"), HasSubstr("line 1 has no response to compare: it has no "
                                                   "outputs"));
  EXPECT_THAT(said(R"({"outputs":[{"name":"y"}]})"), HasSubstr("an output without a list"));
  EXPECT_THAT(said(R"({"outputs":[{"name":"y","data":3}]})"),
              HasSubstr("an output without a list"));
}

TEST(DifferenceIn, IsNoneWithinTheToleranceOfASmallOrALargeNumber) {
  EXPECT_EQ(DifferenceIn(Outputs("y", "[2]", "[0.5, 1000]"),
                         Outputs("y", "[2]", "[0.5009, 1000.9]"), 0.001),
            std::nullopt);
  EXPECT_EQ(
      *DifferenceIn(Outputs("y", "[2]", "[0.5, 1000]"), Outputs("y", "[2]", "[0.5, 1002]"), 0.001),
      "output \"y\"[1]: expected 1000, got 1002");
}

Json Of(const std::string& datatype, const std::string& data) {
  Json output{{"name", "y"}, {"data", Json::parse(data)}};
  if (!datatype.empty()) output["datatype"] = datatype;
  return Json::array({output});
}

TEST(DifferenceIn, ToleratesNothingOfWholeNumbersUnlessToldTo) {
  EXPECT_EQ(*DifferenceIn(Of("INT64", "[200000]"), Of("INT64", "[200001]"), {}),
            "output \"y\"[0]: expected 200000, got 200001");
  EXPECT_TRUE(DifferenceIn(Of("", "[200000]"), Of("", "[200001]"), {}));
  EXPECT_TRUE(DifferenceIn(Of("UINT64", "[18446744073709551615]"), Of("UINT64", "[-1]"), {}));
  EXPECT_TRUE(
      DifferenceIn(Of("INT64", "[9007199254740993]"), Of("INT64", "[9007199254740992]"), {}));
  EXPECT_TRUE(DifferenceIn(Of("BOOL", "[true]"), Of("BOOL", "[false]"), {}));
  EXPECT_FALSE(DifferenceIn(Of("INT64", "[200000]"), Of("INT64", "[200001]"), 0.001));
  EXPECT_FALSE(DifferenceIn(Of("FP32", "[200000]"), Of("FP32", "[200001]"), {}))
      << "written without a point";
  EXPECT_TRUE(DifferenceIn(Of("FP32", "[1]"), Of("FP32", "[1.1]"), {}));
}

TEST(DifferenceIn, IsOneOfDatatypesAsFarAsTheyAreTold) {
  EXPECT_EQ(*DifferenceIn(Of("INT64", "[1]"), Of("FP32", "[1]"), {}),
            "output \"y\": expected datatype \"INT64\", got \"FP32\"");
  EXPECT_FALSE(DifferenceIn(Of("", "[1]"), Of("FP32", "[1]"), {}));
}

TEST(DifferenceIn, TakesNestedAndFlatDataForTheSame) {
  EXPECT_EQ(DifferenceIn(Outputs("y", "[1,2]", "[[1, 2]]"), Outputs("y", "[1,2]", "[1, 2]"), 0),
            std::nullopt);
}

TEST(DifferenceIn, NamesAnOutputThatIsGoneAndAShapeOrTextThatIsAnother) {
  const Json y = Outputs("y", "[1]", "[1]");
  EXPECT_EQ(*DifferenceIn(y, Outputs("z", "[1]", "[1]"), 0),
            "output \"y\": expected, and is not there");
  EXPECT_EQ(*DifferenceIn(y, Outputs("y", "[2]", "[1, 1]"), 0),
            "output \"y\": expected shape [1], got [2]");
  EXPECT_EQ(*DifferenceIn(Outputs("y", "[1]", R"(["cat"])"), Outputs("y", "[1]", R"(["dog"])"), 9),
            "output \"y\"[0]: expected \"cat\", got \"dog\"");
  EXPECT_EQ(*DifferenceIn(y, Outputs("y", "[1]", "[1, 2]"), 0),
            "output \"y\": expected 1 values, got 2");
  EXPECT_TRUE(DifferenceIn(y, Outputs("y", "[1]", "[null]"), 9));
}

TEST(OutputsOf, RefusesWhatIsNoAnswerOfJson) {
  EXPECT_TRUE(OutputsOf(R"({"outputs":[{"name":"y","data":[1]}]})"));
  EXPECT_FALSE(OutputsOf("<html>"));
  EXPECT_FALSE(OutputsOf(R"({"outputs":[{"name":"y"}]})"));
  EXPECT_FALSE(OutputsOf(R"({"outputs":[]})"));
  EXPECT_FALSE(OutputsOf(R"([])"));
}

}  // namespace
}  // namespace penstock::rollouts
