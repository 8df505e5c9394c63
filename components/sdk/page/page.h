// A report as one static HTML page: headings, texts, tables, charts as inline SVG. It loads nothing
// and runs nothing (its Content-Security-Policy forbids scripts and whatever comes from elsewhere),
// and equal content gives equal bytes: no dates, no random identifiers.
//
// Every text given here is data: it is escaped here and nowhere else (Escaped). What is too large
// for a page is cut, and the page says so. Value type; used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::sdk {

// What a page holds of each; the rest is left out, and said.
inline constexpr std::size_t kPageRows = 1000;       // of a table
inline constexpr std::size_t kPageColumns = 60;      // of a table
inline constexpr std::size_t kPageCharacters = 300;  // of a cell, a name or a label
inline constexpr std::size_t kPageSeries = 12;       // of a line chart
inline constexpr std::size_t kPagePoints = 400;      // of a series: thinned to the extremes
inline constexpr std::size_t kPageBars = 100;        // of a bar chart
inline constexpr std::size_t kPageClasses = 30;      // of a confusion matrix: the most frequent

// Text as HTML shows it, in an element or between double quotes. What would not be seen as what it
// is stands as its code point, "[U+202E]": control characters, line ends, what turns the writing
// direction, what has no width, spaces other than U+0020; a byte that is no UTF-8 as "[0xFF]". What
// is beyond `most` characters is cut off and counted.
[[nodiscard]] std::string Escaped(std::string_view text, std::size_t most = kPageCharacters);

// The shortest of at most six digits: "0.25", "1e-09"; "not a number", "infinite", "-infinite".
[[nodiscard]] std::string NumberText(double value);

struct PageTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // each of as many cells as there are columns
  std::size_t texts = 1;                       // so many columns from the left are no numbers
};

struct PageSeries {
  std::string name;
  std::vector<std::pair<double, double>> points;  // in the order of the line; what is not finite is
                                                  // left out, and said
};

struct LineChart {
  std::string title;
  std::string x;  // what the axes are
  std::string y;
  std::vector<PageSeries> series;
  std::optional<std::pair<double, double>> x_range;  // else what the points need
  std::optional<std::pair<double, double>> y_range;
  bool diagonal = false;  // a thin line y = x
};

struct PageBar {
  std::string name;
  double value = 0;
  std::optional<std::pair<double, double>> interval;
};
struct BarChart {
  std::string title;
  std::string x;  // what a bar's length is
  std::vector<PageBar> bars;
};

// A column of a dataset at a glance: a small histogram, and facts of a line each.
struct PageProfile {
  std::string name;
  std::string about;  // under the name
  std::vector<PageBar> bars;
  std::string under;  // the histogram
  std::vector<std::string> facts;
};

class Page {
 public:
  explicit Page(std::string_view title);

  void Heading(std::string_view text);
  void Text(std::string_view text);  // a paragraph
  void Table(const PageTable& table);
  void Chart(const LineChart& chart);
  void Chart(const BarChart& chart);
  void Profiles(const std::vector<PageProfile>& profiles);
  // counts[actual][decided], as many of both as `classes`.
  void Confusion(const std::vector<std::string>& classes,
                 const std::vector<std::vector<std::int64_t>>& counts);

  [[nodiscard]] std::string Html() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace penstock::sdk
