// What a message is said to take before it is decoded, against what it takes.
#include "components/serve/grpc/decoded_bytes.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <random>

#include "components/serve/grpc/inference.pb.h"
#include "components/serve/host/cgroup_limits.h"

namespace penstock::serve {
namespace {

using inference::ModelInferRequest;

std::uint64_t Said(const std::string& wire) {
  google::protobuf::io::ArrayInputStream stream(wire.data(), static_cast<int>(wire.size()));
  return DecodedBytes(&stream);
}

// At least what protobuf counts.
void ExpectEnough(const std::string& wire) {
  ModelInferRequest message;
  ASSERT_TRUE(message.ParseFromString(wire));
  EXPECT_GE(Said(wire), message.SpaceUsedLong() - sizeof(message));
}

TEST(DecodedBytes, IsEnoughForWhatIsSmallOnTheWire) {
  ModelInferRequest inputs;
  ModelInferRequest outputs;
  ModelInferRequest parameters;
  ModelInferRequest raws;
  ModelInferRequest contents;
  auto* tensor = contents.add_inputs();
  for (int i = 0; i < 1000; ++i) {
    inputs.add_inputs();
    outputs.add_outputs();
    (*parameters.mutable_parameters())[std::to_string(i)].set_bool_param(true);
    raws.add_raw_input_contents("");
    tensor->add_shape(1);
    tensor->mutable_contents()->add_bytes_contents("");
    tensor->mutable_contents()->add_int64_contents(1);
    tensor->mutable_contents()->add_bool_contents(true);
    (*tensor->mutable_parameters())[std::to_string(i)].set_string_param("");
  }
  for (const auto& message : {inputs, outputs, parameters, raws, contents})
    ExpectEnough(message.SerializeAsString());
}

// Lists may come element by element, not packed; fields may be unknown, groups too.
TEST(DecodedBytes, IsEnoughForWhatNoEncoderOfOursWrites) {
  std::string elements;
  std::string unknown;
  std::string group;
  for (int i = 0; i < 1000; ++i) {
    elements += "\x18\x01";               // int64_contents
    unknown += "\xa0\x06\x01";            // field 100
    group += "\xa3\x06\x08\x01\xa4\x06";  // field 100, with a field 1
  }
  const auto inside = [](const std::string& contents) {
    ModelInferRequest message;
    std::string input = "\x2a";  // contents
    EXPECT_LT(contents.size(), 16384);
    input += static_cast<char>(0x80 | (contents.size() & 0x7f));
    input += static_cast<char>(contents.size() >> 7);
    input += contents;
    EXPECT_TRUE(message.add_inputs()->ParseFromString(input));
    return message.SerializeAsString();
  };
  ExpectEnough(inside(unknown));
  ExpectEnough(unknown);
  ExpectEnough(group);
  const std::string head = std::string("\x2a") + static_cast<char>(0x80 | ((2003) & 0x7f)) +
                           static_cast<char>(2003 >> 7) + "\x2a" +
                           static_cast<char>(0x80 | (2000 & 0x7f)) + static_cast<char>(2000 >> 7);
  ExpectEnough(head + elements);
}

TEST(DecodedBytes, IsNoMoreThanABudgetAllowsForWhatIsUsual) {
  ModelInferRequest floats;
  auto* tensor = floats.add_inputs();
  tensor->set_name("x");
  tensor->set_datatype("FP32");
  tensor->add_shape(1000);
  for (int i = 0; i < 1000; ++i) tensor->mutable_contents()->add_fp32_contents(0.5F);
  ModelInferRequest raw;
  raw.add_inputs()->set_name("x");
  raw.add_raw_input_contents(std::string(4000, '\0'));
  for (const auto& message : {floats, raw}) {
    const std::string wire = message.SerializeAsString();
    EXPECT_LE(Said(wire), kMemoryPerByte * wire.size());
  }
}

TEST(DecodedBytes, EndsOnWhatIsNoMessage) {
  const google::protobuf::LogSilencer no_complaints;
  std::mt19937 random(1);
  ModelInferRequest message;
  message.add_inputs()->mutable_contents()->add_bytes_contents("abc");
  message.set_model_name("m");
  const std::string good = message.SerializeAsString();
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    for (int k = 0; k < 3; ++k) bad[random() % bad.size()] = static_cast<char>(random());
    const std::uint64_t said = Said(bad);
    ModelInferRequest parsed;
    if (!parsed.ParseFromString(bad)) continue;
    EXPECT_GE(said, parsed.SpaceUsedLong() - sizeof(parsed));
  }
}

}  // namespace
}  // namespace penstock::serve
