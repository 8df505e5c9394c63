#include "operator/cli/objects/infer_rows.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace penstock::cli {
namespace {

const Json kMetadata = Json::parse(R"({"inputs":[
  {"name":"carrier","datatype":"BYTES","shape":[-1]},{"name":"hour","datatype":"INT64","shape":[-1]}]})");

TEST(InferRows, MakesColumnsOfRowsInTheModelsOrder) {
  const auto request = BuildInferRequest(
      kMetadata, Json::parse(R"([{"hour":9,"carrier":"UA"},{"carrier":"AA","hour":null}])"));
  ASSERT_TRUE(request);
  EXPECT_EQ(*request, Json::parse(R"({"inputs":[
    {"name":"carrier","datatype":"BYTES","shape":[2],"data":["UA","AA"]},
    {"name":"hour","datatype":"INT64","shape":[2],"data":[9,null]}]})"));
}

TEST(InferRows, NamesTheColumnsThereAre) {
  const auto request = BuildInferRequest(kMetadata, Json::parse(R"({"carier":"UA"})"));
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().message, "the model takes no column carier; it takes carrier, hour");
}

// It was sent as a null, and answered.
TEST(InferRows, AColumnThatARowLacksIsNamed) {
  const auto request =
      BuildInferRequest(kMetadata, Json::parse(R"([{"hour":9,"carrier":"UA"},{"carrier":"AA"}])"));
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().message,
            "row 2: column hour is missing; write null where its value is not known");
}

TEST(InferRows, ReadsAnObjectAListAndLines) {
  EXPECT_TRUE(ParseRows("{\"a\":1}", "x")->is_object());
  EXPECT_EQ(ParseRows("[{\"a\":1},{\"a\":2}]", "x")->size(), 2U);
  EXPECT_EQ(ParseRows("{\"a\":1}\n\n{\"a\":2}\n", "x")->size(), 2U);
  EXPECT_NE(ParseRows("{\"a\":1}\n{\"a\":\n", "f").error().message.find("f:2"), std::string::npos);
  EXPECT_FALSE(ParseRows("[]", "x"));
  EXPECT_FALSE(ParseRows("[1]", "x"));
  EXPECT_FALSE(ParseRows("3", "x"));
}

TEST(InferRows, ANumberThatWouldBeRoundedIsRefusedAndNotSentAsAnother) {
  const std::string row = R"({"n": 36893488147419103233})";
  for (const std::string& text : {row, "[" + row + "]", "{\"n\": 1}\n" + row + "\n"}) {
    const auto rows = ParseRows(text, "f");
    ASSERT_FALSE(rows) << text;
    EXPECT_NE(rows.error().message.find("36893488147419103233 is a whole number of more than 64"),
              std::string::npos)
        << rows.error().message;
  }
  EXPECT_TRUE(ParseRows(R"({"n": 9007199254740993, "m": 100000000000000000000})", "f"));
}

TEST(InferRows, ShowsOneLineARow) {
  const auto table = AnswerTable(Json::parse(R"({"outputs":[
    {"name":"probability","shape":[2],"data":[0.7311234567,0.2]},
    {"name":"label","shape":[2],"data":[true,false]},
    {"name":"both","shape":[2,2],"data":[1,2,3,4]}]})"));
  ASSERT_TRUE(table);
  EXPECT_EQ(
      Format(*table),
      "PROBABILITY   LABEL   BOTH\n0.731123      true    [1 2]\n0.2           false   [3 4]\n");
  EXPECT_FALSE(AnswerTable(Json::parse(R"({"outputs":[{"name":"a","shape":[2],"data":[1]}]})")));
  EXPECT_FALSE(AnswerTable(Json::object()));
}

}  // namespace
}  // namespace penstock::cli
