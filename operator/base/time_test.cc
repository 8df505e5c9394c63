#include "operator/base/time.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(ParseTime, ReadsBothFormsOfTheApiServer) {
  const auto whole = ParseTime("2026-11-21T03:40:00Z");
  const auto micro = ParseTime("2026-11-21T03:40:00.250000Z");
  const auto offset = ParseTime("2026-11-21T05:40:00+02:00");
  ASSERT_TRUE(whole && micro && offset);
  EXPECT_EQ(*micro - *whole, std::chrono::milliseconds(250));
  EXPECT_EQ(*whole, *offset);
  EXPECT_EQ(FormatTime(*whole), "2026-11-21T03:40:00Z");
  EXPECT_EQ(FormatMicroTime(*micro), "2026-11-21T03:40:00.250000Z");
}

TEST(ParseTime, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "yesterday", "2026-13-01T00:00:00Z", "2026-11-21", "2026-11-21T03:40:00Zjunk"})
    EXPECT_FALSE(ParseTime(text)) << text;
}

TEST(ParseDuration, ReadsGatewayApisForm) {
  EXPECT_EQ(ParseDuration("1h30m").value(), std::chrono::minutes(90));
  EXPECT_EQ(ParseDuration("500ms").value(), std::chrono::milliseconds(500));
  EXPECT_EQ(ParseDuration("0s").value(), std::chrono::milliseconds(0));
  EXPECT_EQ(FormatDuration(std::chrono::minutes(90)), "1h30m");
  EXPECT_EQ(FormatDuration(std::chrono::milliseconds(0)), "0s");
}

TEST(ParseDuration, RefusesOtherFormsAndShowsTheRightOne) {
  for (const char* text : {"", "5", "1.5h", "-1s", "30m1h", "1d", "100000s", "1 s"}) {
    const auto r = ParseDuration(text);
    ASSERT_FALSE(r) << text;
    EXPECT_NE(r.error().message.find("1h30m"), std::string::npos);
  }
}

TEST(ParseTime, RefusesWhatSixtyFourBitsOfNanosecondsCannotTell) {
  for (const char* text : {"9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2262-05-01T00:00:00Z",
                           "2026-01-01T-1:00:00Z", "2026-01-01T00:-1:00Z", "2026-01-01T00:00:-1Z",
                           "2026-01-01T00:00:00+99:00", "2026-01-01T00:00:00+-1:00"})
    EXPECT_FALSE(ParseTime(text)) << text;
  for (const char* text : {"1678-01-01T00:00:00+23:59", "2261-12-31T23:59:59-23:59"})
    EXPECT_TRUE(ParseTime(text)) << text;
}

}  // namespace
}  // namespace penstock
