#include "components/serve/protocol/infer_encode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "operator/base/json.h"

namespace penstock::serve {
namespace {

TEST(InferEncode, WritesEveryDatatypeAsJson) {
  const std::vector<Tensor> outputs = {
      {"f", Datatype::kFp32, {2}, std::vector<float>{0.1F, -1e-30F}},
      {"d", Datatype::kFp64, {1}, std::vector<double>{0.1}},
      {"i", Datatype::kInt64, {1}, std::vector<std::int64_t>{-5}},
      {"b", Datatype::kBool, {2}, std::vector<std::uint8_t>{1, 0}},
      {"t",
       Datatype::kBytes,
       {2},
       std::vector<std::string>{"비 \"q\" \\", std::string("\n\x01", 2)}}};
  auto text = EncodeInferResponse({"m", "3"}, "id-1", outputs);
  ASSERT_TRUE(text) << text.error().message;
  const Json json = Json::parse(text->bytes);
  EXPECT_EQ(json["model_name"], "m");
  EXPECT_EQ(json["model_version"], "3");
  EXPECT_EQ(json["id"], "id-1");
  EXPECT_EQ(json["outputs"][0]["datatype"], "FP32");
  EXPECT_EQ(json["outputs"][0]["shape"], Json::array({2}));
  EXPECT_EQ(json["outputs"][0]["data"][0].get<float>(), 0.1F);
  EXPECT_EQ(json["outputs"][0]["data"][1].get<float>(), -1e-30F);
  EXPECT_EQ(json["outputs"][1]["data"][0], 0.1);
  EXPECT_EQ(json["outputs"][2]["data"][0], -5);
  EXPECT_EQ(json["outputs"][3]["data"], Json::array({true, false}));
  EXPECT_EQ(json["outputs"][4]["data"], Json::array({"비 \"q\" \\", std::string("\n\x01", 2)}));
}

TEST(InferEncode, LeavesOutTheVersionOfAnUnversionedModel) {
  EXPECT_THAT(EncodeInferResponse({"m", ""}, "x", {})->bytes,
              testing::Not(testing::HasSubstr("model_version")));
}

TEST(InferEncode, RefusesToWriteWhatJsonCannotSay) {
  for (float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    auto text = EncodeInferResponse({"m", ""}, "x",
                                    {{"f", Datatype::kFp32, {2}, std::vector<float>{1, bad}}});
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().message, testing::HasSubstr("output 'f': element 1"));
  }
}

TEST(InferEncode, PutsBinaryOutputsBehindTheJson) {
  auto body = EncodeInferResponse({"m", ""}, "x",
                                  {{"i", Datatype::kInt16, {2}, std::vector<std::int64_t>{-2, 515}},
                                   {"f", Datatype::kFp32, {1}, std::vector<float>{1.5F}},
                                   {"t", Datatype::kBytes, {1}, std::vector<std::string>{"ab"}}},
                                  {true, false, true});
  ASSERT_TRUE(body) << body.error().message;
  ASSERT_TRUE(body->json_size);
  const Json json = Json::parse(body->bytes.substr(0, *body->json_size));
  EXPECT_EQ(json["outputs"][0]["parameters"]["binary_data_size"], 4);
  EXPECT_FALSE(json["outputs"][0].contains("data"));
  EXPECT_EQ(json["outputs"][1]["data"], Json::array({1.5}));
  EXPECT_EQ(json["outputs"][2]["parameters"]["binary_data_size"], 6);
  EXPECT_EQ(body->bytes.substr(*body->json_size), std::string("\xfe\xff\x03\x02\x02\0\0\0ab", 10));
}

TEST(InferEncode, RefusesHalfPrecisionAsJson) {
  const std::vector<Tensor> outputs = {{"h", Datatype::kFp16, {1}, std::vector<float>{1}}};
  auto json = EncodeInferResponse({"m", ""}, "x", outputs);
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(EncodeInferResponse({"m", ""}, "x", outputs, {true})
                ->bytes.substr(*EncodeInferResponse({"m", ""}, "x", outputs, {true})->json_size),
            std::string("\x00\x3c", 2));
}

TEST(InferEncode, MakesErrorsJsonWhateverTheirBytes) {
  EXPECT_EQ(Json::parse(EncodeError("bad \xff byte"))["error"], "bad \xEF\xBF\xBD byte");
}

TEST(InferEncode, DescribesTheSignature) {
  Signature s;
  s.inputs = {{"날씨", Datatype::kBytes, {-1}, true, true}};
  s.outputs = {{"y", Datatype::kFp32, {-1, 10}}};
  const Json json = Json::parse(EncodeModelMetadata({"m", "3"}, "pytorch_torchscript", s));
  EXPECT_EQ(json["inputs"][0], (Json{{"name", "날씨"},
                                     {"datatype", "BYTES"},
                                     {"shape", {-1}},
                                     {"parameters", {{"nullable", true}}}}));
  EXPECT_EQ(json["outputs"][0]["shape"], Json::array({-1, 10}));
  EXPECT_EQ(json["versions"], Json::array({"3"}));
  EXPECT_EQ(json["platform"], "pytorch_torchscript");
}

TEST(InferEncode, TellsTheUnitOfATimeThatComesAsAnInteger) {
  Signature s;
  s.inputs = {{"when", Datatype::kBytes, {-1}, true, true}};
  s.inputs[0].is_time = true;
  const Json json = Json::parse(EncodeModelMetadata({"m", ""}, "p", s));
  EXPECT_EQ(json["inputs"][0]["parameters"],
            (Json{{"nullable", true},
                  {"content_type", "datetime"},
                  {"int64_unit", "microseconds since 1970-01-01T00:00:00Z"}}));
}

}  // namespace
}  // namespace penstock::serve
