#include "components/sdk/labels/label_metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/sdk/delong.h"
#include "components/sdk/estimate.h"

namespace penstock::sdk {
namespace {

struct Counts {
  double hits = 0;     // decided positive, and so they are
  double decided = 0;  // positive
  double actual = 0;   // positive
  std::int64_t rows = 0;
};

double Ratio(double top, double bottom) { return bottom > 0 ? top / bottom : 0; }
double PrecisionOf(const Counts& c) { return Ratio(c.hits, c.decided); }
double RecallOf(const Counts& c) { return Ratio(c.hits, c.actual); }
double F1Of(const Counts& c) { return Ratio(2 * c.hits, c.decided + c.actual); }

double Weight(const JudgedLabels& j, std::size_t row) {
  return j.weights.empty() ? 1 : j.weights[row];
}

std::string NameOf(const JudgedLabels& j, std::size_t label) {
  return label < j.names.size() ? "label '" + j.names[label] + "'"
                                : "label " + std::to_string(label);
}

std::vector<Counts> CountByLabel(const JudgedLabels& j) {
  std::vector<Counts> counts(j.labels);
  for (std::size_t i = 0; i < j.truth.size(); ++i) {
    if (j.truth[i] == Truth::kUnknown) continue;
    const double w = Weight(j, i / j.labels);
    Counts& c = counts[i % j.labels];
    const bool yes = j.truth[i] == Truth::kYes;
    const bool said = j.decided[i] != 0;
    if (yes && said) c.hits += w;
    if (said) c.decided += w;
    if (yes) c.actual += w;
    ++c.rows;
  }
  return counts;
}

void AddDecisions(const JudgedLabels& j, std::int64_t cells, Metrics& all) {
  const auto counts = CountByLabel(j);
  Counts pooled;
  for (const Counts& c : counts) {
    pooled.hits += c.hits;
    pooled.decided += c.decided;
    pooled.actual += c.actual;
  }
  const auto add = [&](const char* macro, const char* micro, double (*of)(const Counts&),
                       double bottom, const char* why) {
    double sum = 0;
    for (const Counts& c : counts) sum += of(c);
    all[macro] = {sum / double(counts.size()), std::nullopt, cells, ""};
    all[micro] = bottom > 0 ? Metric{of(pooled), std::nullopt, cells, ""} : Undefined(cells, why);
  };
  add("macroPrecision", "microPrecision", PrecisionOf, pooled.decided,
      "no label of any row is decided positive");
  add("macroRecall", "microRecall", RecallOf, pooled.actual, "no row has any label");
  add("macroF1", "microF1", F1Of, pooled.decided + pooled.actual,
      "no row has any label, and none is decided so");
}

// What is known of one label, together.
struct OneLabel {
  std::vector<float> probability;
  std::vector<std::uint8_t> positive;
  std::vector<double> weights;  // empty: 1 each
};

OneLabel Of(const JudgedLabels& j, std::size_t label) {
  OneLabel one;
  for (std::size_t r = 0; r < j.rows(); ++r) {
    const std::size_t i = r * j.labels + label;
    if (j.truth[i] == Truth::kUnknown) continue;
    one.probability.push_back(j.probability[i]);
    one.positive.push_back(j.truth[i] == Truth::kYes ? 1 : 0);
    if (!j.weights.empty()) one.weights.push_back(j.weights[r]);
  }
  return one;
}

double MeanLogLoss(const OneLabel& one) {
  double sum = 0, weight = 0;
  for (std::size_t r = 0; r < one.probability.size(); ++r) {
    const double w = one.weights.empty() ? 1 : one.weights[r];
    sum += w * RowLogLoss({&one.probability[r], 1}, float(one.positive[r]));
    weight += w;
  }
  return weight > 0 ? sum / weight : std::nan("");
}

// Means over the labels of what is measured of each.
void AddMeans(const JudgedLabels& j, std::int64_t cells, Metrics& all) {
  double auc = 0, precision = 0, loss = 0;
  std::string no_auc, no_precision, no_loss;
  for (std::size_t k = 0; k < j.labels; ++k) {
    const OneLabel one = Of(j, k);
    const auto ranked = Ranked(one.probability, one.positive, one.weights);
    const double own_auc = ranked.empty() ? std::nan("") : Auc(ranked);
    const double own_precision = ranked.empty() ? std::nan("") : AveragePrecision(ranked);
    const double own_loss = MeanLogLoss(one);
    if (std::isnan(own_auc) && no_auc.empty()) {
      no_auc = "all rows are of one class of " + NameOf(j, k);
    }
    if (std::isnan(own_precision) && no_precision.empty()) {
      no_precision = "no row has " + NameOf(j, k);
    }
    if (std::isnan(own_loss) && no_loss.empty()) no_loss = "no row counts for " + NameOf(j, k);
    auc += own_auc;
    precision += own_precision;
    loss += own_loss;
  }
  const auto add = [&](const char* name, double sum, const std::string& why) {
    all[name] = why.empty() ? Metric{sum / double(j.labels), std::nullopt, cells, ""}
                            : Undefined(cells, why);
  };
  add("macroAuc", auc, no_auc);
  add("macroAveragePrecision", precision, no_precision);
  add("logLoss", loss, no_loss);
}

// What is said of one row of which every label is known.
struct RowValues {
  double right = 0;
  double precision = 0;
  double coverage = 0;
  double loss = 0;
};

// Labels of one row by falling probability; of equals the worst rank counts.
RowValues RankRow(std::span<const float> score, std::span<const Truth> truth,
                  std::span<const std::uint8_t> decided, std::vector<std::uint32_t>& order) {
  const std::size_t labels = truth.size();
  order.resize(labels);
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return score[a] > score[b]; });
  const auto all = double(std::count(truth.begin(), truth.end(), Truth::kYes));
  RowValues values{1, 0, 0, 0};
  double seen = 0, above = 0, ratios = 0, wrong = 0;  // above: of the labels that the row has
  for (std::size_t begin = 0, end = 0; begin < labels; begin = end) {
    double has = 0;  // of those of one probability
    do {
      const bool is = truth[order[end]] == Truth::kYes;
      has += is ? 1 : 0;
      if (is != (decided[order[end]] != 0)) values.right = 0;
      ++end;
    } while (end < labels && score[order[end]] == score[order[begin]]);
    const auto equal = double(end - begin);
    seen += equal;
    wrong += (equal - has) * (all - above);
    above += has;
    ratios += has * above / seen;
    if (has > 0) values.coverage = seen;
  }
  const double others = double(labels) - all;
  values.precision = all == 0 || others == 0 ? 1 : ratios / all;
  values.loss = all == 0 || others == 0 ? 0 : wrong / (all * others);
  return values;
}

