#include "components/evaluate/evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "components/evaluate/bootstrap.h"
#include "components/sdk/delong.h"
#include "components/sdk/estimate.h"

namespace penstock::evaluate {
namespace {

std::vector<std::vector<std::uint32_t>> RowsByValue(const sdk::SliceColumn& slice) {
  std::vector<std::vector<std::uint32_t>> rows(slice.values.size());
  for (std::size_t r = 0; r < slice.codes.size(); ++r) {
    rows[slice.codes[r]].push_back(std::uint32_t(r));
  }
  return rows;
}

void AddSlices(const Scored& scored, const sdk::SliceColumn& slice, std::size_t min_rows,
               const MeasureOptions& options, double budget, Json& report) {
  const auto rows = RowsByValue(slice);
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return rows[a].size() != rows[b].size() ? rows[a].size() > rows[b].size()
                                            : slice.values[a] < slice.values[b];
  });
  std::size_t small = 0;
  for (const std::size_t v : order) {
    if (rows[v].size() < min_rows) {
      ++small;
      continue;
    }
    report["slices"].push_back(
        {{"column", slice.columns.empty() ? Json(slice.name) : Json(slice.columns)},
         {"value", slice.values[v]},
         {"rows", rows[v].size()},
         {"metrics", ToJson(MeasureScored(scored, options, rows[v], budget))}});
  }
  report["smallSlices"][slice.name] = small;
}

// What the labels themselves would be as a model's answers.
std::vector<float> LabelsAsAnswers(const Scored& scored) {
  const std::size_t width = scored.manifest.RawWidth();
  if (width == 1) return scored.labels;
  std::vector<float> raw(scored.labels.size() * width, 0);
  for (std::size_t r = 0; r < scored.labels.size(); ++r) {
    raw[r * width + std::size_t(scored.labels[r])] = 1;
  }
  return raw;
}

bool IsOfDecisions(const std::string& metric) {
  static const std::set<std::string> kOfDecisions = {
      "accuracy", "balancedAccuracy", "precision", "recall", "f1", "mcc"};
  return kOfDecisions.contains(metric);
}

std::optional<double> ValueOf(const sdk::ModelManifest& manifest, const sdk::Judged& judged,
                              const std::string& metric) {
  const sdk::Metrics all = sdk::Measure(manifest, judged);
  const auto found = all.find(metric);
  if (found == all.end() || !found->second.defined()) return std::nullopt;
  return found->second.value;
}

// The share of rows whose error is within a bound of their own.
sdk::Metric ShareWithin(const Scored& scored, std::span<const std::uint32_t> rows,
                        double confidence, const std::function<double(double actual)>& bound) {
  const sdk::Width width = {confidence > 0 ? sdk::NormalQuantile((1 + confidence) / 2) : 0};
  sdk::Part within, all;
  const std::size_t count = rows.empty() ? scored.labels.size() : rows.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t r = rows.empty() ? i : rows[i];
    const double actual = scored.exact.empty() ? double(scored.labels[r]) : scored.exact[r];
    const double weight = scored.weights.empty() ? 1 : scored.weights[r];
    all.Add(weight);
    if (std::abs(double(scored.raw[r]) - actual) <= bound(actual)) within.Add(weight);
  }
  if (all.weight <= 0) return sdk::Undefined(all.rows, "all rows have the weight 0");
  return sdk::Share(within, all, width);
}

std::string Text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

std::vector<float> ConstantAnswers(const Scored& scored, const std::string& metric) {
  const std::size_t width = scored.manifest.RawWidth();
  const std::size_t rows = scored.labels.size();
  const auto weight = [&](std::size_t r) { return scored.weights.empty() ? 1 : scored.weights[r]; };
  std::vector<double> sums(width, 0);
  double all = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const float y = scored.labels[r];
    sums[width > 1 ? std::size_t(y) : 0] += weight(r) * (width > 1 ? 1 : double(y));
    all += weight(r);
  }
  std::vector<float> answer(width, 0);
  for (std::size_t c = 0; c < width; ++c) answer[c] = float(sums[c] / all);
  if (scored.manifest.IsBinary() && IsOfDecisions(metric)) {
    answer[0] = sums[0] * 2 > all ? 1.0F : 0.0F;
  }
  std::vector<float> raw;
  raw.reserve(rows * width);
  for (std::size_t r = 0; r < rows; ++r) raw.insert(raw.end(), answer.begin(), answer.end());
  return raw;
}

