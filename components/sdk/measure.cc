// Measure: every metric of a task, with its interval and its rows.
#include <algorithm>
#include <cmath>
#include <functional>

#include "components/sdk/cells.h"
#include "components/sdk/delong.h"
#include "components/sdk/estimate.h"

namespace penstock::sdk {
namespace {

// Where rows went, by class.
struct Decided {
  std::vector<std::uint32_t> of_row;
  std::vector<Part> actual, decided, both;
  Part hits, all;
};

Decided Decide(const ModelManifest& m, const Judged& judged) {
  const std::size_t k = m.classes.size();
  Decided d = {Decisions(m, judged.raw),
               std::vector<Part>(k),
               std::vector<Part>(k),
               std::vector<Part>(k),
               {},
               {}};
  for (std::size_t r = 0; r < judged.labels.size(); ++r) {
    const auto actual = std::size_t(judged.labels[r]);
    const double w = WeightOf(judged, r);
    d.all.Add(w);
    d.actual[actual].Add(w);
    d.decided[d.of_row[r]].Add(w);
    if (d.of_row[r] != actual) continue;
    d.both[actual].Add(w);
    d.hits.Add(w);
  }
  return d;
}

// The class that all rows are of; nothing where there are two or more.
std::optional<std::size_t> OnlyClass(const std::vector<Part>& parts) {
  std::optional<std::size_t> only;
  for (std::size_t c = 0; c < parts.size(); ++c) {
    if (parts[c].weight <= 0) continue;
    if (only) return std::nullopt;
    only = c;
  }
  return only;
}

std::string AllOfClass(const ModelManifest& m, const Decided& d, std::size_t only) {
  return "all " + std::to_string(d.all.rows) + " rows are of class " + ShownClass(m.classes[only]);
}

// The multi-class correlation coefficient (Gorodkin, Comput. Biol. Chem. 28, 2004).
Metric Mcc(const ModelManifest& m, const Decided& d) {
  if (const auto only = OnlyClass(d.actual)) {
    return Undefined(d.all.rows, AllOfClass(m, d, *only));
  }
  if (const auto only = OnlyClass(d.decided)) {
    return Undefined(d.all.rows, "all rows are decided " + ShownClass(m.classes[*only]));
  }
  double both = 0, actual = 0, decided = 0;
  for (std::size_t c = 0; c < d.actual.size(); ++c) {
    both += d.actual[c].weight * d.decided[c].weight;
    actual += d.actual[c].weight * d.actual[c].weight;
    decided += d.decided[c].weight * d.decided[c].weight;
  }
  const double n = d.all.weight;
  const double bottom = std::sqrt((n * n - actual) * (n * n - decided));
  return {(d.hits.weight * n - both) / bottom, std::nullopt, d.all.rows, ""};
}

// The mean over classes of (a row's top)/(a row's bottom), both summed over the rows by actual and
// decided class: over the classes that occur or are decided, or (`actual_only`) that occur. A class
// whose bottom is 0 counts as 0, as scikit-learn's does.
Metric MacroMean(const Judged& judged, const Decided& d, Width width, bool actual_only,
                 const std::function<double(bool actual, bool decided)>& top,
                 const std::function<double(bool actual, bool decided)>& bottom) {
  const std::size_t k = d.actual.size();
  std::vector<double> ratio(k, 0), below(k, 0);
  std::vector<bool> counts(k, false);
  double present = 0, sum = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const double actual = d.actual[i].weight, decided = d.decided[i].weight;
    counts[i] = actual_only ? actual > 0 : d.actual[i].rows + d.decided[i].rows > 0;
    if (!counts[i]) continue;
    const double both = d.both[i].weight;
    below[i] = both * bottom(true, true) + (actual - both) * bottom(true, false) +
               (decided - both) * bottom(false, true);
    ratio[i] = below[i] > 0 ? both * top(true, true) / below[i] : 0;
    present += 1;
    sum += ratio[i];
  }
  Metric m{sum / present, std::nullopt, d.all.rows, ""};
  if (width.z == 0) return m;
  // What one row adds to the sum of the ratios, to first order.
  const auto adds = [&](std::size_t i, bool a, bool decided) {
    if (!counts[i] || below[i] <= 0) return 0.0;
    return ((a && decided ? top(a, decided) : 0) - ratio[i] * bottom(a, decided)) / below[i];
  };
  double variance = 0;
  for (std::size_t r = 0; r < judged.labels.size(); ++r) {
    const auto a = std::size_t(judged.labels[r]);
    const std::size_t c = d.of_row[r];
    const double add = WeightOf(judged, r) *
                       (a == c ? adds(a, true, true) : adds(a, true, false) + adds(c, false, true));
    variance += add * add;
  }
  m.interval = Around(m.value, std::sqrt(variance) / present, width, 0, 1);
  return m;
}

Metric BalancedAccuracy(const ModelManifest& m, const Judged& judged, const Decided& d,
                        Width width) {
  if (const auto only = OnlyClass(d.actual)) {
    return Undefined(d.all.rows, AllOfClass(m, d, *only));
  }
  return MacroMean(
      judged, d, width, true, [](bool, bool) { return 1.0; },
      [](bool actual, bool) { return actual ? 1.0 : 0.0; });
}

std::vector<std::uint8_t> RowsOf(const Judged& judged, std::size_t of_class) {
  std::vector<std::uint8_t> is(judged.labels.size());
  for (std::size_t r = 0; r < is.size(); ++r) is[r] = std::size_t(judged.labels[r]) == of_class;
  return is;
}

void AddRanking(const ModelManifest& m, const Judged& judged, const Decided& d, Width width,
                Metrics& all) {
  const auto positive = RowsOf(judged, 1);
  const auto ranked = Ranked(judged.raw, positive, judged.weights);
  Metric auc{Auc(ranked), std::nullopt, d.all.rows, ""};
  if (const auto only = OnlyClass(d.actual)) {
    auc = Undefined(d.all.rows, AllOfClass(m, d, *only));
  } else if (width.z > 0 && judged.weights.empty() && d.actual[0].rows > 1 &&
             d.actual[1].rows > 1) {
    // Where all rows are in order, or in reverse, the error is 0, and says nothing.
    const double error = AucStandardError(judged.raw, positive);
    if (error > 0) auc.interval = Around(auc.value, error, width, 0, 1);
  }
  all["auc"] = auc;
  const double precision = AveragePrecision(ranked);
  all["averagePrecision"] =
      std::isnan(precision)
          ? Undefined(d.all.rows, "no row is of class " + ShownClass(m.classes[1]))
          : Metric{precision, std::nullopt, d.all.rows, ""};
}

Metrics BinaryMetrics(const ModelManifest& m, const Judged& judged, Width width) {
  const Decided d = Decide(m, judged);
  const Part hits = d.both[1];
  const std::string yes = ShownClass(m.classes[1]);
  Metrics all;
  AddRanking(m, judged, d, width, all);
  all["accuracy"] = Share(d.hits, d.all, width);
  all["balancedAccuracy"] = BalancedAccuracy(m, judged, d, width);
  all["mcc"] = Mcc(m, d);
  all["precision"] = d.decided[1].weight > 0 ? Share(hits, d.decided[1], width)
                                             : Undefined(0, "no row is decided " + yes);
  all["recall"] = d.actual[1].weight > 0 ? Share(hits, d.actual[1], width)
                                         : Undefined(0, "no row is of class " + yes);
  Part either;  // of the class, or decided so
  for (std::size_t r = 0; r < judged.labels.size(); ++r) {
    if (judged.labels[r] > 0.5F || d.of_row[r] == 1) either.Add(WeightOf(judged, r));
  }
  if (either.weight > 0) {
    Metric f1 = Share(hits, either, width);
    const auto of = [](double j) { return 2 * j / (1 + j); };
    f1.value = of(f1.value);
    if (f1.interval) f1.interval = Interval{of(f1.interval->low), of(f1.interval->high)};
    all["f1"] = f1;
  } else {
    all["f1"] = Undefined(0, "no row is of class " + yes + " and none is decided so");
  }
  all["logLoss"] = MeanOf(judged, width, 0, [&](std::size_t r) {
    return RowLogLoss(judged.raw.subspan(r, 1), judged.labels[r]);
  });
  all["brier"] = MeanOf(judged, width, 0, [&](std::size_t r) {
    const double off = double(judged.raw[r]) - double(judged.labels[r]);
    return off * off;
  });
  all["positiveRate"] = Share(d.actual[1], d.all, width);
  return all;
}

// One class against the rest, their mean.
Metric MacroAuc(const ModelManifest& m, const Judged& judged, const Decided& d) {
  constexpr double kMost = 2e8;  // scores to sort: some 20 s
  const std::size_t k = m.classes.size();
  if (const auto only = OnlyClass(d.actual)) {
    return Undefined(d.all.rows, AllOfClass(m, d, *only));
  }
  for (std::size_t c = 0; c < k; ++c) {
    if (d.actual[c].weight > 0) continue;
    return Undefined(d.all.rows, "no row is of class " + ShownClass(m.classes[c]));
  }
  if (double(k) * double(d.all.rows) > kMost) {
    return Undefined(d.all.rows, "it is not computed for " + std::to_string(k) + " classes of " +
                                     std::to_string(d.all.rows) + " rows");
  }
  double sum = 0;
  std::vector<float> scores(judged.labels.size());
  for (std::size_t c = 0; c < k; ++c) {
    for (std::size_t r = 0; r < scores.size(); ++r) scores[r] = judged.raw[r * k + c];
    sum += Auc(Ranked(scores, RowsOf(judged, c), judged.weights));
  }
  return {sum / double(k), std::nullopt, d.all.rows, ""};
}

// Is the true class among the `most` likeliest? Of equals the later class stands first.
Metric TopAccuracy(const Judged& judged, std::size_t k, std::size_t most, Width width) {
  Part hits, all;
  for (std::size_t r = 0; r < judged.labels.size(); ++r) {
    const auto row = judged.raw.subspan(r * k, k);
    const auto truth = std::size_t(judged.labels[r]);
    std::size_t before = 0;
    for (std::size_t c = 0; c < k; ++c) {
      before += row[c] > row[truth] || (row[c] == row[truth] && c > truth) ? 1 : 0;
    }
    const double w = WeightOf(judged, r);
    all.Add(w);
    if (before < most) hits.Add(w);
  }
  return Share(hits, all, width);
}

Metrics MultiClassMetrics(const ModelManifest& m, const Judged& judged, Width width) {
  const std::size_t k = m.classes.size();
  const Decided d = Decide(m, judged);
  const auto one = [](bool, bool) { return 1.0; };
  Metrics all;
  all["accuracy"] = Share(d.hits, d.all, width);
  all["balancedAccuracy"] = BalancedAccuracy(m, judged, d, width);
  all["mcc"] = Mcc(m, d);
  all["macroAuc"] = MacroAuc(m, judged, d);
  all["macroPrecision"] = MacroMean(judged, d, width, false, one,
                                    [](bool, bool decided) { return decided ? 1.0 : 0.0; });
  all["macroRecall"] =
      MacroMean(judged, d, width, false, one, [](bool actual, bool) { return actual ? 1.0 : 0.0; });
  all["macroF1"] = MacroMean(
      judged, d, width, false, [](bool, bool) { return 2.0; },
      [](bool actual, bool decided) { return double(actual) + double(decided); });
  if (k > 3) all["top3Accuracy"] = TopAccuracy(judged, k, 3, width);
  if (k > 5) all["top5Accuracy"] = TopAccuracy(judged, k, 5, width);
  all["logLoss"] = MeanOf(judged, width, 0, [&](std::size_t r) {
    return RowLogLoss(judged.raw.subspan(r * k, k), judged.labels[r]);
  });
  all["brier"] = MeanOf(judged, width, 0, [&](std::size_t r) {
    double sum = 0;
    for (std::size_t c = 0; c < k; ++c) {
      const double off =
          double(judged.raw[r * k + c]) - (c == std::size_t(judged.labels[r]) ? 1 : 0);
      sum += off * off;
    }
    return sum;
  });
  return all;
}

// The rows chosen, copied together.
struct Selection {
  std::vector<float> raw;
  std::vector<float> labels;
  std::vector<double> exact;
  std::vector<double> weights;

