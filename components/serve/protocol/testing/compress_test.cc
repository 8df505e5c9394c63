#include "components/serve/protocol/compress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::serve {
namespace {

using testing::HasSubstr;

TEST(Compress, GivesBackWhatItWasGiven) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i * 7919 % 1000);
  for (Coding coding : {Coding::kGzip, Coding::kDeflate}) {
    const std::string packed = Compress(coding, text);
    EXPECT_LT(packed.size(), text.size() / 2);
    auto plain = Decompress(coding, packed, text.size());
    ASSERT_TRUE(plain) << plain.error().message;
    EXPECT_EQ(*plain, text);
    EXPECT_EQ(*Decompress(coding, Compress(coding, ""), 0), "");
  }
}

TEST(Compress, ReadsDeflateWithoutItsHeader) {
  const std::string wrapped = Compress(Coding::kDeflate, "penstock");
  const std::string raw = wrapped.substr(2, wrapped.size() - 6);
  EXPECT_EQ(*Decompress(Coding::kDeflate, raw, 100), "penstock");
}

TEST(Compress, StopsABombAtTheLimit) {
  const std::string bomb = Compress(Coding::kGzip, std::string(50'000'000, ' '));
  auto plain = Decompress(Coding::kGzip, bomb, 1'000'000);
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().kind, ErrorKind::kTooLarge);
  EXPECT_THAT(plain.error().message, HasSubstr("1000000 bytes"));
}

TEST(Compress, SaysWhatIsWrongWithTheData) {
  const std::string packed = Compress(Coding::kGzip, "penstock penstock");
  const auto error = [](const std::string& bytes) {
    auto plain = Decompress(Coding::kGzip, bytes, 100);
    return plain ? "accepted" : plain.error().message;
  };
  EXPECT_THAT(error(packed.substr(0, packed.size() - 1)), HasSubstr("ends too early"));
  EXPECT_THAT(error(""), HasSubstr("ends too early"));
  EXPECT_THAT(error("{\"inputs\":[]}"), HasSubstr("no valid gzip"));
  EXPECT_THAT(error(packed + "x"), HasSubstr("goes on"));
  std::string broken = packed;
  broken[broken.size() - 6] ^= 1;  // its checksum
  EXPECT_THAT(error(broken), HasSubstr("no valid gzip"));
}

TEST(Compress, ChoosesACodingThatTheClientTakes) {
  EXPECT_EQ(ChooseCoding(""), Coding::kIdentity);
  EXPECT_EQ(ChooseCoding("br"), Coding::kIdentity);
  EXPECT_EQ(ChooseCoding("br, GZIP"), Coding::kGzip);
  EXPECT_EQ(ChooseCoding("gzip;q=0.2, deflate;q=0.8"), Coding::kDeflate);
  EXPECT_EQ(ChooseCoding("gzip;q=0, deflate"), Coding::kDeflate);
  EXPECT_EQ(ChooseCoding("gzip;q=0"), Coding::kIdentity);
  EXPECT_EQ(ChooseCoding("*"), Coding::kGzip);
  EXPECT_EQ(ChooseCoding("identity;q=0.5, *;q=0"), Coding::kIdentity);
}

TEST(Compress, Refuses415ForOtherEncodings) {
  EXPECT_EQ(*ParseContentEncoding(" Gzip "), Coding::kGzip);
  EXPECT_EQ(*ParseContentEncoding("identity"), Coding::kIdentity);
  EXPECT_EQ(ParseContentEncoding("br").error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(ParseContentEncoding("gzip, gzip").error().kind, ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace penstock::serve
