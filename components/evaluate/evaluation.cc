#include "components/evaluate/evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>
#include <set>

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
               double confidence, Json& report) {
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
        {{"column", slice.name},
         {"value", slice.values[v]},
         {"rows", rows[v].size()},
         {"metrics",
          ToJson(sdk::Measure(scored.manifest, scored.raw, scored.labels, rows[v], confidence))}});
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
  static const std::set<std::string> kOfDecisions = {"accuracy", "precision", "recall", "f1"};
  return kOfDecisions.contains(metric);
}

std::optional<double> ValueOf(const sdk::ModelManifest& manifest, const std::vector<float>& raw,
                              const std::vector<float>& labels, const std::string& metric) {
  const sdk::Metrics all = sdk::Measure(manifest, raw, labels);
  const auto found = all.find(metric);
  if (found == all.end() || !found->second.defined()) return std::nullopt;
  return found->second.value;
}

// What float32 leaves of the labels of a regression.
std::optional<double> CeilingOf(const Scored& scored, const std::string& metric) {
  const sdk::RegressionMetrics m = sdk::Regression(scored.labels, scored.exact);
  const std::map<std::string, double> values = {
      {"rmse", m.rmse}, {"mae", m.mae}, {"r2", m.r2}, {"bias", m.bias}};
  const auto found = values.find(metric);
  if (found == values.end() || std::isnan(found->second)) return std::nullopt;
  return found->second;
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
  std::vector<float> answer(width, 0);
  if (width > 1) {
    for (const float y : scored.labels) answer[std::size_t(y)] += 1.0F / float(rows);
  } else {
    double sum = 0;
    for (const float y : scored.labels) sum += y;
    answer[0] = float(sum / double(rows));
    if (scored.manifest.IsBinary() && IsOfDecisions(metric)) {
      answer[0] = sum * 2 > double(rows) ? 1.0F : 0.0F;
    }
  }
  std::vector<float> raw;
  raw.reserve(rows * width);
  for (std::size_t r = 0; r < rows; ++r) raw.insert(raw.end(), answer.begin(), answer.end());
  return raw;
}

Lines LinesOf(const Scored& scored, const std::string& metric) {
  Lines lines;
  lines.metric = metric;
  if (scored.exact.empty()) {
    lines.ceiling = ValueOf(scored.manifest, LabelsAsAnswers(scored), scored.labels, metric);
  } else {
    lines.ceiling = CeilingOf(scored, metric);
  }
  sdk::ModelManifest plain = scored.manifest;
  plain.threshold = 0.5;
  lines.dummy = ValueOf(plain, ConstantAnswers(scored, metric), scored.labels, metric);
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

Json Report(const Scored& scored, const std::vector<sdk::SliceColumn>& slices, std::size_t min_rows,
            const Lines& lines, double confidence) {
  Json report = {
      {"rows", scored.labels.size()},
      {"confidence", confidence},
      {"overall", ToJson(sdk::Measure(scored.manifest, scored.raw, scored.labels, {}, confidence))},
      {"lines", ToJson(lines)},
      {"slices", Json::array()},
      {"smallSlices", Json::object()}};
  if (scored.manifest.task == sdk::ModelTask::kClassification) {
    report["confusion"] = ConfusionReport(scored.manifest, scored.raw, scored.labels);
    if (scored.manifest.IsBinary()) report["threshold"] = scored.manifest.threshold;
  }
  for (const auto& slice : slices) AddSlices(scored, slice, min_rows, confidence, report);
  return report;
}

std::string MainMetric(const sdk::ModelManifest& manifest) {
  if (manifest.task == sdk::ModelTask::kRegression) return "rmse";
  return manifest.IsBinary() ? "auc" : "accuracy";
}

}  // namespace penstock::evaluate
