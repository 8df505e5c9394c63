// Measure: every metric of a task, with its interval and its rows.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "components/sdk/cells.h"
#include "components/sdk/delong.h"
#include "components/sdk/exact_sum.h"
#include "components/sdk/metrics.h"

namespace penstock::sdk {
namespace {

using Counts = std::vector<std::vector<std::int64_t>>;

// Two-sided, in standard errors; 0: no intervals.
struct Width {
  double z = 0;
};

std::optional<Interval> Around(double value, double error, Width width, double least, double most) {
  if (width.z == 0 || !std::isfinite(error)) return std::nullopt;
  return Interval{std::max(least, value - width.z * error),
                  std::min(most, value + width.z * error)};
}

Metric Undefined(std::int64_t rows, std::string why) {
  Metric m;
  m.rows = rows;
  m.why = std::move(why);
  return m;
}

// k of n, n above 0.
Metric Share(std::int64_t k, std::int64_t n, Width width) {
  const double share = double(k) / double(n);
  Metric m{share, std::nullopt, n, ""};
  if (width.z == 0) return m;
  const double zz = width.z * width.z / double(n);
  const double middle = (share + zz / 2) / (1 + zz);
  const double half =
      width.z / (1 + zz) * std::sqrt(share * (1 - share) / double(n) + zz / double(4 * n));
  m.interval = Interval{std::max(0.0, middle - half), std::min(1.0, middle + half)};
  return m;
}

// The mean of what `of` gives of a row.
Metric MeanOf(std::size_t n, Width width, double least,
              const std::function<double(std::size_t)>& of) {
  double sum = 0;
  for (std::size_t r = 0; r < n; ++r) sum += of(r);
  const double mean = sum / double(n);
  Metric m{mean, std::nullopt, std::int64_t(n), ""};
  if (width.z == 0 || n < 2) return m;
  double squares = 0;
  for (std::size_t r = 0; r < n; ++r) squares += (of(r) - mean) * (of(r) - mean);
  m.interval = Around(mean, std::sqrt(squares / double(n - 1) / double(n)), width, least,
                      std::numeric_limits<double>::max());
  return m;
}

std::vector<std::uint32_t> Decisions(const ModelManifest& m, std::span<const float> raw) {
  const std::size_t width = m.RawWidth();
  std::vector<std::uint32_t> decided(raw.size() / width);
  for (std::size_t r = 0; r < decided.size(); ++r) {
    decided[r] = std::uint32_t(DecidedClass(m, raw.subspan(r * width, width)));
  }
  return decided;
}

Metric AucMetric(const ModelManifest& m, std::span<const float> raw,
                 const std::vector<std::uint8_t>& positive, Width width) {
  const auto n = std::int64_t(positive.size());
  const auto positives = std::count(positive.begin(), positive.end(), 1);
  if (positives == 0 || positives == n) {
    return Undefined(n, "all " + std::to_string(n) + " rows are of class " +
                            ShownClass(m.classes[positives == 0 ? 0 : 1]));
  }
  Metric auc{Auc(raw, positive), std::nullopt, n, ""};
  if (width.z > 0 && positives > 1 && n - positives > 1) {
    // Where all rows are in order, or in reverse, the error is 0, and says nothing.
    const double error = AucStandardError(raw, positive);
    if (error > 0) auc.interval = Around(auc.value, error, width, 0, 1);
  }
  return auc;
}

Metrics BinaryMetrics(const ModelManifest& m, std::span<const float> raw,
                      std::span<const float> labels, Width width) {
  std::vector<std::uint8_t> positive(labels.size());
  for (std::size_t r = 0; r < labels.size(); ++r) positive[r] = labels[r] > 0.5F ? 1 : 0;
  const Counts c = ConfusionMatrix(Decisions(m, raw), labels, 2);
  const auto n = std::int64_t(labels.size());
  const std::int64_t hits = c[1][1], missed = c[1][0], alarms = c[0][1];
  const std::string yes = ShownClass(m.classes[1]);
  Metrics all;
  all["auc"] = AucMetric(m, raw, positive, width);
  all["accuracy"] = Share(c[0][0] + hits, n, width);
  all["precision"] = hits + alarms > 0 ? Share(hits, hits + alarms, width)
                                       : Undefined(0, "no row is decided " + yes);
  all["recall"] = hits + missed > 0 ? Share(hits, hits + missed, width)
                                    : Undefined(0, "no row is of class " + yes);
  if (const std::int64_t any = hits + missed + alarms; any > 0) {
    Metric f1 = Share(hits, any, width);
    const auto of = [](double j) { return 2 * j / (1 + j); };
    f1.value = of(f1.value);
    if (f1.interval) f1.interval = Interval{of(f1.interval->low), of(f1.interval->high)};
    all["f1"] = f1;
  } else {
    all["f1"] = Undefined(0, "no row is of class " + yes + " and none is decided so");
  }
  all["logLoss"] = MeanOf(labels.size(), width, 0,
                          [&](std::size_t r) { return RowLogLoss(raw.subspan(r, 1), labels[r]); });
  all["brier"] = MeanOf(labels.size(), width, 0, [&](std::size_t r) {
    return (double(raw[r]) - positive[r]) * (double(raw[r]) - positive[r]);
  });
  all["positiveRate"] = Share(hits + missed, n, width);
  return all;
}

// The mean over the classes that occur of (a row's top)/(a row's bottom), both summed over the rows
// by actual and decided class. A class whose bottom is 0 counts as 0, as scikit-learn's does.
Metric MacroMean(const Counts& c, std::int64_t rows, Width width,
                 const std::function<double(bool actual, bool decided)>& top,
                 const std::function<double(bool actual, bool decided)>& bottom) {
  const std::size_t k = c.size();
  std::vector<double> actual(k, 0), decided(k, 0), ratio(k, 0), below(k, 0);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      actual[i] += double(c[i][j]);
      decided[j] += double(c[i][j]);
    }
  }
  double present = 0, sum = 0;
  for (std::size_t i = 0; i < k; ++i) {
    if (actual[i] + decided[i] == 0) continue;
    const auto both = double(c[i][i]);
    below[i] = both * bottom(true, true) + (actual[i] - both) * bottom(true, false) +
               (decided[i] - both) * bottom(false, true);
    ratio[i] = below[i] > 0 ? both * top(true, true) / below[i] : 0;
    present += 1;
    sum += ratio[i];
  }
  Metric m{sum / present, std::nullopt, rows, ""};
  if (width.z == 0) return m;
  // What one row adds to the sum of the ratios, to first order.
  const auto adds = [&](std::size_t i, bool a, bool d) {
    return below[i] > 0 ? ((a && d ? top(a, d) : 0) - ratio[i] * bottom(a, d)) / below[i] : 0;
  };
  double variance = 0;
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      if (c[i][j] == 0) continue;
      const double add = i == j ? adds(i, true, true) : adds(i, true, false) + adds(j, false, true);
      variance += double(c[i][j]) * add * add;
    }
  }
  m.interval = Around(m.value, std::sqrt(variance) / present, width, 0, 1);
  return m;
}

