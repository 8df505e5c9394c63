#include "operator/zone/zone_offsets.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include "operator/base/file.h"
#include "operator/base/testing/expect_says.h"

namespace penstock {
namespace {

using std::chrono::seconds;

// By the C library, which reads the same files.
seconds OfLibrary(std::time_t t) {
  std::tm local{};
  ::localtime_r(&t, &local);
  return seconds{local.tm_gmtoff};
}

class InZone {
 public:
  explicit InZone(const std::string& name) {
    if (const char* before = ::getenv("TZ")) before_ = before;
    ::setenv("TZ", name.c_str(), 1);
    ::tzset();
  }
  ~InZone() {
    if (before_) ::setenv("TZ", before_->c_str(), 1);
    if (!before_) ::unsetenv("TZ");
    ::tzset();
  }
  InZone(const InZone&) = delete;
  InZone& operator=(const InZone&) = delete;

 private:
  std::optional<std::string> before_;
};

std::string HoursFrom(const std::string& name, const std::string& time) {
  const auto zone = FindZoneOffsets(name);
  if (!zone) return zone.error().message;
  const auto offset = zone->At(*ParseTime(time));
  return std::to_string(double(offset.count()) / 3600).substr(0, 5);
}

TEST(ZoneOffsets, AreTheCLibrarysInEightyYears) {
  for (const char* name :
       {"Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe",
        "Asia/Seoul", "Asia/Kathmandu", "Africa/Casablanca", "Europe/Dublin", "Pacific/Apia",
        "America/St_Johns", "Asia/Jerusalem", "America/Santiago", "Etc/GMT+3", "EST5EDT"}) {
    const auto zone = FindZoneOffsets(name);
    ASSERT_TRUE(zone) << zone.error().message;
    const InZone in(name);
    for (std::time_t t = 0; t < 80LL * 366 * 86400; t += 7 * 3600 + 900) {
      const auto ours = zone->At(TimePoint(seconds{t}));
      ASSERT_EQ(ours.count(), OfLibrary(t).count()) << name << " at " << t;
    }
  }
}

TEST(ZoneOffsets, AreRightToTheSecondOfAChange) {
  EXPECT_EQ(HoursFrom("Europe/Berlin", "2026-03-29T00:59:59Z"), "1.000");
  EXPECT_EQ(HoursFrom("Europe/Berlin", "2026-03-29T01:00:00Z"), "2.000");
  EXPECT_EQ(HoursFrom("Europe/Berlin", "2100-10-31T00:59:59Z"), "2.000");
  EXPECT_EQ(HoursFrom("Europe/Berlin", "2100-10-31T01:00:00Z"), "1.000");
  EXPECT_EQ(HoursFrom("America/Sao_Paulo", "2026-01-01T00:00:00Z"), "-3.00");
}

TEST(ZoneOffsets, AreRefusedWhereTheNameIsNone) {
  for (const char* name : {"", "/etc/passwd", "../../etc/passwd", "Europe//Berlin", "Europe/",
                           "localtime", "zone.tab", "posixrules", "+09:00"}) {
    const auto zone = FindZoneOffsets(name);
    ASSERT_FALSE(zone) << name;
    EXPECT_SAYS(zone.error().message, "is no time zone's name");
  }
  EXPECT_SAYS(FindZoneOffsets("Europe").error().message, "install the package tzdata");
  EXPECT_SAYS(FindZoneOffsets("Europe/Berlim").error().message, "'Europe/Berlim' is not in");
  EXPECT_SAYS(FindZoneOffsets("Europe/Berlin", "/nowhere").error().message, "/nowhere");
}

TEST(ZoneOffsets, OfABrokenFileAreAnErrorAndNothingElse) {
  const std::string file = *ReadFile("/usr/share/zoneinfo/Europe/Berlin");
  ASSERT_TRUE(ZoneOffsets::Parse(file));
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_FALSE(ZoneOffsets::Parse(file.substr(0, size))) << size;
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string other = file;
    other[at] = static_cast<char>(other[at] ^ 0x80);
    const auto zone = ZoneOffsets::Parse(other);  // reads nothing that is not there
    if (zone) (void)zone->At(*ParseTime("2050-07-01T00:00:00Z"));
  }
  std::string rule = file;
  rule.replace(rule.find("CET-1CEST"), 9, "CET-1CES?");
  EXPECT_SAYS(ZoneOffsets::Parse(rule).error().message, "it ends with 'CET-1CES?");
}

}  // namespace
}  // namespace penstock