Lines LinesOf(const Scored& scored, const std::string& metric) {
  Lines lines;
  lines.metric = metric;
  // Of a regression: what float32 leaves of the labels.
  const std::vector<float> labels = LabelsAsAnswers(scored);
  lines.ceiling =
      ValueOf(scored.manifest, {labels, scored.labels, scored.exact, scored.weights}, metric);
  sdk::ModelManifest plain = scored.manifest;
  plain.threshold = 0.5;
  const std::vector<float> constant = ConstantAnswers(scored, metric);
  lines.dummy = ValueOf(plain, {constant, scored.labels, scored.exact, scored.weights}, metric);
  return lines;
}

Json ToJson(const Lines& lines) {
  Json j = {{"metric", lines.metric}};
  if (lines.ceiling) j["ceiling"] = *lines.ceiling;
  if (lines.dummy) j["dummy"] = *lines.dummy;
  if (lines.person) j["person"] = *lines.person;
  if (lines.required) j["required"] = *lines.required;
  return j;
}

std::string Describe(const Lines& lines, const sdk::Metric& model) {
  std::string text = lines.metric + ":";
  const auto add = [&](const char* what, const std::optional<double>& value) {
    if (value) text += (text.back() == ':' ? " " : ", ") + std::string(what) + " " + Text(*value);
  };
  add("ceiling", lines.ceiling);
  add("required", lines.required);
  add("a person", lines.person);
  if (model.defined()) {
    add("this model", model.value);
  } else {
    text += (text.back() == ':' ? " " : ", ") + ("not defined for this model, as " + model.why);
  }
  add("a constant answer", lines.dummy);
  return text;
}

sdk::Metrics MeasureScored(const Scored& scored, const MeasureOptions& options,
                           std::span<const std::uint32_t> rows, double budget) {
  sdk::Metrics all = sdk::Measure(scored.manifest, scored.View(), rows, options.confidence);
  AddBootstrapIntervals(scored, rows, options.confidence, budget, &all);
  if (options.within) {
    const double bound = *options.within;
    all["within"] =
        ShareWithin(scored, rows, options.confidence, [bound](double) { return bound; });
  }
  if (options.within_percent) {
    const double share = *options.within_percent / 100;
    all["withinPercent"] = ShareWithin(scored, rows, options.confidence,
                                       [share](double actual) { return share * std::abs(actual); });
  }
  return all;
}

Json Report(const Scored& scored, const std::vector<sdk::SliceColumn>& slices, std::size_t min_rows,
            const Lines& lines, const MeasureOptions& options, const sdk::Metrics& overall) {
  Json report = {{"rows", scored.labels.size()}, {"confidence", options.confidence},
                 {"overall", ToJson(overall)},   {"lines", ToJson(lines)},
                 {"slices", Json::array()},      {"smallSlices", Json::object()}};
  if (scored.manifest.task == sdk::ModelTask::kClassification) {
    if (scored.manifest.classes.size() <= kMostConfused) {
      report["confusion"] = ConfusionReport(scored.manifest, scored.raw, scored.labels);
    }
    if (scored.manifest.IsBinary()) report["threshold"] = scored.manifest.threshold;
  }
  double count = 1;  // of slices that share the resamples
  for (const auto& slice : slices) count += double(slice.values.size());
  for (const auto& slice : slices) {
    AddSlices(scored, slice, min_rows, options, kResamples / count, report);
  }
  return report;
}

Json Report(const Scored& scored, const std::vector<sdk::SliceColumn>& slices, std::size_t min_rows,
            const Lines& lines, double confidence) {
  const MeasureOptions options{confidence, {}, {}};
  return Report(scored, slices, min_rows, lines, options, MeasureScored(scored, options));
}

std::string MainMetric(const sdk::ModelManifest& manifest) {
  if (manifest.task == sdk::ModelTask::kRegression) return "rmse";
  return manifest.IsBinary() ? "auc" : "accuracy";
}

}  // namespace penstock::evaluate
