#include <algorithm>
#include <cmath>

#include "components/drift/report.h"
#include "components/sdk/page/page.h"

namespace penstock::drift {
namespace {

using sdk::NumberText;

constexpr std::size_t kDrawn = 12;  // columns with a chart of their own

std::string Percent(double share) { return NumberText(std::round(share * 1e4) / 1e2) + " %"; }

std::string ValueText(const ColumnDrift& column) {
  const std::string value = NumberText(column.value);
  return column.at_most ? value + " to " + NumberText(*column.at_most) : value;
}

std::string Where(const ColumnDrift& column) {
  if (column.at.empty()) return "";
  return (column.up_to ? "up to " : "") + column.at + ": " + Percent(column.shares[0]) +
         " before, " + Percent(column.shares[1]) + " now";
}

// The worst first: those that have drifted, then by effect over floor.
std::vector<const ColumnDrift*> InOrder(const std::vector<ColumnDrift>& columns) {
  std::vector<const ColumnDrift*> order;
  for (const ColumnDrift& column : columns) order.push_back(&column);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    if (a->drifted != b->drifted) return a->drifted;
    return a->effect * std::max(b->floor, 1e-9) > b->effect * std::max(a->floor, 1e-9);
  });
  return order;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void Columns(const std::vector<const ColumnDrift*>& order, sdk::Page& page) {
  sdk::PageTable table;
  table.columns = {"Column", "Drifted", "Kind",  "Statistic", "Where it differs most",
                   "Value",  "Chance",  "Floor", "p",         "Adjusted p"};
  table.texts = 5;
  for (const ColumnDrift* c : order) {
    table.rows.push_back({c->name,
                          c->drifted     ? "yes"
                          : c->undecided ? "undecided"
                                         : "no",
                          Name(c->kind), Name(c->statistic), Where(*c), ValueText(*c),
                          NumberText(c->chance), NumberText(c->floor), NumberText(c->p),
                          NumberText(c->adjusted)});
  }
  page.Table(table);
}

void Charts(const std::vector<const ColumnDrift*>& order, sdk::Page& page) {
  std::size_t drawn = 0;
  for (const ColumnDrift* column : order) {
    if (drawn++ == kDrawn || column->bins.empty()) break;
    page.Heading(column->name);
    page.Text(Where(*column));
    // Bins share the rows of both sides evenly: where one side has more than the other shows.
    sdk::BarChart chart;
    chart.title = column->name + ": share now less share before";
    chart.x = "difference of shares";
    for (const Json& bin : column->bins) {
      chart.bars.push_back({bin["bin"].get<std::string>(),
                            bin["current"].get<double>() - bin["reference"].get<double>(),
                            std::nullopt});
    }
    if (chart.bars.size() > 30) {  // the ones that differ most, in their order
      std::vector<double> sizes;
      for (const auto& bar : chart.bars) sizes.push_back(std::abs(bar.value));
      std::nth_element(sizes.begin(), sizes.begin() + 29, sizes.end(), std::greater<>());
      const double least = sizes[29];
      std::erase_if(chart.bars, [&](const auto& bar) { return std::abs(bar.value) < least; });
    }
    page.Chart(chart);
  }
}

void Classifier(const Comparison& comparison, sdk::Page& page) {
  if (!comparison.classified) return;
  page.Heading("All columns together");
  const Domain& domain = comparison.domain;
  if (!domain.why_not.empty()) return page.Text("Not tried: " + domain.why_not + ".");
  page.Text(
      "A classifier tells rows of now from rows of before with an area under the ROC curve "
      "of " +
      NumberText(domain.auc) + " (0.5: not at all; p " + NumberText(domain.p) + ").");
  sdk::PageTable table;
  table.columns = {"Told by", "Share of the gain"};
  for (const auto& [column, share] : domain.told_by) table.rows.push_back({column, Percent(share)});
  page.Table(table);
}

void SlicesPart(const Comparison& comparison, sdk::Page& page) {
  if (comparison.slices.empty() && comparison.small_slices == 0) return;
  page.Heading("Slices");
  sdk::PageTable table;
  table.columns = {"Slice", "Drifted", "Rows before", "Rows now"};
  table.texts = 2;
  for (const SliceDrift& slice : comparison.slices) {
    std::vector<std::string> drifted;
    for (const ColumnDrift& column : slice.columns) {
      if (column.drifted) drifted.push_back(column.name);
    }
    table.rows.push_back({slice.column + " = " + slice.value, Joined(drifted),
                          std::to_string(slice.rows[0]), std::to_string(slice.rows[1])});
  }
  page.Table(table);
  if (comparison.small_slices > 0) {
    page.Text(std::to_string(comparison.small_slices) +
              " values have too few rows of a side, or are beyond the 20 largest of a column.");
  }
}

void NotCompared(const Comparison& comparison, sdk::Page& page) {
  sdk::PageTable table;
  table.columns = {"Column", "Why it is not compared"};
  table.texts = 2;
  for (const auto& said : comparison.pairing.changed) {
    table.rows.push_back({said.column, "its type: " + said.why + " (counts as drift)"});
  }
  for (const auto& name : comparison.pairing.missing) {
    table.rows.push_back({name, "current does not have it"});
  }
  for (const auto& name : comparison.pairing.added) {
    table.rows.push_back({name, "reference does not have it"});
  }
  for (const auto& said : comparison.pairing.skipped) table.rows.push_back({said.column, said.why});
  if (table.rows.empty()) return;
  page.Heading("Not compared");
  page.Table(table);
}

void UnlikeSchemaPart(const Comparison& comparison, sdk::Page& page) {
  if (comparison.unlike_schema.empty()) return;
  sdk::PageTable table;
  table.columns = {"Column", "What the schema says and the datasets do not"};
  table.texts = 2;
  for (const auto& said : comparison.unlike_schema) table.rows.push_back({said.column, said.why});
  page.Heading("Unlike the schema");
  page.Table(table);
}

void OverruledPart(const Comparison& comparison, sdk::Page& page) {
  if (comparison.overruled.empty()) return;
  sdk::PageTable table;
  table.columns = {"Column", "What the parameters say otherwise than the schema"};
  table.texts = 2;
  for (const auto& said : comparison.overruled) table.rows.push_back({said.column, said.why});
  page.Heading("Parameters over the schema");
  page.Table(table);
}

}  // namespace

