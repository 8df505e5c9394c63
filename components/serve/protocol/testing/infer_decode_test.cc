#include "components/serve/protocol/infer_decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The answer borrows from the decoder and the body; both live as long as the test's process.
Result<InferRequest> Decode(std::string text) {
  static InferDecoder decoder;
  static std::string body;
  body = std::move(text);
  return decoder.Decode(&body);
}

std::string ErrorOf(const std::string& text) {
  auto request = Decode(text);
  return request ? "accepted" : request.error().message;
}

std::string WithInput(const std::string& input) { return R"({"inputs":[)" + input + "]}"; }

template <typename T>
const std::vector<T>& ValuesOf(const Result<InferRequest>& request, std::size_t input = 0) {
  return std::get<std::vector<T>>(request->inputs.at(input).data);
}

TEST(InferDecoder, ReadsFlatData) {
  auto request = Decode(
      R"({"id":"a","inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2.5,-3e0,4]}],
                           "outputs":[{"name":"y"}]})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->id, "a");
  EXPECT_EQ(request->outputs.at(0).name, "y");
  EXPECT_THAT(request->inputs[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(ValuesOf<float>(request), ElementsAre(1.0F, 2.5F, -3.0F, 4.0F));
}

TEST(InferDecoder, ReadsNestedData) {
  auto request = Decode(
      WithInput(R"({"name":"x","shape":[2,3],"datatype":"INT64","data":[[1,2,3],[4,5,6]]})"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(ValuesOf<std::int64_t>(request), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(InferDecoder, TakesKeysInAnyOrder) {
  auto request = Decode(
      R"({"outputs":[],"inputs":[{"data":["a\n","비"],"datatype":"BYTES","shape":[2],"name":"t"},
          {"data":[[true],[false]],"name":"b","shape":[2,1],"datatype":"BOOL"}],"id":"z"})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(ValuesOf<std::string_view>(request, 0), ElementsAre("a\n", "비"));
  EXPECT_THAT(ValuesOf<std::uint8_t>(request, 1), ElementsAre(1, 0));
}

TEST(InferDecoder, TakesIntegersForFloatsAndIntegralFloatsForIntegers) {
  auto request =
      Decode(WithInput(R"({"name":"x","shape":[2],"datatype":"INT32","data":[2.0,1e3]})"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(ValuesOf<std::int64_t>(request), ElementsAre(2, 1000));
}

std::string ErrorOfNumber(const std::string& datatype, const std::string& number) {
  return ErrorOf(WithInput(R"({"name":"x","shape":[1],"datatype":")" + datatype + R"(","data":[)" +
                           number + "]}"));
}

TEST(InferDecoder, WholeNumbersBeyond2To53AreExactOrRefusedWithTheReason) {
  const auto exact = Decode(WithInput(
      R"({"name":"x","shape":[2],"datatype":"UINT64","data":[9007199254740993,9223372036854775807]})"));
  ASSERT_TRUE(exact) << exact.error().message;
  EXPECT_THAT(ValuesOf<std::int64_t>(exact), ElementsAre(9007199254740993, INT64_MAX));
  EXPECT_THAT(ErrorOfNumber("UINT64", "18446744073709551615"), HasSubstr("is above 2^63 - 1"));
  EXPECT_THAT(ErrorOfNumber("INT64", "9223372036854775808"),
              HasSubstr("out of the range of INT64"));
  EXPECT_THAT(ErrorOfNumber("UINT64", "18446744073709551616"),
              HasSubstr("out of the range of UINT64"));
  EXPECT_THAT(ErrorOfNumber("INT64", "9007199254740993.0"), HasSubstr("write its digits"));
  EXPECT_EQ(ErrorOfNumber("INT64", "9007199254740991.0"), "accepted");
  EXPECT_THAT(ErrorOfNumber("INT64", "1e300"), HasSubstr("out of the range of INT64"));
}

TEST(InferDecoder, AWholeNumberThatADoubleWouldRoundIsNoFp64) {
  EXPECT_THAT(ErrorOfNumber("FP64", "9007199254740993"),
              HasSubstr("element 0 is a whole number that FP64 would round"));
  EXPECT_THAT(ErrorOfNumber("FP64", "-9007199254740993 "), HasSubstr("would round"));
  // 2^53 + 2; how JavaScript writes 2^61 + 2^9; not whole numbers as they are written.
  for (const char* number : {"9007199254740994", "2305843009213694500", "1e300",
                             "9007199254740993.5", "-9007199254740992"}) {
    EXPECT_EQ(ErrorOfNumber("FP64", number), "accepted") << number;
  }
}

TEST(InferDecoder, RemembersNulls) {
  auto request =
      Decode(WithInput(R"({"name":"x","shape":[3],"datatype":"FP64","data":[1,null,3]})"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(request->inputs[0].nulls, ElementsAre(0, 1, 0));
}

TEST(InferDecoder, IgnoresUnknownKeysAndParameters) {
  EXPECT_TRUE(Decode(R"({"parameters":{"a":1,"b":"c"},"more":[1,{"b":null}],"inputs":[
    {"name":"x","shape":[1],"datatype":"FP32","parameters":{"k":"v"},"extra":[[]],"data":[1]}]})"));
}

TEST(InferDecoder, KeepsItsAnswersApartFromThoseBefore) {
  ASSERT_FALSE(Decode(R"({"inputs":[{"name":"x")"));
  auto request = Decode(WithInput(R"({"name":"x","shape":[1],"datatype":"FP32","data":[1]})"));
  ASSERT_TRUE(request) << request.error().message;
}

TEST(InferDecoder, ReadsBodiesBeyondItsKeptCapacity) {
  std::string data;
  for (int i = 0; i < 400'000; ++i) data += (i > 0 ? ",1.5" : "1.5");
  for (int round = 0; round < 2; ++round) {
    auto request = Decode(
        WithInput(R"({"name":"x","shape":[400000],"datatype":"FP32","data":[)" + data + "]}"));
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(ValuesOf<float>(request).size(), 400'000U);
  }
}

// What is wrong -> what the client is told.
struct Refusal {
  const char* body;
  const char* message;
};

class InferDecoderRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(InferDecoderRefuses, AndSaysWhy) {
  EXPECT_THAT(ErrorOf(GetParam().body), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Json, InferDecoderRefuses,
    testing::Values(Refusal{"", "empty"}, Refusal{"   ", "empty"}, Refusal{"{", "not valid JSON"},
                    Refusal{"nonsense", "JSON"}, Refusal{"[1]", "must be a JSON object"},
                    Refusal{"3", "must be a JSON object"}, Refusal{"{}", "'inputs' is missing"},
                    Refusal{R"({"inputs":[]} {})", "JSON"}, Refusal{R"({"inputs":[]},)", "JSON"},
                    Refusal{R"({"inputs":[]}x)", "JSON"},
                    Refusal{R"({"inputs":[],"a":tru})", "not valid JSON"},
                    Refusal{R"({"inputs":[],"a":nul})", "not valid JSON"},
                    Refusal{R"({"inputs":[],"a":[1,]})", "not valid JSON"},
                    Refusal{R"({"inputs":[],"a":1e999})", "not valid JSON"},
                    Refusal{"{\"inputs\":[],\"a\":\"\xff\"}", "UTF-8"},
                    Refusal{R"({"inputs":3})", "'inputs' must be an array"},
                    Refusal{R"({"inputs":[3]})", "inputs[0]: must be an object"},
                    Refusal{R"({"id":7,"inputs":[]})", "'id' must be a string"},
                    Refusal{R"({"inputs":[],"inputs":[]})", "'inputs' is given twice"},
                    Refusal{R"({"inputs":[],"outputs":["y"]})", "outputs[0] must be an object"},
                    Refusal{R"({"inputs":[],"outputs":[{}]})", "outputs[0] has no 'name'"}));

INSTANTIATE_TEST_SUITE_P(
    Inputs, InferDecoderRefuses,
    testing::Values(
        Refusal{R"({"inputs":[{"shape":[1],"datatype":"FP32","data":[1]}]})",
                "inputs[0]: has no 'name'"},
        Refusal{R"({"inputs":[{"name":"x","datatype":"FP32","data":[1]}]})",
                "input 'x': has no 'shape'"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"data":[1]}]})",
                "input 'x': has no 'datatype'"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP32"}]})",
                "input 'x': has no 'data'"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP33","data":[1]}]})",
                "input 'x': unknown datatype 'FP33'"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP16","data":[1]}]})",
                "FP16 has no JSON form"},
        Refusal{R"({"inputs":[{"name":"x","shape":[-1],"datatype":"FP32","data":[1]}]})",
                "negative dimension -1"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1.5],"datatype":"FP32","data":[1]}]})",
                "array of integers"},
        Refusal{R"({"inputs":[{"name":"x","shape":1,"datatype":"FP32","data":[1]}]})",
                "array of integers"},
        Refusal{
            R"({"inputs":[{"name":"x","shape":[9223372036854775807,64],"datatype":"FP32","data":[1]}]})",
            "too many elements"},
        Refusal{
            R"({"inputs":[{"data":[1],"name":"x","shape":[4294967296,4294967296],"datatype":"FP32"}]})",
            "input 'x': shape"},
        Refusal{R"({"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[1,2]}]})",
                "data has 2 elements, shape [3] has 3"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1,2]}]})",
                "more elements than shape [1]"},
        Refusal{R"({"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[[1,2],[3]]}]})",
                "1 items at depth 2"},
        Refusal{R"({"inputs":[{"name":"x","shape":[2,1],"datatype":"FP32","data":[[1],2]}]})",
                "element 1 is not a list"},
        Refusal{R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[[1],[2]]}]})",
                "element 0 is a list"},
        Refusal{R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":"12"}]})",
                "data must be an array"},
        Refusal{R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,"2"]}]})",
                "input 'x': element 1 is not a finite number"},
        Refusal{R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,NaN]}]})",
                "input 'x': element 1 is not JSON, which has no NaN and no Infinity: a missing"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["\ud800"]}]})",
                "input 'x': element 0 is text with an escape that stands for no character"},
        Refusal{R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP64","data":[1,1e400]}]})",
                "input 'x': element 1 is not a finite number"},
        Refusal{R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,1e39]}]})",
                "element 1 is out of the range of FP32"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[1.5]}]})",
                "element 0 is not integral"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"INT8","data":[128]}]})",
                "element 0 is out of the range of INT8"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"UINT8","data":[-1]}]})",
                "element 0 is out of the range of UINT8"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"BOOL","data":[1]}]})",
                "neither true nor false"},
        Refusal{R"({"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":[1]}]})",
                "element 0 is not a string"},
        Refusal{R"({"inputs":[{"name":"x","name":"y","shape":[1],"datatype":"FP32","data":[1]}]})",
                "'name' is given twice"},
        Refusal{
            R"({"inputs":[{"name":"x","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"datatype":"FP32","data":[1]}]})",
            "more than 16 dimensions"}));

TEST(InferDecoder, RefusesDeepJsonWithoutDeepRecursion) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_THAT(ErrorOf(R"({"inputs":[],"a":)" + deep + "}"), HasSubstr("deep"));
  EXPECT_NE(ErrorOf(WithInput(R"({"name":"x","shape":[1],"datatype":"FP32","data":)" + deep + "}")),
            "accepted");
  EXPECT_NE(
      ErrorOf(WithInput(R"({"data":)" + deep + R"(,"name":"x","shape":[1],"datatype":"FP32"})")),
      "accepted");
}

TEST(InferDecoder, RefusesEveryTruncationOfARequest) {
  const std::string whole =
      R"({"id":"a","inputs":[{"data":["p","q"],"name":"t","shape":[2],"datatype":"BYTES"},{"name":"x","shape":[2,1],"datatype":"FP32","data":[[1],[2]]}],"z":[{"k":null}]})";
  ASSERT_EQ(ErrorOf(whole), "accepted");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(ErrorOf(whole.substr(0, length)), "accepted") << whole.substr(0, length);
  }
}

}  // namespace
}  // namespace penstock::serve
