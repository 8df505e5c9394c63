#include "components/sdk/page/page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "operator/base/shown_text.h"

namespace penstock::sdk {
namespace {

std::size_t Count(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// The names of the elements that the page opens.
std::set<std::string> Elements(const std::string& html) {
  std::set<std::string> names;
  for (auto at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const auto end = html.find_first_of(" >/", at + 1);
    if (html[at + 1] != '/') names.insert(html.substr(at + 1, end - at - 1));
  }
  return names;
}

TEST(Escaped, LeavesNothingThatHtmlReads) {
  EXPECT_EQ(Escaped("<b a=\"1\" c='2'>&amp;</b>"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
  EXPECT_EQ(Escaped("가격 é 漢"), "가격 é 漢");
}

TEST(Escaped, ShowsWhatIsNotSeenAsItsCodePoint) {
  EXPECT_EQ(Escaped("a\u202Eb"), "a[U+202E]b");                // right-to-left override
  EXPECT_EQ(Escaped("a\u2067b\u2069"), "a[U+2067]b[U+2069]");  // isolates
  EXPECT_EQ(Escaped("\u200B\u200D\u2060\uFEFF"), "[U+200B][U+200D][U+2060][U+FEFF]");
  EXPECT_EQ(Escaped("\u00A0\u3000\u00AD"), "[U+00A0][U+3000][U+00AD]");
  EXPECT_EQ(Escaped("\u3164\u115F"), "[U+3164][U+115F]");            // fillers of Hangul
  EXPECT_EQ(Escaped("\U000E0041\U000E0100"), "[U+E0041][U+E0100]");  // tags, selectors
  EXPECT_EQ(Escaped(std::string("\0\t\n\x7F", 4)), "[U+0000][U+0009][U+000A][U+007F]");
  EXPECT_EQ(Escaped("\u061C\u200E\u200F"), "[U+061C][U+200E][U+200F]");
}

TEST(Escaped, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(Escaped("a\xFFz"), "a[0xFF]z");
  EXPECT_EQ(Escaped("\xC0\xBC"), "[0xC0][0xBC]");            // an overlong <
  EXPECT_EQ(Escaped("\xED\xA0\x80"), "[0xED][0xA0][0x80]");  // half a surrogate pair
  EXPECT_EQ(Escaped("\xF4\x90\x80\x80").find('\xF4'), std::string::npos);
  EXPECT_EQ(Escaped("\xE3\x80"), "[0xE3][0x80]");  // cut off
}

TEST(Escaped, CutsBetweenCharactersAndCountsTheRest) {
  EXPECT_EQ(Escaped("가나다라", 2), "가나... (2 more characters)");
  EXPECT_EQ(Escaped("가나", 2), "가나");
}

// Whatever a name is, a page has the elements that we wrote and no other.
TEST(Page, HoldsHostileTextAsText) {
  const std::vector<std::string> hostile = {
      "</td><script>alert(1)</script>",
      "\"><img src=x onerror=alert(1)>",
      "</title></style><script src=//x.example/a.js></script>",
      "--><svg onload=alert(1)>",
      "]]><iframe srcdoc='<script>1</script>'>",
      "javascript:alert(1)",
      "\u202E<\u2066a\xFF\xFE\xC0<",
      "+ADw-script+AD4-",
      std::string("\0</p><base href=//x.example>", 27),
      "{{constructor.constructor('alert(1)')()}}"};
  Page calm("title"), page(hostile[2]);
  const auto fill = [](Page& p, const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
      p.Heading(text);
      p.Text(text);
      p.Table({{text, text}, {{text, text}}});
      p.Chart(LineChart{text, text, text, {{text, {{0, 0}, {1, 1}}}, {text, {}}}, {}, {}, true});
      p.Chart(BarChart{text, text, {{text, 1, {}}}});
      p.Confusion({text, "b"}, {{1, 2}, {3, 4}});
    }
  };
  fill(calm, std::vector<std::string>(hostile.size(), "calm"));
  fill(page, hostile);
  const std::string html = page.Html();
  EXPECT_EQ(Elements(html), Elements(calm.Html()));
  for (const char* open : {"<", ">", "\""}) {
    EXPECT_EQ(Count(html, open), Count(calm.Html(), open)) << open;
  }
  EXPECT_TRUE(IsUtf8(html));
  EXPECT_EQ(html.find("\u202E"), std::string::npos);
  EXPECT_EQ(html.find('\0'), std::string::npos);
}

TEST(Page, ForbidsScriptsAndLoadsNothing) {
  Page page("Report");
  page.Chart(LineChart{"ROC", "x", "y", {{"a", {{0, 0}, {1, 1}}}}, {}, {}, true});
  const std::string html = page.Html();
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(html.find("unsafe"), std::string::npos);
  for (const char* loads : {"<script", "src=", "href=", "url(", "@import", " style=", " on"}) {
    EXPECT_EQ(html.find(loads), std::string::npos) << loads;
  }
  // The policy stands before what it is to hold.
  EXPECT_LT(html.find("Content-Security-Policy"), html.find("<style>"));
  EXPECT_EQ(html, page.Html());
}

TEST(Page, CutsWhatIsTooLargeAndSaysSo) {
  Page page("p");
  PageTable table{{"a"}, {}};
  for (std::size_t i = 0; i < kPageRows + 500; ++i) table.rows.push_back({std::to_string(i)});
  page.Table(table);
  PageSeries series{"s", {}};
  for (int i = 0; i < 100000; ++i) series.points.emplace_back(i, i == 77777 ? 1000 : i % 7);
  page.Chart(LineChart{"c", "x", "y", {series}, {}, {}});
  BarChart bars{"b", "x", {}};
  for (int i = 0; i < 1000; ++i) bars.bars.push_back({"bar", double(i), {}});
  page.Chart(bars);
  const std::size_t k = kPageClasses + 1;
  std::vector<std::vector<std::int64_t>> counts(k, std::vector<std::int64_t>(k, 1));
  counts[3] = std::vector<std::int64_t>(k, 0);  // the rarest
  std::vector<std::string> classes;
  for (std::size_t i = 0; i < k; ++i) classes.push_back("class" + std::to_string(i) + ".");
  page.Confusion(classes, counts);
  const std::string html = page.Html();
  EXPECT_NE(html.find("The first 1000 of 1500 rows."), std::string::npos);
  EXPECT_NE(html.find("100000 points, drawn as "), std::string::npos);
  EXPECT_NE(html.find("The first 100 of 1000."), std::string::npos);
  EXPECT_NE(html.find("The 30 most frequent of 31 classes."), std::string::npos);
  EXPECT_EQ(html.find("class3."), std::string::npos);
  EXPECT_LT(html.size(), 200'000U);
  // The one high point is still there: the axis reaches it.
  EXPECT_NE(html.find(">1000</text>"), std::string::npos);
}

TEST(Page, DrawsWhatNumbersThereAre) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  Page page("p");
  page.Chart(LineChart{"c", "x", "y", {{"s", {{0, nan}, {1, 2}, {inf, 3}}}}, {}, {}});
  page.Chart(LineChart{"none", "x", "y", {}, {}, {}});
  page.Chart(LineChart{"large", "x", "y", {{"s", {{0, -1.7e308}, {1, 1.7e308}}}}, {}, {}});
  page.Chart(BarChart{"b", "x", {{"n", nan, {{nan, inf}}}, {"m", -2, {{-3, -1}}}}});
  const std::string html = page.Html();
  EXPECT_NE(html.find("2 points are no numbers and left out."), std::string::npos);
  EXPECT_NE(html.find("There are no points."), std::string::npos);
  EXPECT_EQ(html.find("\"not a number\""), std::string::npos);
  EXPECT_EQ(html.find("=\"inf"), std::string::npos);
  EXPECT_EQ(html.find("=\"nan"), std::string::npos);
}

}  // namespace
}  // namespace penstock::sdk
