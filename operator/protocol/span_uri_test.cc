#include "operator/protocol/span_uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> Names(const std::string& text, const std::string& now) {
  const auto uri = ParseSpanUri(text);
  if (!uri) return {uri.error().message};
  std::vector<std::string> out;
  const auto clock = ClockOf(*uri);
  if (!clock) return {clock.error().message};
  for (const SpanTime span : SpansOf(*uri, *clock, *ParseTime(now)))
    out.push_back(SpanName(*uri, span));
  return out;
}

std::string SpanOf(const std::string& text, const std::string& key) {
  const auto uri = ParseSpanUri(text);
  if (!uri) return uri.error().message;
  const auto span = SpanOfKey(*uri, key);
  return span ? SpanName(*uri, *span) : "none";
}

std::string PrefixOfLast(const std::string& text) {
  const auto uri = ParseSpanUri(text);
  if (!uri) return uri.error().message;
  return SpanPrefix(*uri, SpansOf(*uri, {}, *ParseTime("2026-01-08T00:30:00Z")).back());
}

TEST(SpanUris, AreTheLastDaysThatHaveEndedByTheClockOfTheirZone) {
  const std::string place = "s3://lake/o/{YYYY}/{MM}/{DD}/?window=2d";
  EXPECT_THAT(Names(place, "2026-01-01T14:59:59Z"), ElementsAre("2025-12-30", "2025-12-31"));
  EXPECT_THAT(Names(place + "&zone=+09:00", "2026-01-01T14:59:59Z"),
              ElementsAre("2025-12-30", "2025-12-31"));
  EXPECT_THAT(Names(place + "&zone=+09:00", "2026-01-01T15:00:00Z"),
              ElementsAre("2025-12-31", "2026-01-01"));
  EXPECT_THAT(Names(place + "&zone=-03:30", "2026-01-01T03:29:59Z"),
              ElementsAre("2025-12-29", "2025-12-30"));
  EXPECT_THAT(Names(place, "2024-03-01T00:00:00Z"), ElementsAre("2024-02-28", "2024-02-29"));
}

TEST(SpanUris, AreHoursWhereTheKeyNamesThem) {
  const std::string place = "gs://lake/{YYYY}{MM}{DD}T{HH}.jsonl?window=3h";
  EXPECT_THAT(Names(place, "2026-01-01T01:59:59Z"),
              ElementsAre("2025-12-31T22", "2025-12-31T23", "2026-01-01T00"));
  EXPECT_THAT(Names(place + "&zone=+05:30", "2026-01-01T01:29:59Z"),
              ElementsAre("2026-01-01T03", "2026-01-01T04", "2026-01-01T05"));
}

TEST(SpanUris, OfAZoneByNameAreByItsClockInSummerAndWinter) {
  const std::string days = "s3://lake/o/{YYYY}/{MM}/{DD}/?window=1d&zone=Europe/Berlin";
  EXPECT_THAT(Names(days, "2026-01-07T22:59:59Z"), ElementsAre("2026-01-06"));
  EXPECT_THAT(Names(days, "2026-01-07T23:00:00Z"), ElementsAre("2026-01-07"));
  EXPECT_THAT(Names(days, "2026-07-07T21:59:59Z"), ElementsAre("2026-07-06"));
  EXPECT_THAT(Names(days, "2026-07-07T22:00:00Z"), ElementsAre("2026-07-07"));
  EXPECT_THAT(Names(days + "&to=2026-07-08", "2030-01-01T00:00:00Z"), ElementsAre("2026-07-07"));
  // A day of 23 hours, one of 25, and one that there was not in Samoa.
  const std::string three = "s3://lake/o/{YYYY}/{MM}/{DD}/?window=3d&zone=";
  EXPECT_THAT(Names(three + "Europe/Berlin", "2026-03-30T22:00:00Z"),
              ElementsAre("2026-03-28", "2026-03-29", "2026-03-30"));
  EXPECT_THAT(Names(three + "Europe/Berlin&to=2026-10-27", "2026-10-30T22:00:00Z"),
              ElementsAre("2026-10-24", "2026-10-25", "2026-10-26"));
  EXPECT_THAT(Names(three + "Pacific/Apia&to=2012-01-01", "2026-10-30T22:00:00Z"),
              ElementsAre("2011-12-28", "2011-12-29", "2011-12-31"));
  EXPECT_THAT(Names(three + "Europe/Berlim", "2026-03-30T22:00:00Z"),
              ElementsAre(HasSubstr("'Europe/Berlim' is not in")));
}

