#include "components/serve/protocol/predict_decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Signature Flights() {
  Signature s;
  s.inputs = {{"carrier", Datatype::kBytes, {-1}, true, true},
              {"distance", Datatype::kFp64, {-1}, true, true},
              {"hour", Datatype::kInt64, {-1}, true, false},
              {"rain", Datatype::kBool, {-1}, true, false}};
  return s;
}

Signature Matrix() {
  Signature s;
  s.inputs = {{"x", Datatype::kFp32, {-1, 2}, false, false}};
  return s;
}

// The answer borrows from the decoder and the body; both live as long as the test's process.
Result<PredictRequest> Decode(const Signature& signature, std::string text) {
  static PredictDecoder decoder;
  static std::string body;
  body = std::move(text);
  return decoder.Decode(signature, &body);
}

std::string ErrorOf(const Signature& signature, const std::string& text) {
  auto request = Decode(signature, text);
  return request ? "accepted" : request.error().message;
}

template <typename T>
const std::vector<T>& ValuesOf(const Result<PredictRequest>& request, std::size_t input = 0) {
  return std::get<std::vector<T>>(request->infer.inputs.at(input).data);
}

TEST(PredictDecoder, ReadsRowsOfNamedValues) {
  auto request = Decode(Flights(), R"({"signature_name":"serving_default","instances":[
      {"carrier":"UA","distance":1,"hour":7,"rain":true},
      {"rain":false,"hour":8.0,"carrier":null,"distance":2.5}]})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_TRUE(request->rows);
  EXPECT_THAT(request->infer.inputs[0].shape, ElementsAre(2));
  EXPECT_THAT(ValuesOf<std::string_view>(request, 0), ElementsAre("UA", ""));
  EXPECT_THAT(request->infer.inputs[0].nulls, ElementsAre(0, 1));
  EXPECT_THAT(ValuesOf<double>(request, 1), ElementsAre(1, 2.5));
  EXPECT_THAT(ValuesOf<std::int64_t>(request, 2), ElementsAre(7, 8));
  EXPECT_THAT(ValuesOf<std::uint8_t>(request, 3), ElementsAre(1, 0));
}

TEST(PredictDecoder, ReadsBareRowsOfTheOneInput) {
  for (const char* text :
       {R"({"instances":[[1,2],[3,4],[5,6]]})", R"({"instances":[{"x":[1,2]},[3,4],{"x":[5,6]}]})",
        R"({"inputs":[[1,2],[3,4],[5,6]]})", R"({"inputs":{"x":[[1,2],[3,4],[5,6]]}})"}) {
    auto request = Decode(Matrix(), text);
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_THAT(request->infer.inputs[0].shape, ElementsAre(3, 2));
    EXPECT_THAT(ValuesOf<float>(request), ElementsAre(1, 2, 3, 4, 5, 6));
  }
  EXPECT_FALSE(Decode(Matrix(), R"({"inputs":[[1,2]]})")->rows);
}

