#include "components/serve/grpc/grpc_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "components/serve/testing/fake_model.h"

namespace penstock::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

inference::ModelInferRequest Texts(const std::vector<std::string>& texts, const std::string& type) {
  inference::ModelInferRequest request;
  auto* input = request.add_inputs();
  input->set_name("t");
  input->set_datatype("BYTES");
  input->add_shape(static_cast<std::int64_t>(texts.size()));
  for (const std::string& text : texts) input->mutable_contents()->add_bytes_contents(text);
  if (!type.empty()) (*input->mutable_parameters())["content_type"].set_string_param(type);
  return request;
}

std::string ErrorOf(const inference::ModelInferRequest& message) {
  const auto request = FromMessage(message);
  return request ? "accepted" : request.error().message;
}

TEST(GrpcCodec, HonoursContentTypesOrRefusesThemByName) {
  const auto message = Texts({"WsO8cmljaA=="}, "base64");
  const auto decoded = FromMessage(message);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_THAT(std::get<std::vector<std::string_view>>(decoded->inputs[0].data),
              ElementsAre("Zürich"));
  EXPECT_THAT(ErrorOf(Texts({"a"}, "img")),
              HasSubstr("input 't': parameter 'content_type' is 'img'"));
  auto request = Texts({"a"}, "");
  (*request.mutable_parameters())["content_type"].set_string_param("pd");
  EXPECT_EQ(ErrorOf(request), "accepted");
  (*request.mutable_parameters())["content_type"].set_string_param("hf");
  EXPECT_THAT(ErrorOf(request),
              HasSubstr("parameter 'content_type' is 'hf', and of a request only"));
  (*request.mutable_parameters())["content_type"].set_int64_param(1);
  EXPECT_THAT(ErrorOf(request), HasSubstr("must be a string"));
}

TEST(GrpcCodec, SaysOfAWholeNumberAbove2To63ThatItIs) {
  inference::ModelInferRequest request;
  auto* input = request.add_inputs();
  input->set_name("n");
  input->set_datatype("UINT64");
  input->add_shape(1);
  input->mutable_contents()->add_uint64_contents(UINT64_MAX);
  EXPECT_THAT(ErrorOf(request), HasSubstr("input 'n': element 0 is above 2^63 - 1"));
}

class TimedModel : public DoublingModel {
 public:
  TimedModel() {
    signature_.inputs = {{"when", Datatype::kBytes, {-1}, true, true}};
    signature_.inputs[0].is_time = true;
    signature_.outputs = {{"y", Datatype::kFp32, {-1}}};
  }
  const Signature& signature() const override { return signature_; }

 private:
  Signature signature_;
};

TEST(GrpcCodec, TellsTheUnitOfATime) {
  inference::ModelMetadataResponse answer;
  Describe({"m", "3"}, TimedModel(), &answer);
  EXPECT_EQ(answer.inputs(0).parameters().at("int64_unit").string_param(),
            "microseconds since 1970-01-01T00:00:00Z");
}

}  // namespace
}  // namespace penstock::serve