TEST(SpanUris, AnHourThatTheClockLeavesOutIsNoneAndOneThatItShowsTwiceIsOne) {
  const std::string hours = "s3://lake/{YYYY}{MM}{DD}{HH}/?window=3h&zone=Europe/Berlin";
  EXPECT_THAT(Names(hours, "2026-03-29T02:00:00Z"),
              ElementsAre("2026-03-29T00", "2026-03-29T01", "2026-03-29T03"));
  // The clock shows 02:00 to 02:59 from 00:00Z to 02:00Z.
  for (const char* now : {"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:59:59Z"})
    EXPECT_THAT(Names(hours, now), ElementsAre("2026-10-24T23", "2026-10-25T00", "2026-10-25T01"))
        << now;
  EXPECT_THAT(Names(hours, "2026-10-25T02:00:00Z"),
              ElementsAre("2026-10-25T00", "2026-10-25T01", "2026-10-25T02"));
  EXPECT_THAT(Names(hours, "2026-10-25T04:00:00Z"),
              ElementsAre("2026-10-25T02", "2026-10-25T03", "2026-10-25T04"));
  // Set back by half an hour, and by two hours.
  EXPECT_THAT(Names("s3://lake/{YYYY}{MM}{DD}{HH}/?window=2h&zone=Australia/Lord_Howe",
                    "2026-04-04T15:10:00Z"),
              ElementsAre("2026-04-04T23", "2026-04-05T00"));
  EXPECT_THAT(Names("s3://lake/{YYYY}{MM}{DD}{HH}/?window=2h&zone=Antarctica/Troll",
                    "2026-10-25T00:30:00Z"),
              ElementsAre("2026-10-24T23", "2026-10-25T00"));
}

TEST(SpanUris, TellWhenASpanBegins) {
  const auto begin = [](const std::string& zone, const std::string& local) {
    const auto clock = FindZoneOffsets(zone);
    return FormatTime(BeginOf(std::chrono::floor<std::chrono::hours>(*ParseTime(local)), *clock));
  };
  EXPECT_EQ(begin("Europe/Berlin", "2026-01-01T10:00:00Z"), "2026-01-01T09:00:00Z");
  EXPECT_EQ(begin("Europe/Berlin", "2026-07-01T10:00:00Z"), "2026-07-01T08:00:00Z");
  EXPECT_EQ(begin("Europe/Berlin", "2026-10-25T01:00:00Z"), "2026-10-24T23:00:00Z");
  EXPECT_EQ(begin("Europe/Berlin", "2026-10-25T02:00:00Z"), "2026-10-25T00:00:00Z");
  EXPECT_EQ(begin("Europe/Berlin", "2026-10-25T03:00:00Z"), "2026-10-25T02:00:00Z");
  EXPECT_EQ(begin("Europe/Berlin", "2026-03-29T03:00:00Z"), "2026-03-29T01:00:00Z");
  EXPECT_EQ(begin("Australia/Lord_Howe", "2026-10-04T02:00:00Z"), "2026-10-03T15:30:00Z");
}

TEST(SpanUris, OfARunEndWithItAndNotWithAnAttempt) {
  const auto end = *ParseTime("2026-01-08T03:00:00Z");
  const std::string uri = "s3://lake/{YYYY}{MM}{DD}/?window=1d";
  EXPECT_EQ(WithWindowEnd(uri, end), uri + "&to=2026-01-08T03:00:00Z");
  for (const auto& other : {uri + "&to=2026-01-01", uri + "&to=2026-01-01T00:00:00Z",
                            std::string("s3://lake/a/"), std::string("sha256:00"), uri + "&sig=1"})
    EXPECT_EQ(WithWindowEnd(other, end), other);
  EXPECT_EQ(WithWindowEnd(uri, TimePoint{}), uri);
}

TEST(SpanUris, EndWhereToSaysWhateverTimeItIs) {
  const std::string place = "az://lake/{YYYY}-{MM}-{DD}/?window=1d&zone=+09:00&to=";
  const char* now = "2030-01-01T00:00:00Z";
  EXPECT_THAT(Names(place + "2026-01-08", now), ElementsAre("2026-01-07"));
  EXPECT_THAT(Names(place + "2026-01-08T00:00:00Z", now), ElementsAre("2026-01-07"));
  EXPECT_THAT(Names(place + "2026-01-07T14:59:59Z", now), ElementsAre("2026-01-06"));
  EXPECT_THAT(Names(place + "2026-01-08T00:00:00+09:00", now), ElementsAre("2026-01-07"));
}

