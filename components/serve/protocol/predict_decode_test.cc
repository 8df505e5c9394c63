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