  [[nodiscard]] Judged View() const { return {raw, labels, exact, weights}; }
};

Selection Select(const Judged& from, std::size_t width, std::span<const std::uint32_t> rows) {
  Selection s;
  for (const std::uint32_t r : rows) {
    const auto row = from.raw.subspan(r * width, width);
    s.raw.insert(s.raw.end(), row.begin(), row.end());
    s.labels.push_back(from.labels[r]);
    if (!from.exact.empty()) s.exact.push_back(from.exact[r]);
    if (!from.weights.empty()) s.weights.push_back(from.weights[r]);
  }
  return s;
}

// Nothing can be said of rows that all weigh nothing.
bool WeighNothing(const Judged& judged) {
  return !judged.weights.empty() &&
         std::all_of(judged.weights.begin(), judged.weights.end(), [](double w) { return w == 0; });
}

Metrics MeasureAll(const ModelManifest& manifest, const Judged& judged, Width width) {
  if (manifest.task == ModelTask::kRegression) return RegressionMetrics(judged, width);
  return manifest.IsBinary() ? BinaryMetrics(manifest, judged, width)
                             : MultiClassMetrics(manifest, judged, width);
}

}  // namespace

std::vector<std::uint32_t> Decisions(const ModelManifest& m, std::span<const float> raw) {
  const std::size_t width = m.RawWidth();
  std::vector<std::uint32_t> decided(raw.size() / width);
  for (std::size_t r = 0; r < decided.size(); ++r) {
    decided[r] = std::uint32_t(DecidedClass(m, raw.subspan(r * width, width)));
  }
  return decided;
}

