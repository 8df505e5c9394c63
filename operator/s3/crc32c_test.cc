#include "operator/s3/crc32c.h"

#include <gtest/gtest.h>

namespace penstock::s3 {
namespace {

// RFC 3720, B.4, and the check value of the catalogue of parametrised CRC algorithms.
TEST(Crc32c, GivesTheValuesOfTheStandard) {
  std::string growing;
  for (int i = 0; i < 32; ++i) growing += static_cast<char>(i);
  const std::pair<std::string, std::uint32_t> cases[] = {{"123456789", 0xE3069283},
                                                         {std::string(32, '\0'), 0x8A9136AA},
                                                         {std::string(32, '\xFF'), 0x62A8AB43},
                                                         {growing, 0x46DD794E},
                                                         {"", 0}};
  for (const auto& [text, expected] : cases) {
    Crc32c crc;
    crc.Update(text);
    EXPECT_EQ(crc.Value(), expected);
    EXPECT_EQ(Crc32cByTable(text), expected);
  }
}

TEST(Crc32c, IsTheSameInPiecesOfAnyLengthAndAsS3WritesIt) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += static_cast<char>(i * 7 + i / 256);
  for (const std::size_t piece : {1UL, 3UL, 8UL, 1021UL}) {
    Crc32c crc;
    for (std::size_t at = 0; at < text.size(); at += piece)
      crc.Update(std::string_view(text).substr(at, piece));
    EXPECT_EQ(crc.Value(), Crc32cByTable(text)) << piece;
  }
  Crc32c crc;
  crc.Update("123456789");
  EXPECT_EQ(crc.Base64(), "4waSgw==");
}

}  // namespace
}  // namespace penstock::s3
