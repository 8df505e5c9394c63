#include "components/serve/protocol/binary_tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace penstock::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Bytes(std::initializer_list<int> bytes) { return {bytes.begin(), bytes.end()}; }

InputTensor Read(Datatype datatype, Shape shape, const std::string& bytes) {
  InputTensor input{"x", datatype, std::move(shape), {}, {}};
  const auto wrong = ReadBinary(bytes, &input);
  EXPECT_FALSE(wrong) << *wrong;
  return input;
}

std::string WhatIsWrong(Datatype datatype, Shape shape, const std::string& bytes) {
  InputTensor input{"x", datatype, std::move(shape), {}, {}};
  return ReadBinary(bytes, &input).value_or("accepted");
}

TEST(BinaryTensor, ReadsEveryWidthAndSign) {
  const auto integers = [](Datatype datatype, const std::string& bytes) {
    return std::get<std::vector<std::int64_t>>(Read(datatype, {1}, bytes).data);
  };
  EXPECT_THAT(integers(Datatype::kInt8, Bytes({0xff})), ElementsAre(-1));
  EXPECT_THAT(integers(Datatype::kUint8, Bytes({0xff})), ElementsAre(255));
  EXPECT_THAT(integers(Datatype::kInt16, Bytes({0xfe, 0xff})), ElementsAre(-2));
  EXPECT_THAT(integers(Datatype::kUint16, Bytes({0xfe, 0xff})), ElementsAre(65534));
  EXPECT_THAT(integers(Datatype::kInt32, Bytes({0, 0, 0, 0x80})), ElementsAre(-2147483648LL));
  EXPECT_THAT(integers(Datatype::kUint32, Bytes({0, 0, 0, 0x80})), ElementsAre(2147483648LL));
  EXPECT_THAT(integers(Datatype::kInt64, std::string(8, '\xff')), ElementsAre(-1));
  EXPECT_THAT(std::get<std::vector<std::uint8_t>>(Read(Datatype::kBool, {2}, Bytes({1, 0})).data),
              ElementsAre(1, 0));
  EXPECT_THAT(
      std::get<std::vector<float>>(Read(Datatype::kFp32, {1}, Bytes({0, 0, 0xc0, 0x3f})).data),
      ElementsAre(1.5F));
  EXPECT_THAT(std::get<std::vector<float>>(Read(Datatype::kFp16, {1}, Bytes({0, 0x3e})).data),
              ElementsAre(1.5F));
  EXPECT_THAT(std::get<std::vector<float>>(Read(Datatype::kBf16, {1}, Bytes({0xc0, 0x3f})).data),
              ElementsAre(1.5F));
}

TEST(BinaryTensor, ReadsTextsByTheirLengths) {
  const std::string bytes = Bytes({2, 0, 0, 0, 'a', 0, 0, 0, 0, 0});
  const InputTensor input = Read(Datatype::kBytes, {2}, bytes);
  EXPECT_THAT(std::get<std::vector<std::string_view>>(input.data),
              ElementsAre(std::string_view("a\0", 2), ""));
}

TEST(BinaryTensor, SaysWhatIsWrongWithTheBytes) {
  EXPECT_THAT(WhatIsWrong(Datatype::kFp32, {2}, "1234567"), HasSubstr("7 bytes, shape [2]"));
  EXPECT_THAT(WhatIsWrong(Datatype::kFp32, {1}, "12345678"), HasSubstr("8 bytes"));
  EXPECT_THAT(WhatIsWrong(Datatype::kFp32, {std::int64_t{1} << 61, 2}, ""), HasSubstr("bytes"));
  EXPECT_THAT(WhatIsWrong(Datatype::kFp32, {std::numeric_limits<std::int64_t>::max(), 64}, ""),
              HasSubstr("too many"));
  EXPECT_THAT(WhatIsWrong(Datatype::kBool, {1}, Bytes({2})), HasSubstr("neither 0 nor 1"));
  EXPECT_THAT(WhatIsWrong(Datatype::kUint64, {1}, std::string(8, '\xff')), HasSubstr("above 2^63"));
  EXPECT_THAT(WhatIsWrong(Datatype::kBytes, {1}, Bytes({1, 0, 0})), HasSubstr("cut off"));
  EXPECT_THAT(WhatIsWrong(Datatype::kBytes, {1}, Bytes({9, 0, 0, 0, 'a'})),
              HasSubstr("has 9 bytes, only 1"));
  EXPECT_THAT(WhatIsWrong(Datatype::kBytes, {1}, Bytes({0, 0, 0, 0, 0, 0, 0, 0})),
              HasSubstr("more elements"));
  EXPECT_THAT(WhatIsWrong(Datatype::kBytes, {2}, Bytes({0, 0, 0, 0})), HasSubstr("1 elements"));
}

TEST(BinaryTensor, WritesWhatItReads) {
  const std::string half = Bytes({1, 0, 0xff, 3, 0, 4, 0xff, 0x7b, 0, 0x7c, 0, 0x80});
  const InputTensor input = Read(Datatype::kFp16, {6}, half);
  std::string written;
  AppendBinary({"", Datatype::kFp16, {6}, std::get<std::vector<float>>(input.data)}, &written);
  EXPECT_EQ(written, half);
}

TEST(BinaryTensor, RoundsToTheNearestHalfAndTiesToEven) {
  EXPECT_EQ(ToHalf(65504.0F), 0x7bff);
  EXPECT_EQ(ToHalf(65519.0F), 0x7bff);
  EXPECT_EQ(ToHalf(65520.0F), 0x7c00);
  EXPECT_EQ(ToHalf(2049.0F), 0x6800);  // halfway between 2048 and 2050
  EXPECT_EQ(ToHalf(2051.0F), 0x6802);  // halfway between 2050 and 2052
  EXPECT_EQ(ToHalf(std::ldexp(1.0F, -25)), 0);
  EXPECT_EQ(ToHalf(std::ldexp(1.5F, -25)), 1);
  EXPECT_TRUE(std::isnan(FromHalf(ToHalf(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_EQ(ToBfloat16(1.00390625F), 0x3f80);  // halfway, and 0x3f80 is even
  EXPECT_TRUE(std::isnan(FromBfloat16(ToBfloat16(std::numeric_limits<float>::quiet_NaN()))));
}

}  // namespace
}  // namespace penstock::serve
