#include "components/explain/explain_page.h"

#include "components/sdk/page/page.h"

namespace penstock::explain {
namespace {

std::string HowText(const PageFacts& facts) {
  if (facts.method == "trees") return "Exact, by TreeSHAP, of the trees' margin";
  if (facts.method == "linear") return "Exact, of the linear function's margin";
  return "Sampled by permutations, of the model's answer, with a standard error each";
}

}  // namespace

std::string ExplainPage(const PageFacts& facts, const std::vector<InputImportance>& importance) {
  sdk::Page page("What the inputs of " + (facts.model.empty() ? "a model" : facts.model) +
                 " are worth");
  std::string bases;
  for (const double base : facts.bases) {
    bases += (bases.empty() ? "" : ", ") + sdk::NumberText(base);
  }
  page.Text("Shapley values of " + std::to_string(facts.rows) + " rows. " + HowText(facts) +
            ". The contributions of a row add up to its " +
            (facts.space == "margin" ? "margin" : "answer") + " less the base, " + bases + ", to " +
            sdk::NumberText(facts.largest_residual) + " of it.");
  sdk::BarChart chart{"Mean absolute contribution", "to the " + facts.space, {}};
  sdk::PageTable table{
      {"input", "mean absolute", "standard error", "mean", "error of a contribution"}, {}, 1};
  for (const auto& i : importance) {
    chart.bars.push_back({i.input,
                          i.mean_absolute,
                          {{i.mean_absolute - 1.96 * i.error, i.mean_absolute + 1.96 * i.error}}});
    table.rows.push_back({i.input, sdk::NumberText(i.mean_absolute), sdk::NumberText(i.error),
                          sdk::NumberText(i.mean), sdk::NumberText(i.sampling_error)});
  }
  page.Heading("Inputs");
  page.Chart(chart);
  page.Table(table);
  page.Text(
      "A contribution says what the model does with an input, not what the input does in the "
      "world.");
  return page.Html();
}

}  // namespace penstock::explain