TEST(PredictDecoder, TakesBase64ForTextAndIntegersForTimestamps) {
  Signature s;
  s.inputs = {{"t", Datatype::kBytes, {-1}, true, true}};
  EXPECT_THAT(ValuesOf<std::string_view>(Decode(s, R"({"instances":[{"b64":"AGI="},"c"]})")),
              ElementsAre(std::string_view("\0b", 2), "c"));
  auto request = Decode(s, R"({"instances":[{"t":1700000000},{"t":null}]})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->infer.inputs[0].datatype, Datatype::kInt64);
  EXPECT_THAT(ValuesOf<std::int64_t>(request), ElementsAre(1700000000, 0));
  EXPECT_THAT(ErrorOf(s, R"({"instances":[1,"a"]})"), HasSubstr("of another kind"));
  EXPECT_THAT(ErrorOf(s, R"({"instances":[{"b64":"*"}]})"), HasSubstr("no base64"));
  EXPECT_THAT(ErrorOf(s, R"({"instances":[1.5]})"), HasSubstr("is not a string"));
  s.inputs[0].is_time = true;
  EXPECT_THAT(ErrorOf(s, R"({"instances":[1.5]})"),
              HasSubstr("is no time: RFC 3339 text, or an integer of microseconds since 1970"));
}

TEST(PredictDecoder, WholeNumbersBeyond2To53AreExactOrRefusedWithTheReason) {
  Signature s;
  s.inputs = {{"n", Datatype::kInt64, {-1}, true, true}};
  const auto one = [&](const std::string& n) { return ErrorOf(s, R"({"instances":[)" + n + "]}"); };
  EXPECT_THAT(ValuesOf<std::int64_t>(Decode(s, R"({"instances":[9007199254740993]})")),
              ElementsAre(9007199254740993));
  EXPECT_THAT(one("9007199254740994.0"), HasSubstr("write its digits"));
  EXPECT_THAT(one("18446744073709551615"), HasSubstr("out of the range of INT64"));
  EXPECT_THAT(one("18446744073709551616"),
              HasSubstr("input 'n': element 0 is out of the range of INT64"));
  EXPECT_THAT(one("NaN"), HasSubstr("a missing value is null"));
  s.inputs[0].datatype = Datatype::kFp64;
  EXPECT_THAT(one("9007199254740993"), HasSubstr("is a whole number that FP64 would round"));
  EXPECT_THAT(one("18446744073709551615"), HasSubstr("would round"));
  EXPECT_EQ(one("9007199254740994"), "accepted");
}

TEST(PredictDecoder, AWholeNumberBeyond64BitsIsTakenOrRefusedByItselfAndNotTheWholeBody) {
  Signature s;
  s.inputs = {{"n", Datatype::kFp64, {-1}, true, true}, {"id", Datatype::kBytes, {-1}, true, true}};
  const auto body = [](const std::string& n, const std::string& id) {
    return R"({"instances":[{"n":1,"id":"a"},{"n":)" + n + R"(,"id":)" + id + "}]}";
  };
  const std::string text = R"("36893488147419103233 \" 36893488147419103233")";
  auto request = Decode(s, body("-100000000000000000000", text));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(ValuesOf<double>(request), ElementsAre(1, -1e20));
  EXPECT_THAT(ValuesOf<std::string_view>(request, 1),
              ElementsAre("a", "36893488147419103233 \" 36893488147419103233"));
  const std::string zeros = "1" + std::string(300, '0');
  EXPECT_THAT(ValuesOf<double>(Decode(s, body(zeros, "null"))), ElementsAre(1, 1e300));
  for (const char* rounds : {"36893488147419103233", "-36893488147419103233"}) {
    EXPECT_THAT(ErrorOf(s, body(rounds, "null")),
                HasSubstr("instances[1]: input 'n': element 1 is a whole number that FP64 would"));
  }
  EXPECT_THAT(ErrorOf(s, body("1", "36893488147419103233")),
              HasSubstr("instances[1]: input 'id': element 1 is not a string"));
  EXPECT_THAT(ErrorOf(s, body("1" + std::string(400, '0'), "null")),
              HasSubstr("beyond all doubles"));
  EXPECT_THAT(ErrorOf(s, body("036893488147419103233", "null")), HasSubstr("not valid JSON"));
}