Metrics Measure(const ModelManifest& manifest, const Judged& judged,
                std::span<const std::uint32_t> rows, double confidence) {
  if (!rows.empty()) {
    const Selection chosen = Select(judged, manifest.RawWidth(), rows);
    return Measure(manifest, chosen.View(), {}, confidence);
  }
  const Width width = {confidence > 0 ? NormalQuantile((1 + confidence) / 2) : 0};
  if (!WeighNothing(judged)) {
    Metrics all = MeasureAll(manifest, judged, width);
    for (auto& [name, metric] : all) {
      if (!metric.defined()) continue;
      if (!std::isfinite(metric.value)) {
        metric = Undefined(metric.rows, "its value is beyond what float64 holds");
      } else if (metric.interval &&
                 !(std::isfinite(metric.interval->low) && std::isfinite(metric.interval->high))) {
        metric.interval.reset();
      }
    }
    return all;
  }
  Metrics all = MeasureAll(manifest, {judged.raw, judged.labels, judged.exact, {}}, width);
  for (auto& [name, metric] : all) {
    metric = Undefined(metric.rows, "all rows have the weight 0");
  }
  return all;
}

Metrics Measure(const ModelManifest& manifest, std::span<const float> raw,
                std::span<const float> labels, std::span<const std::uint32_t> rows,
                double confidence) {
  return Measure(manifest, Judged{raw, labels, {}, {}}, rows, confidence);
}