Metrics MultiClassMetrics(const ModelManifest& m, std::span<const float> raw,
                          std::span<const float> labels, Width width) {
  const std::size_t k = m.classes.size();
  const Counts c = ConfusionMatrix(Decisions(m, raw), labels, k);
  const auto n = std::int64_t(labels.size());
  std::int64_t hits = 0;
  for (std::size_t i = 0; i < k; ++i) hits += c[i][i];
  const auto one = [](bool, bool) { return 1.0; };
  Metrics all;
  all["accuracy"] = Share(hits, n, width);
  all["macroPrecision"] =
      MacroMean(c, n, width, one, [](bool, bool decided) { return decided ? 1.0 : 0.0; });
  all["macroRecall"] =
      MacroMean(c, n, width, one, [](bool actual, bool) { return actual ? 1.0 : 0.0; });
  all["macroF1"] = MacroMean(
      c, n, width, [](bool, bool) { return 2.0; },
      [](bool actual, bool decided) { return double(actual) + double(decided); });
  all["logLoss"] = MeanOf(labels.size(), width, 0, [&](std::size_t r) {
    return RowLogLoss(raw.subspan(r * k, k), labels[r]);
  });
  return all;
}

Metric R2(std::span<const float> predicted, std::span<const float> actual, double r2, Width width) {
  const auto n = std::int64_t(actual.size());
  if (std::isnan(r2)) {
    return Undefined(n, n < 2 ? "there is one row" : "all labels are equal, so none is to explain");
  }
  Metric m{r2, std::nullopt, n, ""};
  if (width.z == 0) return m;
  const Moments moments = MomentsOf(std::vector<double>(actual.begin(), actual.end()));
  const double spread = moments.std * moments.std;
  double variance = 0;
  for (std::size_t r = 0; r < actual.size(); ++r) {
    const double error = double(predicted[r]) - double(actual[r]);
    const double off = double(actual[r]) - moments.mean;
    const double add = (error * error - (1 - r2) * off * off) / spread;
    variance += add * add;
  }
  m.interval =
      Around(r2, std::sqrt(variance) / double(n), width, -std::numeric_limits<double>::max(), 1);
  return m;
}

Metrics RegressionReport(std::span<const float> predicted, std::span<const float> actual,
                         Width width) {
  const RegressionMetrics point = Regression(predicted, actual);
  const auto error = [&](std::size_t r) { return double(predicted[r]) - double(actual[r]); };
  const std::size_t n = actual.size();
  Metrics all;
  all["rmse"] = MeanOf(n, width, 0, [&](std::size_t r) { return error(r) * error(r); });
  all["rmse"].value = point.rmse;
  if (auto& i = all["rmse"].interval) i = Interval{std::sqrt(i->low), std::sqrt(i->high)};
  all["mae"] = MeanOf(n, width, 0, [&](std::size_t r) { return std::abs(error(r)); });
  all["bias"] = MeanOf(n, width, -std::numeric_limits<double>::max(), error);
  all["r2"] = R2(predicted, actual, point.r2, width);
  return all;
}

// The rows chosen, copied together.
struct Selection {
  std::vector<float> raw;
  std::vector<float> labels;
};

Selection Select(std::span<const float> raw, std::size_t width, std::span<const float> labels,
                 std::span<const std::uint32_t> rows) {
  Selection s;
  for (const std::uint32_t r : rows) {
    s.raw.insert(s.raw.end(), raw.begin() + long(r * width), raw.begin() + long((r + 1) * width));
    s.labels.push_back(labels[r]);
  }
  return s;
}

}  // namespace

Metrics Measure(const ModelManifest& manifest, std::span<const float> raw,
                std::span<const float> labels, std::span<const std::uint32_t> rows,
                double confidence) {
  if (!rows.empty()) {
    const Selection chosen = Select(raw, manifest.RawWidth(), labels, rows);
    return Measure(manifest, chosen.raw, chosen.labels, {}, confidence);
  }
  const Width width = {confidence > 0 ? NormalQuantile((1 + confidence) / 2) : 0};
  if (manifest.task == ModelTask::kRegression) return RegressionReport(raw, labels, width);
  return manifest.IsBinary() ? BinaryMetrics(manifest, raw, labels, width)
                             : MultiClassMetrics(manifest, raw, labels, width);
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
