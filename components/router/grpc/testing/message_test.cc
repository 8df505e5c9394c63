#include "components/router/grpc/message.h"

#include <gtest/gtest.h>

#include <vector>

#include "components/router/grpc/testing/doubles.h"

namespace penstock::router {
namespace {

// A field of text.
std::string FieldOf(int number, const std::string& text) {
  return std::string(1, static_cast<char>(number * 8 + 2)) +
         std::string(1, static_cast<char>(text.size())) + text;
}

// In slices of `size` bytes.
grpc::ByteBuffer Cut(const std::string& text, std::size_t size) {
  std::vector<grpc::Slice> slices;
  for (std::size_t at = 0; at < text.size(); at += size) slices.emplace_back(text.substr(at, size));
  return {slices.data(), slices.size()};
}

TEST(Message, ItsModelVersionIsFoundAndTakenOutWhereverItStands) {
  const std::string rest =
      FieldOf(1, "m") + FieldOf(3, "id") + "\x20\x96\x01" + "\x29" + "12345678" + "\x35" + "1234";
  for (const std::string& text : {FieldOf(2, "12") + rest, rest + FieldOf(2, "12"),
                                  FieldOf(2, "1") + rest + FieldOf(2, "12")}) {
    for (const std::size_t size : {1, 2, 3, 7, 1000}) {
      grpc::ByteBuffer message = Cut(text, size);
      EXPECT_EQ(ModelVersionOf(message), "12");
      EraseModelVersion(&message);
      EXPECT_EQ(TextOf(message), rest);
    }
  }
}

TEST(Message, WithoutAModelVersionStaysAsItIs) {
  for (const std::string& text :
       {std::string(), FieldOf(1, "m"), FieldOf(2, ""), FieldOf(2, std::string(21, '1')),
        std::string("\x10\x07"),                       // field 2 is a number
        std::string("\x12\x7f"), std::string("\xff"),  // cut off
        std::string(11, '\xff'), std::string("\x0b"),  // no varint; a group
        FieldOf(2, "1") + "\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
    grpc::ByteBuffer message = Cut(text, 2);
    EXPECT_FALSE(ModelVersionOf(message)) << text;
  }
}

TEST(Message, OfOneVersionAloneBecomesAnEmptyOne) {
  grpc::ByteBuffer message = Cut(FieldOf(2, "1"), 1);
  EraseModelVersion(&message);
  EXPECT_TRUE(message.Valid());
  EXPECT_EQ(message.Length(), 0U);
}

TEST(Message, ThatIsTooLargeIsNot) {
  grpc::ByteBuffer message = Cut(std::string(11, 'x'), 4);
  EXPECT_TRUE(Inflate(&message, 11));
  const auto refused = Inflate(&message, 10);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kTooLarge);
}

}  // namespace
}  // namespace penstock::router
