#include "components/router/http1/body.h"

#include <gtest/gtest.h>

#include <string>

namespace penstock::router::http1 {
namespace {

// What is passed on of `text`, fed in pieces of `size`; "broken" where it is.
std::string Through(std::string text, std::size_t size, bool unwrap, std::size_t* left = nullptr) {
  BodyDecoder decoder(Framing::kChunked, 0, unwrap);
  std::string out;
  std::size_t at = 0;
  while (at < text.size() && !decoder.done()) {
    const std::size_t n = std::min(size, text.size() - at);
    const auto piece = decoder.Feed(text.data() + at, n);
    if (piece.broken) return "broken";
    out.append(text.data() + at, piece.kept);
    at += piece.taken;
  }
  if (left != nullptr) *left = text.size() - at;
  return decoder.done() ? out : out + "...";
}

TEST(Bodies, OfChunksPassWithoutExtensionsAndTrailers) {
  const std::string text = "3;a=b\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX: y\r\nZ: w\r\n\r\nnext";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    std::size_t left = 0;
    EXPECT_EQ(Through(text, size, false, &left), "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n")
        << size;
    EXPECT_EQ(left, 4U);
    EXPECT_EQ(Through(text, size, true), "abc0123456789") << size;
  }
}

TEST(Bodies, WithChunksThatAreNoneAreBroken) {
  for (const char* text : {"\r\n", "g\r\n", "1 \r\nx\r\n", " 1\r\nx\r\n", "1\nx\r\n", "1\r\nxy\r\n",
                           "1\r\nx\n", "0x1\r\nx", "-1\r\n", ";a\r\n", "1;\n\r\nx", "0\r\nA\n\r\n",
                           "0\r\n\rx", "1111111111111111\r\n"})
    EXPECT_EQ(Through(text, 100, false), "broken") << text;
  EXPECT_EQ(Through("1;" + std::string(300, 'x'), 100, false), "broken");
  EXPECT_EQ(Through("0\r\n" + std::string(9'000, 'x'), 100, false), "broken");
}

TEST(Bodies, OfALengthEndThere) {
  BodyDecoder decoder(Framing::kLength, 5, false);
  std::string text = "abcdefgh";
  const auto piece = decoder.Feed(text.data(), text.size());
  EXPECT_EQ(piece.taken, 5U);
  EXPECT_EQ(piece.kept, 5U);
  EXPECT_TRUE(decoder.done());
  EXPECT_TRUE(BodyDecoder(Framing::kLength, 0, false).done());
  EXPECT_TRUE(BodyDecoder(Framing::kNone, 0, false).done());
  EXPECT_FALSE(BodyDecoder(Framing::kUntilClose, 0, false).done());
}

}  // namespace
}  // namespace penstock::router::http1