TEST(SpanUris, TellWhoseAKeyIs) {
  const std::string folder = "s3://lake/o/{YYYY}/{MM}/{DD}/?window=1d";
  EXPECT_EQ(SpanOf(folder, "o/2026/01/07/a.parquet"), "2026-01-07");
  EXPECT_EQ(SpanOf(folder, "o/2026/01/07/deep/a.parquet"), "2026-01-07");
  EXPECT_EQ(SpanOf(folder, "o/2026/01/07/"), "none");
  EXPECT_EQ(SpanOf(folder, "o/2026/1/7/a.parquet"), "none");
  EXPECT_EQ(SpanOf(folder, "o/2026/02/30/a.parquet"), "none");
  EXPECT_EQ(SpanOf(folder, "p/2026/01/07/a.parquet"), "none");
  const std::string file = "s3://lake/o/*/d={YYYY}-{MM}-{DD}/p-*.csv?window=1d";
  EXPECT_EQ(SpanOf(file, "o/kr/d=2026-01-07/p-1.csv"), "2026-01-07");
  EXPECT_EQ(SpanOf(file, "o/kr/d=2026-01-07/p-1.csv.tmp"), "none");
  EXPECT_EQ(SpanOf(file, "o/kr/d=2026-01-07/x/p-1.csv"), "none");
  EXPECT_EQ(SpanOf(file, "o/kr/south/d=2026-01-07/p-1.csv"), "none");
  const std::string twice = "s3://lake/{YYYY}{MM}{DD}/x-{YYYY}{MM}{DD}{HH}?window=1h";
  EXPECT_EQ(SpanOf(twice, "20260107/x-2026010723"), "2026-01-07T23");
  EXPECT_EQ(SpanOf(twice, "20260107/x-2026010724"), "none");
  EXPECT_EQ(SpanOf(twice, "20260107/x-2026010623"), "none");
  EXPECT_EQ(SpanOf("s3://lake/a%2A%7Bb%20/{YYYY}{MM}{DD}?window=1d", "a*{b /20260107"),
            "2026-01-07");
}

TEST(SpanUris, ListNoMoreThanWhatASpanBeginsWith) {
  EXPECT_EQ(PrefixOfLast("s3://lake/o/{YYYY}/{MM}/{DD}/?window=7d"), "o/2026/01/07/");
  EXPECT_EQ(PrefixOfLast("s3://lake/o/{YYYY}/{MM}-{DD}/p-*.csv?window=7d"), "o/2026/01-07/p-");
  EXPECT_EQ(PrefixOfLast("s3://lake/o/*/{YYYY}{MM}{DD}?window=7d"), "o/");
  EXPECT_EQ(PrefixOfLast("s3://lake/{YYYY}{MM}{DD}{HH}/?window=7h"), "2026010723/");
  EXPECT_EQ(CommonFolder(*ParseSpanUri("s3://lake/o/p-{YYYY}{MM}{DD}/?window=1d")), "o/");
  EXPECT_EQ(CommonFolder(*ParseSpanUri("s3://lake/{YYYY}{MM}{DD}/?window=1d")), "");
}

TEST(SpanUris, KnowWhatWritersCallByNamesOfNoData) {
  const auto hidden = [](const char* text, const char* key) {
    return IsHiddenKey(*ParseSpanUri(text), key);
  };
  const char* folder = "s3://lake/_raw/.o/{YYYY}/_d{MM}{DD}/?window=1d";
  EXPECT_FALSE(hidden(folder, "_raw/.o/2026/_d0107/a"));
  EXPECT_FALSE(hidden(folder, "_raw/.o/2026/_d0107/deep/a_b.c"));
  EXPECT_TRUE(hidden(folder, "_raw/.o/2026/_d0107/_SUCCESS"));
  EXPECT_TRUE(hidden(folder, "_raw/.o/2026/_d0107/_temporary/0/a"));
  EXPECT_FALSE(hidden("s3://lake/x/{YYYY}{MM}{DD}/_part*?window=1d", "x/20260107/_part1"));
  EXPECT_FALSE(hidden("s3://lake/x/*/{YYYY}{MM}{DD}/*?window=1d", "x/kr/20260107/part1"));
  EXPECT_TRUE(hidden("s3://lake/x/*/{YYYY}{MM}{DD}/*?window=1d", "x/_tmp/20260107/part1"));
  EXPECT_TRUE(hidden("s3://lake/x/*/{YYYY}{MM}{DD}/*?window=1d", "x/kr/20260107/.part1.crc"));
}

