#include "components/statistics/terminal.h"

#include <algorithm>
#include <utility>

#include "components/statistics/report_page.h"
#include "components/statistics/terminal_text.h"
#include "components/statistics/value_text.h"

namespace penstock::statistics {
namespace {

constexpr std::size_t kBars = 12;      // of a sparkline
constexpr std::size_t kMostName = 24;  // columns of the terminal
constexpr std::size_t kMostType = 14;
constexpr std::size_t kLeastWidth = 60;
constexpr std::size_t kMostCell = 24;

std::string Sparkline(const Column& column) {
  static constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto bars = BarsOf(column);
  const std::size_t shown = std::min(bars.size(), kBars);
  double most = 0;
  for (std::size_t i = 0; i < shown; ++i) most = std::max(most, bars[i].value);
  std::string out;
  for (std::size_t i = 0; i < shown; ++i) {
    if (!(bars[i].value > 0)) {
      out += " ";
      continue;
    }
    const auto level = std::size_t(bars[i].value / most * 7.999);
    out += kBlocks[std::min<std::size_t>(level, 7)];
  }
  return out;
}

std::string DistinctText(const Column& column) {
  if (column.kind == Kind::kList || column.kind == Kind::kOther) return "";
  return (column.distinct_error > 0 ? "~" : "") + CountText(column.distinct);
}

std::string ShareOf(std::int64_t count, const Column& column) {
  return ShareText(column.rows == 0 ? 0 : double(count) / double(column.rows));
}

// Ends and the middle of the finite numbers, then what is no finite one.
std::string NumbersText(const Column& column) {
  std::string out;
  if (column.numbers) {
    const Numbers& n = *column.numbers;
    out = LeastText(column);
    if (n.min != n.max)
      out += " · " + NumberText(n.quantiles[50], column) + " · " + MostText(column);
  }
  for (const auto& [name, count] : {std::pair("NaN", column.nan),
                                    {"inf", column.positive_infinite},
                                    {"-inf", column.negative_infinite}})
    if (count > 0)
      out += (out.empty() ? "" : ", ") + std::string(name) + " " + ShareOf(count, column);
  return out;
}

// Numbers, frequent values of texts, lengths of lists.
std::string ValuesText(const Column& column) {
  if (std::string numbers = NumbersText(column); !numbers.empty()) return numbers;
  if (column.kind == Kind::kList && column.lengths) {
    return sdk::NumberText(column.lengths->min) + " to " + sdk::NumberText(column.lengths->max) +
           " elements";
  }
  std::string out;
  constexpr std::size_t kShown = 8;
  for (std::size_t i = 0; i < std::min(kShown, column.top.size()); ++i) {
    const auto& value = column.top[i];
    out += (i == 0 ? "" : ", ") + ValueText(value.value);
    if (value.count > 1) out += " " + ShareText(double(value.count) / double(column.rows));
  }
  return out;
}

struct Line {
  std::string name, type, nulls, distinct, bars, values;
};

std::vector<Line> LinesOf(const Statistics& statistics) {
  std::vector<Line> lines = {{"column", "type", "nulls", "distinct", "", "least · median · most"}};
  for (const auto& column : statistics.columns) {
    lines.push_back({column.name + (column.name == statistics.label ? " *" : ""), column.type,
                     column.nulls == 0 ? "" : ShareOf(column.nulls, column), DistinctText(column),
                     Sparkline(column), ValuesText(column)});
  }
  return lines;
}

// The widest of a part of the lines, up to a bound.
std::size_t WidthOfAll(const std::vector<Line>& lines, std::string Line::*part, std::size_t most) {
  std::size_t width = 0;
  for (const auto& line : lines) width = std::max(width, WidthOf(line.*part));
  return std::min(width, most);
}

std::string Dimmed(const std::string& text, bool color) {
  return color ? "\x1b[2m" + text + "\x1b[0m" : text;
}

std::string ColumnsText(const Statistics& statistics, std::size_t width, bool color) {
  const auto lines = LinesOf(statistics);
  const std::size_t name = WidthOfAll(lines, &Line::name, kMostName);
  const std::size_t type = WidthOfAll(lines, &Line::type, kMostType);
  const std::size_t nulls = WidthOfAll(lines, &Line::nulls, 8);
  const std::size_t distinct = WidthOfAll(lines, &Line::distinct, 12);
  const std::size_t used = name + type + nulls + distinct + kBars + 10;
  const std::size_t rest = width > used + 10 ? width - used : 10;
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Line& line = lines[i];
    std::string text = Padded(line.name, name) + "  " + Padded(line.type, type) + "  " +
                       Padded(line.nulls, nulls, true) + "  " +
                       Padded(line.distinct, distinct, true) + "  " + Padded(line.bars, kBars) +
                       "  " + Fitted(line.values, rest);
    while (text.ends_with(' ')) text.pop_back();
    out += Dimmed(text, color && i == 0) + "\n";
  }
  return out;
}

// As many columns as fit.
std::string RowsText(const Statistics& statistics, const TerminalOptions& options,
                     std::size_t width) {
  const std::size_t rows = std::min(options.rows, statistics.sample.size());
  if (rows == 0) return "";
  std::vector<std::vector<std::string>> cells(rows + 1);
  std::size_t used = 0;
  std::size_t c = 0;
  for (; c < statistics.columns.size(); ++c) {
    std::vector<std::string> column = {statistics.columns[c].name};
    for (std::size_t r = 0; r < rows; ++r) {
      const Json& value = statistics.sample[r][c];
      column.push_back(value.is_null() ? "·" : ValueText(value));
    }
    std::size_t wide = 1;
    for (const auto& text : column) wide = std::max(wide, std::min(kMostCell, WidthOf(text)));
    if (used + wide > width && c > 0) break;
    used += wide + 2;
    const bool right = statistics.columns[c].kind == Kind::kNumber;
    for (std::size_t r = 0; r <= rows; ++r) cells[r].push_back(Padded(column[r], wide, right));
  }
  std::string out = "\n" + std::to_string(rows) + " rows";
  if (c < statistics.columns.size()) {
    out += ", the first " + std::to_string(c) + " of " + std::to_string(statistics.columns.size()) +
           " columns";
  }
  out += "\n";
  for (std::size_t r = 0; r <= rows; ++r) {
    std::string line;
    for (const auto& cell : cells[r]) line += (line.empty() ? "" : "  ") + cell;
    while (line.ends_with(' ')) line.pop_back();
    out += Dimmed(line, options.color && r == 0) + "\n";
  }
  return out;
}

}  // namespace

std::string TerminalText(const Statistics& statistics, const TerminalOptions& options) {
  const std::size_t width = std::max(options.width, kLeastWidth);
  std::string out = Fitted(options.name, width > 40 ? width - 40 : width) + ": " +
                    CountText(statistics.rows) + " rows, " +
                    CountText(std::int64_t(statistics.columns.size())) + " columns\n\n";
  return out + ColumnsText(statistics, width, options.color) + RowsText(statistics, options, width);
}

}  // namespace penstock::statistics