std::string ReportPage(const Comparison& comparison, const Options& options) {
  sdk::Page page("Drift");
  const auto drifted = comparison.Drifted();
  page.Text(std::to_string(drifted.size()) + " of " +
            std::to_string(comparison.columns.size() + comparison.pairing.changed.size()) +
            " columns have drifted" + (drifted.empty() ? "." : ": " + Joined(drifted) + "."));
  std::string rows = "Before (reference): " + std::to_string(comparison.rows[0]) +
                     " rows. Now (current): " + std::to_string(comparison.rows[1]) + " rows.";
  if (comparison.of_statistics) {
    rows +=
        " Known by stored statistics, without the rows: a column is undecided where they leave "
        "it open; compare the datasets then.";
  }
  if (comparison.looked != comparison.rows) {
    rows += " Looked at: " + std::to_string(comparison.looked[0]) + " and " +
            std::to_string(comparison.looked[1]) + ", drawn at random.";
  }
  page.Text(rows);
  page.Text(
      "A column has drifted where chance makes its statistic as large with a probability "
      "below " +
      NumberText(options.alpha) +
      " (adjusted for the number of columns) and what "
      "is beyond chance is at least the floor." +
      (options.blocks.empty() ? std::string()
                              : " Chance divides blocks of rows by " + options.blocks + ", " +
                                    std::to_string(comparison.blocks[0]) + " before and " +
                                    std::to_string(comparison.blocks[1]) + " now."));
  const auto order = InOrder(comparison.columns);
  Columns(order, page);
  Classifier(comparison, page);
  SlicesPart(comparison, page);
  NotCompared(comparison, page);
  UnlikeSchemaPart(comparison, page);
  OverruledPart(comparison, page);
  Charts(order, page);
  return page.Html();
}

}  // namespace penstock::drift
