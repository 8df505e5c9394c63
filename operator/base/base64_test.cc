#include "operator/base/base64.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(Base64, ReadsWhatItWrites) {
  for (const char* text : {"", "a", "ab", "abc", "abcd", "\xff\xfe\xfd"}) {
    const std::string encoded = EncodeBase64(text);
    EXPECT_EQ(encoded.size() % 4, 0U);
    EXPECT_EQ(DecodeBase64(encoded), text);
  }
  EXPECT_EQ(EncodeBase64("ab"), "YWI=");
}

TEST(Base64, ReadsTextWithoutPaddingAndNothingElse) {
  EXPECT_EQ(DecodeBase64("YWI"), "ab");
  for (const char* text : {"YWI-", "A", "====", "YW I=", "YWI=\n", "Y=WI", "\xff\xff\xff\xff"}) {
    EXPECT_FALSE(DecodeBase64(text)) << text;
  }
}

TEST(Base64, TakesTheWebSafeAlphabetWhereEitherIsSent) {
  for (const char* text : {"-_8=", "-_8", "+/8=", "+_8="})
    EXPECT_EQ(DecodeAnyBase64(text), "\xfb\xff") << text;
  EXPECT_FALSE(DecodeBase64("-_8="));
  EXPECT_FALSE(DecodeAnyBase64("-_ 8"));
}

}  // namespace
}  // namespace penstock
