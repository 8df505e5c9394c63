#include "operator/fetch/body.h"

#include <gtest/gtest.h>

namespace penstock::fetch {
namespace {

TEST(Body, AContentRangeIsReadOrRefused) {
  std::uint64_t first = 0, whole = 0;
  EXPECT_TRUE(ReadContentRange("bytes 5-9/10", first, whole));
  EXPECT_EQ(first, 5U);
  EXPECT_EQ(whole, 10U);
  for (const char* text : {"", "bytes", "bytes 5-9/*", "bytes */10", "bytes 9/5-10", "5-9/10",
                           "bytes -5-9/10", "bytes 5-9/99999999999999999999999"}) {
    EXPECT_FALSE(ReadContentRange(text, first, whole)) << text;
  }
}

TEST(Body, KeysOfUrisAreDecodedOnce) {
  EXPECT_EQ(KeyOfUri("a%20b%2520c"), "a b%20c");
  EXPECT_EQ(KeyOfUri("100%"), "100%");
}

}  // namespace
}  // namespace penstock::fetch