TEST(SpanUris, AreToldFromKeysThatOnlyHaveBraces) {
  EXPECT_FALSE(IsSpanUri("s3://lake/{guid}/a.csv"));
  EXPECT_FALSE(IsSpanUri("s3://lake/%7BYYYY%7D/a.csv"));
  EXPECT_FALSE(IsSpanUri("https://host/{YYYY}?window=1d"));
  EXPECT_FALSE(IsSpanUri("s3://lake/a?versionId=1"));
  EXPECT_TRUE(IsSpanUri("swebhdfs://n:9871/{yyyy}/"));
  EXPECT_TRUE(IsSpanUri("s3://lake/a?zone=UTC&window=1d"));
  EXPECT_TRUE(IsSpanUri("file:///data/{YYYY}/{MM}/{DD}/?window=1d"));
  EXPECT_FALSE(IsSpanUri("file:///data/what?.csv"));
  EXPECT_FALSE(IsSpanUri("/data/{YYYY}/"));
}

TEST(SpanUris, AreRefusedWithWhatIsMeant) {
  for (const auto& [uri, says] : {
           std::pair{"s3://b/{YYYY}/{MM}/{DD}/", "no window"},
           {"s3://b/{yyyy}/{MM}/{DD}/?window=1d", "has {yyyy}: the parts of a date are {YYYY}"},
           {"s3://b/{SPAN}/?window=1d", "has {SPAN}"},
           {"s3://b/o/{YYYY}/{MM}/?window=1d", "not have all of {YYYY}, {MM} and {DD}"},
           {"s3://b/a?window=1d", "not have all of"},
           {"s3://b/*/{YYYY}{MM}{DD}?window=1d", "all of the store would be listed"},
           {"s3://b/a**/{YYYY}{MM}{DD}?window=1d", "has **"},
           {"s3://b/a*b*c*d*{YYYY}{MM}{DD}?window=1d", "more than 3 *"},
           {"s3://b-{YYYY}/{MM}{DD}?window=1d", "before its key"},
           {"s3://b?window=1d", "names no key"},
           {"s3://b/{YYYY}{MM}{DD}?window=7", "window=7d"},
           {"s3://b/{YYYY}{MM}{DD}?window=0d", "1 to 10000"},
           {"s3://b/{YYYY}{MM}{DD}?window=10001d", "1 to 10000"},
           {"s3://b/{YYYY}{MM}{DD}?window=24h", "spans are days"},
           {"s3://b/{YYYY}{MM}{DD}{HH}?window=7d", "spans are hours"},
           {"s3://b/{YYYY}{MM}{DD}?window=7d&zone=../Seoul", "zone=+09:00"},
           {"s3://b/{YYYY}{MM}{DD}?window=7d&zone=+9", "zone=+09:00"},
           {"s3://b/{YYYY}{MM}{DD}?window=7d&column=a day", "column=day"},
           {"s3://b/{YYYY}{MM}{DD}?window=7d&column=", "column=day"},
           {"file://host/a/{YYYY}{MM}{DD}?window=7d", "names another machine"},
           {"file:///{YYYY}/{MM}/{DD}?window=7d", "name a folder before it"},
           {"file:///a/../{YYYY}{MM}{DD}?window=7d", "has //, /./, /../"},
           {"file:///a/%2E%2E/{YYYY}{MM}{DD}?window=7d", "has //, /./, /../"},
           {"file:///a//{YYYY}{MM}{DD}?window=7d", "has //, /./, /../"},
           {"file:///a/{YYYY}{MM}{DD}%00?window=7d", "zero byte"},
           {"s3://b/{YYYY}{MM}{DD}?window=7d&to=yesterday", "to=2026-01-08"},
           {"s3://b/{YYYY}{MM}{DD}?window=7d&to=1677-01-01", "to=2026-01-08"},
           {"s3://b/{YYYY}{MM}{DD}?window=7d&gaps=maybe", "refuse or allow"},
           {"s3://b/{YYYY}{MM}{DD}?window=7d&window=8d", "window twice"},
           {"s3://b/{YYYY}{MM}{DD}?window=7d&", "stand window, zone, to, gaps and column"},
       }) {
    const auto parsed = ParseSpanUri(uri);
    ASSERT_FALSE(parsed) << uri;
    EXPECT_THAT(parsed.error().message, HasSubstr(says)) << uri;
  }
}

TEST(SpanUris, AreRefusedWithoutShowingWhatMayBeASignature) {
  const auto parsed = ParseSpanUri("az://b/{YYYY}{MM}{DD}?window=1d&sig=secret");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace penstock
