#include "components/statistics/terminal.h"

#include <gtest/gtest.h>

#include "components/statistics/terminal_text.h"
#include "components/statistics/value_text.h"

namespace penstock::statistics {
namespace {

TEST(TerminalText, TakesTwoColumnsForHangulAndCutsBetweenCharacters) {
  EXPECT_EQ(WidthOf("서울"), 4U);
  EXPECT_EQ(Fitted("서울시", 5), "서울…");
  EXPECT_EQ(Padded("서울", 6), "서울  ");
  EXPECT_EQ(Padded("7", 3, true), "  7");
  EXPECT_EQ(WidthOf("e\xCC\x81"), 1U) << "a combining accent";
}

TEST(TerminalText, NothingInATextReachesTheTerminalAsACommand) {
  EXPECT_EQ(Fitted("a\x1b[31mb", 20), "a?[31mb");
  EXPECT_EQ(Fitted("a\xC2\x9B"
                   "1mb",
                   20),
            "a?1mb")
      << "the one byte form of ESC [";
  EXPECT_EQ(Fitted("a\xE2\x80\xAE"
                   "b",
                   20),
            "a?b")
      << "right to left";
  EXPECT_EQ(Fitted("a\xFF"
                   "b",
                   20),
            "a?b");
  EXPECT_EQ(Fitted("a\nb", 20), "a?b");
}

TEST(ValueText, CountsAndSharesAreReadAtAGlance) {
  EXPECT_EQ(CountText(336776), "336,776");
  EXPECT_EQ(CountText(12), "12");
  EXPECT_EQ(ShareText(0.5), "50 %");
  EXPECT_EQ(ShareText(1e-9), "< 0.1 %") << "some is not none";
  EXPECT_EQ(ShareText(0), "0 %");
}

TEST(ValueText, TimesAreTimes) {
  Column time;
  time.kind = Kind::kTime;
  time.type = "timestamp";
  EXPECT_EQ(NumberText(1'357'084'800e6, time), "2013-01-02T00:00:00Z");
  EXPECT_EQ(NumberText(-1, time), "1969-12-31T23:59:59Z");
  EXPECT_EQ(SpreadText(3 * 86'400e6, time), "3 days");
  time.type = "date";
  EXPECT_EQ(NumberText(15'706, time), "2013-01-01");
}

TEST(Terminal, EveryLineFitsAndSaysWhatTheColumnIs) {
  Statistics statistics;
  statistics.rows = 1000;
  Column& text = statistics.columns.emplace_back();
  text.name = "도시 이름이 아주 긴 열의 이름";
  text.type = "string";
  text.kind = Kind::kText;
  text.rows = 1000;
  text.nulls = 250;
  text.distinct = 2;
  text.top = {{"서울\x1b[2J", 500}, {std::string(300, 'x'), 250}};
  text.top_complete = true;
  statistics.sample = {{"서울"}, {nullptr}};
  const std::string out = TerminalText(statistics, {"data", 80, 5, false});
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(WidthOf(line), 80U) << line;
  EXPECT_NE(out.find("data: 1,000 rows, 1 columns"), std::string::npos) << out;
  EXPECT_NE(out.find("25 %"), std::string::npos) << out;
  EXPECT_NE(out.find("█"), std::string::npos) << out;
  EXPECT_EQ(out.find('\x1b'), std::string::npos) << out;
  EXPECT_NE(out.find("·"), std::string::npos) << "a null of a row";
}

TEST(Terminal, InfinitiesAndNaNsAreNoNulls) {
  Statistics statistics;
  statistics.rows = 8;
  Column& x = statistics.columns.emplace_back();
  x.name = "x";
  x.type = "float64";
  x.kind = Kind::kNumber;
  x.rows = 8;
  x.positive_infinite = 4;
  x.negative_infinite = 1;
  x.nan = 2;
  x.numbers.emplace();
  x.numbers->count = 1;
  x.numbers->min = x.numbers->max = 1;
  const std::string out = TerminalText(statistics, {"data", 100, 5, false});
  EXPECT_NE(out.find("  1, NaN 25 %, inf 50 %, -inf 12.5 %\n"), std::string::npos) << out;
  EXPECT_EQ(out.find("87.5 %"), std::string::npos) << "all of them as nulls:\n" << out;
  x.numbers.reset();
  x.nulls = 1;
  const std::string none = TerminalText(statistics, {"data", 100, 5, false});
  EXPECT_NE(none.find("float64  12.5 %"), std::string::npos) << none;
  EXPECT_NE(none.find("  NaN 25 %, inf 50 %, -inf 12.5 %\n"), std::string::npos) << none;
}

}  // namespace
}  // namespace penstock::statistics
