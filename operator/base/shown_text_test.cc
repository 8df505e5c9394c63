#include "operator/base/shown_text.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(ShownUri, ASignatureInAQueryIsNotShown) {
  EXPECT_EQ(ShownUri("https://host/a.csv?X-Amz-Signature=abc&x=1"), "https://host/a.csv?...");
  EXPECT_EQ(ShownUri("s3://bucket/key?versionId=1"), "s3://bucket/key?...");
  EXPECT_EQ(ShownUri("https://host/a.csv"), "https://host/a.csv");
  EXPECT_EQ(ShownUri("https://host/a.csv?"), "https://host/a.csv?...");
  EXPECT_EQ(ShownUri("file:///data/what?.csv"), "file:///data/what?.csv");
  EXPECT_EQ(ShownUri("delta+s3://b/t?version=1"), "delta+s3://b/t?version=1") << "its state";
  EXPECT_EQ(ShownUri("delta+https://h/t?X-Amz-Signature=1"), "delta+https://h/t?...");
  EXPECT_EQ(ShownUri("s3://b/{YYYY}/?window=7d&to=2026-01-08"),
            "s3://b/{YYYY}/?window=7d&to=2026-01-08");
  EXPECT_EQ(ShownUri("az://b/{YYYY}/?window=7d&sig=1"), "az://b/{YYYY}/?...");
  EXPECT_EQ(ShownUri("https://b/{YYYY}/?window=7d"), "https://b/{YYYY}/?...");
  EXPECT_EQ(ShownUri("htps://host/?sig=1"), "htps://host/?...") << "a scheme mistyped";
}

}  // namespace
}  // namespace penstock

namespace penstock::plan {
namespace {

TEST(ShownText, KeepsTheEndOfWhatIsTooLong) {
  EXPECT_EQ(ShownEnd("short\n", 10), "short");
  EXPECT_EQ(ShownEnd("a long\ttext", 8), "... text");
  EXPECT_EQ(ShownEnd("0123456789", 10), "0123456789");
  EXPECT_EQ(ShownEnd("0123456789", 3), "");
}

TEST(ShownText, KeepsBothEndsOfWhatIsTooLong) {
  const std::string text = "the beginning " + std::string(2'000, 'x') + " the end";
  const std::string shown = ShownEnds(text, 100);
  EXPECT_LE(shown.size(), 100U);
  EXPECT_TRUE(shown.starts_with("the beginning "));
  EXPECT_TRUE(shown.ends_with(" the end"));
  EXPECT_NE(shown.find("... x"), std::string::npos);
  EXPECT_EQ(ShownEnds("as it is", 100), "as it is");
}

TEST(ShownText, CutsNoLetterInTwo) {
  for (std::size_t limit = 20; limit < 30; ++limit) {
    const std::string text =
        "\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac";
    for (const std::string& shown : {ShownEnd(text, limit), ShownEnds(text, limit)}) {
      EXPECT_LE(shown.size(), limit);
      EXPECT_EQ(Shown(shown, 100), shown);  // valid UTF-8
      EXPECT_TRUE(shown.ends_with("\u20ac"));
    }
  }
}

}  // namespace
}  // namespace penstock::plan
