#include "components/statistics/report_page.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "components/statistics/value_text.h"

namespace penstock::statistics {
namespace {

using sdk::Page;

constexpr std::size_t kStrongest = 30;   // correlations
constexpr std::size_t kSliceMeans = 12;  // columns of a table of slices

std::string AboutOf(const Column& column, const std::string& label) {
  return column.type + (column.name == label ? ", label" : "");
}

std::string UnderOf(const Column& column) {
  if (column.numbers) return LeastText(column) + " ... " + MostText(column);
  if (column.lengths && column.top.empty()) return "lengths";
  return column.top_complete ? "" : "the most frequent, and all others last";
}

void AddColumns(const std::vector<Column>& columns, const std::string& label, Page& page) {
  std::vector<sdk::PageProfile> profiles;
  const auto add = [&](const Column& column, const std::string& name) {
    profiles.push_back(
        {name, AboutOf(column, label), BarsOf(column), UnderOf(column), FactsOf(column)});
  };
  for (const auto& column : columns) {
    add(column, column.name);
    for (const auto& element : column.elements) add(element, column.name + ": elements");
  }
  page.Profiles(profiles);
}

void AddAssociations(const Statistics& statistics, Page& page) {
  if (statistics.label.empty()) return;
  page.Heading("Association with " + statistics.label);
  page.Text("Over " + CountText(statistics.sampled_rows) +
            " rows, chosen by a hash of their place. Information is the share of the label's "
            "entropy that the column tells; near 1 it tells the label itself.");
  std::vector<Association> sorted = statistics.associations;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.information_share.value_or(0) > b.information_share.value_or(0);
  });
  sdk::PageTable table{
      {"column", "rows", "information", "AUC", "eta squared", "correlation"}, {}, 1};
  const auto text = [](const std::optional<double>& x) { return x ? sdk::NumberText(*x) : ""; };
  for (const auto& a : sorted) {
    table.rows.push_back({a.column, CountText(a.rows), text(a.information_share), text(a.auc),
                          text(a.eta_squared), text(a.r)});
  }
  page.Table(table);
}

void AddCorrelations(const Statistics& statistics, Page& page) {
  std::vector<Correlation> sorted;
  for (const auto& c : statistics.correlations) {
    if (c.r) sorted.push_back(c);
  }
  if (sorted.empty()) return;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return std::abs(*a.r) > std::abs(*b.r); });
  sdk::BarChart chart{"The strongest correlations (Pearson)", "r", {}};
  for (std::size_t i = 0; i < std::min(kStrongest, sorted.size()); ++i) {
    chart.bars.push_back({sorted[i].a + ", " + sorted[i].b, *sorted[i].r, std::nullopt});
  }
  page.Heading("Correlations");
  page.Chart(chart);
}

std::string MiddleOf(const Column& column) {
  if (column.numbers) return NumberText(column.numbers->mean, column);
  if (column.top.empty()) return "";
  const auto& first = column.top.front();
  return ValueText(first.value) + " " +
         ShareText(column.rows == 0 ? 0 : double(first.count) / double(column.rows));
}

// One table for each column that is sliced by: means of numbers, the most frequent of others.
void AddSlices(const Statistics& statistics, Page& page) {
  std::string now;
  sdk::PageTable table;
  const auto finish = [&] {
    if (table.rows.empty()) return;
    page.Heading("By " + now);
    page.Text("Rows, and of each column the mean or the most frequent value with its share.");
    page.Table(table);
  };
  for (const auto& slice : statistics.slices) {
    if (slice.column != now || table.rows.empty()) {
      finish();
      now = slice.column;
      table = {{slice.column, "rows"}, {}, 1};
      for (std::size_t c = 0; c < std::min(kSliceMeans, slice.columns.size()); ++c) {
        table.columns.push_back(slice.columns[c].name);
      }
    }
    auto& row = table.rows.emplace_back();
    row = {ValueText(slice.value), CountAndShare(slice.rows, statistics.rows)};
    for (std::size_t c = 0; c < std::min(kSliceMeans, slice.columns.size()); ++c) {
      row.push_back(MiddleOf(slice.columns[c]));
    }
  }
  finish();
}

void AddSample(const Statistics& statistics, Page& page) {
  if (statistics.sample.empty()) return;
  page.Heading("Some rows");
  sdk::PageTable table;
  for (const auto& column : statistics.columns) table.columns.push_back(column.name);
  for (const auto& row : statistics.sample) {
    auto& cells = table.rows.emplace_back();
    for (const auto& value : row) cells.push_back(value.is_null() ? "" : ValueText(value));
  }
  table.texts = table.columns.size();
  page.Table(table);
}

}  // namespace

std::vector<sdk::PageBar> BarsOf(const Column& column) {
  std::vector<sdk::PageBar> bars;
  const bool few =
      column.kind == Kind::kNumber && column.top_complete && column.distinct <= kBuckets;
  const auto* numbers = column.numbers                         ? &*column.numbers
                        : column.lengths && column.top.empty() ? &*column.lengths
                                                               : nullptr;
  if (numbers != nullptr && !few) {
    for (const auto& b : numbers->histogram) {
      bars.push_back(
          {NumberText(b.low, column) + " to " + NumberText(b.high, column), b.count, {}});
    }
    return bars;
  }
  std::int64_t rest = column.count();
  for (std::size_t i = 0; i < std::min<std::size_t>(column.top.size(), 2 * kBuckets); ++i) {
    bars.push_back({ValueText(column.top[i].value), double(column.top[i].count), {}});
    rest -= column.top[i].count;
  }
  if (few) {  // by value, not by count
    std::vector<std::size_t> order(bars.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return column.top[a].value < column.top[b].value;
    });
    std::vector<sdk::PageBar> sorted;
    for (const std::size_t i : order) sorted.push_back(bars[i]);
    return sorted;
  }
  if (rest > 0 && !bars.empty()) bars.push_back({"all others", double(rest), {}});
  return bars;
}

std::string ReportPage(const Statistics& statistics) {
  Page page("Statistics");
  page.Text(CountText(statistics.rows) + " rows, " +
            CountText(std::int64_t(statistics.columns.size())) + " columns.");
  page.Heading("Columns");
  AddColumns(statistics.columns, statistics.label, page);
  AddAssociations(statistics, page);
  AddCorrelations(statistics, page);
  AddSlices(statistics, page);
  AddSample(statistics, page);
  return page.Html();
}

}  // namespace penstock::statistics