Json ToJson(const Metrics& metrics) {
  Json all = Json::object();
  for (const auto& [name, metric] : metrics) {
    Json j = {{"value", metric.defined() ? Json(metric.value) : Json()},
              {"defined", metric.defined()},
              {"rows", metric.rows}};
    if (!metric.defined()) j["why"] = metric.why;
    if (metric.interval) {
      j["low"] = metric.interval->low;
      j["high"] = metric.interval->high;
    }
    all[name] = std::move(j);
  }
  return all;
}

Json ValuesOf(const Metrics& metrics) {
  Json all = Json::object();
  for (const auto& [name, metric] : metrics) {
    if (metric.defined()) all[name] = metric.value;
  }
  return all;
}

Json ComputeMetrics(const ModelManifest& manifest, std::span<const float> raw,
                    std::span<const float> labels, std::span<const std::uint32_t> rows) {
  Json all = Json::object();
  for (const auto& [name, metric] : Measure(manifest, raw, labels, rows)) {
    all[name] = metric.defined() ? Json(metric.value) : Json();
  }
  all["rows"] = rows.empty() ? labels.size() : rows.size();
  return all;
}

Json ConfusionReport(const ModelManifest& manifest, std::span<const float> raw,
                     std::span<const float> labels) {
  return {{"classes", manifest.classes},
          {"counts", ConfusionMatrix(Decisions(manifest, raw), labels, manifest.classes.size())},
          {"meaning", "counts[actual][predicted]"}};
}

}  // namespace penstock::sdk