// The rows of which every label is known.
std::vector<std::uint32_t> WholeRows(const JudgedLabels& j) {
  std::vector<std::uint32_t> rows;
  for (std::size_t r = 0; r < j.rows(); ++r) {
    const auto own = j.truth.subspan(r * j.labels, j.labels);
    if (std::find(own.begin(), own.end(), Truth::kUnknown) == own.end()) {
      rows.push_back(std::uint32_t(r));
    }
  }
  return rows;
}

void AddRows(const JudgedLabels& j, Width width, Metrics& all) {
  const auto rows = WholeRows(j);
  const std::vector<float> none(rows.size(), 0);  // MeanOf counts its labels
  std::vector<double> weights;
  for (const std::uint32_t r : rows) {
    if (!j.weights.empty()) weights.push_back(j.weights[r]);
  }
  std::vector<RowValues> values;
  std::vector<std::uint32_t> order;
  for (const std::uint32_t r : rows) {
    const std::size_t begin = r * j.labels;
    values.push_back(RankRow(j.probability.subspan(begin, j.labels),
                             j.truth.subspan(begin, j.labels), j.decided.subspan(begin, j.labels),
                             order));
  }
  const bool weigh = weights.empty() ||
                     std::any_of(weights.begin(), weights.end(), [](double w) { return w > 0; });
  const auto add = [&](const char* name, double most, double RowValues::*of) {
    if (rows.empty() || !weigh) {
      all[name] = Undefined(0, "of no row every label is known");
      return;
    }
    Metric m =
        MeanOf({{}, none, {}, weights}, width, 0, [&](std::size_t i) { return values[i].*of; });
    if (m.interval) m.interval->high = std::min(m.interval->high, most);
    all[name] = m;
  };
  add("subsetAccuracy", 1, &RowValues::right);
  add("labelRankingAveragePrecision", 1, &RowValues::precision);
  add("coverageError", double(j.labels), &RowValues::coverage);
  add("rankingLoss", 1, &RowValues::loss);
}

// A share of what is known: rows with labels that are not count by those that are.
Metric HammingLoss(const JudgedLabels& j, std::int64_t cells) {
  double wrong = 0, known = 0;
  for (std::size_t i = 0; i < j.truth.size(); ++i) {
    if (j.truth[i] == Truth::kUnknown) continue;
    const double w = Weight(j, i / j.labels);
    known += w;
    if ((j.truth[i] == Truth::kYes) != (j.decided[i] != 0)) wrong += w;
  }
  return known > 0 ? Metric{wrong / known, std::nullopt, cells, ""}
                   : Undefined(cells, "no label of any row is known");
}

}  // namespace

Metrics MeasureLabels(const JudgedLabels& judged, double confidence) {
  const Width width = {confidence > 0 ? NormalQuantile((1 + confidence) / 2) : 0};
  const auto cells = std::int64_t(judged.truth.size()) -
                     std::count(judged.truth.begin(), judged.truth.end(), Truth::kUnknown);
  Metrics all;
  AddDecisions(judged, cells, all);
  AddMeans(judged, cells, all);
  AddRows(judged, width, all);
  all["hammingLoss"] = HammingLoss(judged, cells);
  return all;
}

}  // namespace penstock::sdk
