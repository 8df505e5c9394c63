// MLServer's content types, in the forms that its clients and KServe's write.
#include "components/serve/protocol/content_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "components/serve/protocol/infer_decode.h"

namespace penstock::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// The answer borrows from the decoder and the body; both live as long as the test's process.
Result<InferRequest> Decode(std::string text) {
  static InferDecoder decoder;
  static std::string body;
  body = std::move(text);
  return decoder.Decode(&body);
}

std::string Input(const std::string& type, const std::string& datatype, const std::string& data,
                  std::int64_t rows) {
  return R"({"name":"t","shape":[)" + std::to_string(rows) + R"(],"datatype":")" + datatype +
         R"(","parameters":{"content_type":")" + type + R"("},"data":[)" + data + "]}";
}

Result<InferRequest> Typed(const std::string& type, const std::string& data, std::int64_t rows,
                           const std::string& datatype = "BYTES") {
  return Decode(R"({"inputs":[)" + Input(type, datatype, data, rows) + "]}");
}

std::string ErrorOf(const Result<InferRequest>& request) {
  return request ? "accepted" : request.error().message;
}

template <typename T>
const std::vector<T>& ValuesOf(const Result<InferRequest>& request) {
  return std::get<std::vector<T>>(request->inputs.at(0).data);
}

TEST(ContentType, LeavesNumbersAndTextsAsTheyAre) {
  EXPECT_TRUE(Typed("np", "1", 1, "INT64"));
  EXPECT_TRUE(Typed("str", R"("a")", 1));
  EXPECT_TRUE(Typed("datetime", R"("2024-05-05T12:00:00")", 1));
  EXPECT_TRUE(Decode(R"({"parameters":{"content_type":"pd"},"inputs":[)" +
                     Input("str", "BYTES", R"("a")", 1) + "," +
                     R"({"name":"n","shape":[1],"datatype":"INT64","data":[1]}]})"));
}

TEST(ContentType, DecodesBase64) {
  const auto request = Typed("base64", R"("WsO8cmljaA==",null)", 2);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(ValuesOf<std::string_view>(request), ElementsAre("Zürich", ""));
  EXPECT_THAT(request->inputs[0].nulls, ElementsAre(0, 1));
  EXPECT_THAT(ErrorOf(Typed("base64", R"("WsO8","§")", 2)),
              HasSubstr("input 't': parameter 'content_type' is 'base64', and element 1 is no"));
}

TEST(ContentType, DecodesWebSafeBase64) {
  const auto request = Typed("base64", R"("w78-w78_")", 1);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(ValuesOf<std::string_view>(request), ElementsAre("\xc3\xbf>\xc3\xbf?"));
}

// pandas' column of objects: a zip code beside a missing one.
TEST(ContentType, TakesTheQuotesOffTextsOfPandas) {
  const auto request = Typed("pd_json", R"("\"00501\"","null","NaN")", 3);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->inputs[0].datatype, Datatype::kBytes);
  EXPECT_THAT(ValuesOf<std::string_view>(request), ElementsAre("00501", "", ""));
  EXPECT_THAT(request->inputs[0].nulls, ElementsAre(0, 1, 1));
}

TEST(ContentType, MakesNumbersOfPandasObjects) {
  auto request = Typed("pd_json", R"("9007199254740993","null")", 2);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->inputs[0].datatype, Datatype::kInt64);
  EXPECT_THAT(ValuesOf<std::int64_t>(request), ElementsAre(9007199254740993, 0));
  request = Typed("pd_json", R"("7","0.5","-Infinity")", 3);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->inputs[0].datatype, Datatype::kFp64);
  EXPECT_THAT(ValuesOf<double>(request), ElementsAre(7, 0.5, -HUGE_VAL));
  request = Typed("pd_json", R"("true","null")", 2);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->inputs[0].datatype, Datatype::kBool);
  request = Typed("pd_json", R"("null")", 1);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(request->inputs[0].nulls, ElementsAre(1));
}

TEST(ContentType, RefusesAPandasColumnOfSeveralKindsOrNoJson) {
  EXPECT_THAT(ErrorOf(Typed("pd_json", R"("\"00501\"","501")", 2)),
              HasSubstr("'pd_json', and element 1 is of another kind"));
  EXPECT_THAT(ErrorOf(Typed("pd_json", R"("00501")", 1)), HasSubstr("element 0 is no JSON"));
  EXPECT_THAT(ErrorOf(Typed("pd_json", R"("[1]")", 1)), HasSubstr("element 0 is neither"));
  EXPECT_THAT(ErrorOf(Typed("pd_json", R"("9007199254740993","0.5")", 2)), HasSubstr("round"));
  EXPECT_THAT(ErrorOf(Typed("pd_json", R"("9223372036854775808")", 1)),
              HasSubstr("above 2^63 - 1"));
}

TEST(ContentType, RefusesByNameWhatItDoesNotKnowOrWhatNeedsBytes) {
  EXPECT_THAT(ErrorOf(Typed("img", R"("a")", 1)),
              HasSubstr("input 't': parameter 'content_type' is 'img'"));
  EXPECT_THAT(ErrorOf(Typed("pd", R"("a")", 1)), HasSubstr("'pd'"));
  EXPECT_THAT(ErrorOf(Typed("base64", "1", 1, "INT64")),
              HasSubstr("needs datatype BYTES, not INT64"));
  EXPECT_THAT(ErrorOf(Decode(R"({"parameters":{"content_type":"base64"},"inputs":[]})")),
              StartsWith("parameter 'content_type' is 'base64', and of a request only pd, np and"));
  EXPECT_THAT(ErrorOf(Decode(R"({"parameters":{"content_type":7},"inputs":[]})")),
              HasSubstr("'content_type' must be a string"));
}

// Inputs may come before the request's parameters, which stand for those that say nothing.
TEST(ContentType, OfARequestIsThatOfItsInputs) {
  EXPECT_THAT(
      ErrorOf(Decode(R"({"inputs":[{"name":"n","shape":[1],"datatype":"INT64","data":[1]}],
                                 "parameters":{"content_type":"str"}})")),
      HasSubstr("input 'n': parameter 'content_type' is 'str', which needs datatype BYTES"));
}

TEST(ContentType, IsReadWhereverItStandsAndOfBinaryTensorsToo) {
  static std::string body =
      R"({"inputs":[{"parameters":{"content_type":"base64","binary_data_size":8},"name":"t","shape":[1],"datatype":"BYTES"}]})";
  const std::size_t json = body.size();
  body += std::string("\4\0\0\0YQ==", 8);
  static InferDecoder decoder;
  const auto request = decoder.Decode(&body, json);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(ValuesOf<std::string_view>(request), ElementsAre("a"));
}

}  // namespace
}  // namespace penstock::serve