TEST(PredictDecoder, TakesNaughtAndOneForABooleanColumnAsV2DoesOfANumber) {
  Signature s;
  s.inputs = {{"rain", Datatype::kBool, {-1}, true, true}};
  const auto request = Decode(s, R"({"instances":[true,0,1,1.0,null]})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_THAT(ValuesOf<std::uint8_t>(request), ElementsAre(1, 0, 1, 1, 0));
  EXPECT_THAT(request->infer.inputs[0].nulls, ElementsAre(0, 0, 0, 0, 1));
  for (const char* other : {"2", "-1", "0.5", R"("true")"}) {
    EXPECT_THAT(ErrorOf(s, std::string(R"({"instances":[)") + other + "]}"),
                HasSubstr("input 'rain': element 0 is neither true nor false, nor 1 or 0"));
  }
  s.inputs[0].is_column = false;
  EXPECT_THAT(ErrorOf(s, R"({"instances":[1]})"), HasSubstr("is neither true nor false"));
}

TEST(PredictDecoder, TakesWebSafeBase64AsTensorFlowServingDoes) {
  Signature s;
  s.inputs = {{"t", Datatype::kBytes, {-1}, true, true}};
  for (const char* text : {"w78-w78_", "w78+w78/"}) {
    const auto request = Decode(s, std::string(R"({"instances":[{"b64":")") + text + R"("}]})");
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_THAT(ValuesOf<std::string_view>(request), ElementsAre("\xc3\xbf>\xc3\xbf?"));
  }
}

TEST(PredictDecoder, SaysWhereWhatIsWrong) {
  const auto flights = [](const std::string& row) {
    return ErrorOf(Flights(), R"({"instances":[)"
                              R"({"carrier":"UA","distance":1,"hour":7,"rain":true},)" +
                                  row + "]}");
  };
  EXPECT_THAT(flights(R"({"carrier":"UA","distance":1,"hour":7})"),
              HasSubstr("instances[1]: input 'rain' is missing"));
  EXPECT_THAT(flights(R"({"carrier":"UA","distance":1,"hour":7,"rain":true,"x":1})"),
              HasSubstr("instances[1]: unknown input 'x'"));
  EXPECT_THAT(flights(R"({"carrier":"UA","carrier":"UA","distance":1,"hour":7,"rain":true})"),
              HasSubstr("given twice"));
  EXPECT_THAT(flights(R"({"carrier":"UA","distance":1,"hour":7.5,"rain":true})"),
              HasSubstr("input 'hour': element 1 is not integral"));
  EXPECT_THAT(flights(R"({"carrier":"UA","distance":"1","hour":7,"rain":true})"),
              HasSubstr("is not a number"));
  EXPECT_THAT(flights(R"({"carrier":["UA"],"distance":1,"hour":7,"rain":true})"),
              HasSubstr("is a list where others are values"));
  EXPECT_THAT(flights("3"), HasSubstr("a value for each of the 4 inputs"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":[[1,2],[3]]})"), HasSubstr("a list of 1 items"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":[[1,[2]]]})"), HasSubstr("is a list"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":[[1e39,2]]})"), HasSubstr("range of FP32"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":[[[],1]]})"), HasSubstr("another depth"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"inputs":[[[],1]]})"), HasSubstr("another depth"));
}

TEST(PredictDecoder, RefusesWhatIsNoPredictRequest) {
  EXPECT_THAT(ErrorOf(Matrix(), ""), HasSubstr("empty"));
  EXPECT_THAT(ErrorOf(Matrix(), "{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(ErrorOf(Matrix(), "[]"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(ErrorOf(Matrix(), "{}"), HasSubstr("Missing 'inputs' or 'instances' key"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":[],"inputs":[]})"), HasSubstr("both"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":[[1,2]],"instances":[[3,4]]})"),
              HasSubstr("'instances' is given twice"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":[]})"), HasSubstr("is empty"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":{}})"), HasSubstr("must be a list"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":[[1,2]],"signature_name":"x"})"),
              HasSubstr("signature_name"));
  EXPECT_THAT(ErrorOf(Matrix(), R"({"instances":)" + std::string(2000, '[')), HasSubstr("JSON"));
  EXPECT_THAT(
      ErrorOf(Matrix(), R"({"instances":)" + std::string(20, '[') + std::string(20, ']') + "}"),
      HasSubstr("dimensions"));
  Signature unbatched = Matrix();
  unbatched.batched = false;
  EXPECT_THAT(ErrorOf(unbatched, R"({"instances":[[1,2]]})"), HasSubstr("no batch axis"));
}

TEST(PredictEncode, AnswersInTheFormOfTheQuestion) {
  const std::vector<Tensor> two = {
      {"p", Datatype::kFp32, {2, 2}, std::vector<float>{1, 2, 3, 4}},
      {"label", Datatype::kBytes, {2}, std::vector<std::string>{"a", "b"}}};
  EXPECT_EQ(*EncodePredictions(two, true),
            R"({"predictions":[{"p":[1,2],"label":"a"},{"p":[3,4],"label":"b"}]})");
  EXPECT_EQ(*EncodePredictions(two, false), R"({"outputs":{"p":[[1,2],[3,4]],"label":["a","b"]}})");
  EXPECT_EQ(*EncodePredictions({two[0]}, true), R"({"predictions":[[1,2],[3,4]]})");
  EXPECT_EQ(*EncodePredictions({two[1]}, false), R"({"outputs":["a","b"]})");
  const std::vector<Tensor> bytes = {
      {"raw_bytes", Datatype::kBytes, {1}, std::vector<std::string>{std::string("\0b", 2)}}};
  EXPECT_EQ(*EncodePredictions(bytes, true), R"({"predictions":[{"b64":"AGI="}]})");
}

}  // namespace
}  // namespace penstock::serve
