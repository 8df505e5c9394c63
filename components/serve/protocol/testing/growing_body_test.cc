#include "components/serve/protocol/growing_body.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace penstock::serve {
namespace {

std::string Text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 31 % 26);
  return text;
}

TEST(GrowingBody, GivesBackWhatCameInPiecesOfAnySize) {
  for (const std::size_t size : {0UL, 1UL, 65'535UL, 65'536UL, 65'537UL, 1'000'000UL}) {
    const std::string text = Text(size);
    for (const std::size_t step : {1'000UL, 65'536UL, 700'000UL}) {
      GrowingBody body;
      body.Announce(size);
      for (std::size_t at = 0; at < size; at += step)
        body.Append(std::string_view(text).substr(at, step));
      EXPECT_EQ(body.size(), size);
      EXPECT_EQ(body.IsSmall(), size <= GrowingBody::kSmall);
      EXPECT_EQ(body.Take(), text);
    }
  }
}

TEST(GrowingBody, IsEmptyOnceTaken) {
  GrowingBody body;
  body.Append(Text(200'000));
  GrowingBody moved = std::move(body);
  EXPECT_EQ(moved.Take().size(), 200'000U);
  EXPECT_EQ(moved.size(), 0U);
  EXPECT_TRUE(moved.IsSmall());
  EXPECT_EQ(moved.Take(), "");
}

TEST(GrowingBody, TakesNoAnnouncementForGranted) {
  GrowingBody body;
  body.Announce(std::uint64_t{1} << 62);
  body.Append("ab");
  const std::string text = body.Take();
  EXPECT_EQ(text, "ab");
  EXPECT_LE(text.capacity(), 2 * GrowingBody::kSmall);
}

TEST(GrowingBody, LeavesTheRoomBehindItThatAParserWants) {
  for (const std::size_t size : {10UL, 65'536UL, 300'000UL}) {
    GrowingBody body;
    body.Announce(size);
    body.Append(Text(size));
    EXPECT_GE(body.Take().capacity(), size + 64);
  }
}

}  // namespace
}  // namespace penstock::serve
