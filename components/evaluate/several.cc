#include "components/evaluate/several.h"

#include <algorithm>

#include "components/evaluate/judgement.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

constexpr std::size_t kLabelsOnPage = 25;

}  // namespace

void JoinedLabels::Add(const Scored& scored) {
  const std::size_t count = scored.labels.size();
  const std::size_t rows = count == 0 ? 0 : std::size_t(scored.RowOf(count - 1)) + 1;
  names_.push_back(scored.manifest.label);
  OfLabel& own = labels_.emplace_back();
  own.probability.assign(rows, 0);
  own.decided.assign(rows, 0);
  own.truth.assign(rows, sdk::Truth::kUnknown);
  if (!scored.weights.empty() && weights_.size() < rows) weights_.resize(rows, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const auto r = std::size_t(scored.RowOf(i));
    own.probability[r] = scored.raw[i];
    own.decided[r] = sdk::DecidedClass(scored.manifest, {&scored.raw[i], 1}) == 1 ? 1 : 0;
    own.truth[r] = scored.labels[i] > 0.5F ? sdk::Truth::kYes : sdk::Truth::kNo;
    if (!scored.weights.empty()) weights_[r] = scored.weights[i];
  }
  is_joined_ = false;
}

void JoinedLabels::Join() {
  joined_ = {};
  joined_weights_.clear();
  std::size_t rows = 0;
  for (const OfLabel& own : labels_) rows = std::max(rows, own.truth.size());
  const auto known = [](const OfLabel& own, std::size_t r) {
    return r < own.truth.size() && own.truth[r] != sdk::Truth::kUnknown;
  };
  for (std::size_t r = 0; r < rows; ++r) {
    const bool any = std::any_of(labels_.begin(), labels_.end(),
                                 [&](const OfLabel& own) { return known(own, r); });
    if (!any) continue;
    for (const OfLabel& own : labels_) {
      const bool is = known(own, r);
      joined_.probability.push_back(is ? own.probability[r] : 0);
      joined_.decided.push_back(is ? own.decided[r] : 0);
      joined_.truth.push_back(is ? own.truth[r] : sdk::Truth::kUnknown);
    }
    if (!weights_.empty()) joined_weights_.push_back(weights_[r]);
  }
  is_joined_ = true;
}

sdk::JudgedLabels JoinedLabels::View() {
  if (!is_joined_) Join();
  return {names_.size(), joined_.probability, joined_.decided,
          joined_.truth, joined_weights_,     names_};
}

std::size_t JoinedLabels::rows() { return View().rows(); }

Lines LinesOfLabels(const std::string& metric, const sdk::Metrics& metrics) {
  Lines lines;
  lines.metric = metric;
  const auto found = metrics.find(metric);
  if (metric != kLabelsMetric || found == metrics.end() || !found->second.defined()) return lines;
  lines.ceiling = 1;
  lines.dummy = 0.5;
  return lines;
}

Result<JudgedSeveral> JudgeSeveral(const std::string& model, const sdk::LabelsManifest& labels,
                                   const std::string& dataset, const Options& options,
                                   const std::string& scratch) {
  Options own = options;
  own.person.reset();
  own.required.reset();
  JoinedLabels joined;
  JudgedSeveral all{Json::object(),
                    {},
                    {},
                    {},
                    0,
                    0,
                    sdk::Page("Evaluation of " + (labels.name.empty() ? "a model" : labels.name))};
  for (const sdk::LabelModel& label : labels.labels) {
    auto judged =
        JudgeModel(model + "/" + label.folder, dataset, own, scratch, OnUnlabelled::kLeaveOut);
    if (!judged) return Wrap("label '" + label.label + "'", judged.error());
    joined.Add(judged->scored);
    all.refused = std::max(all.refused, judged->scored.refused.count);
    all.fairness.insert(all.fairness.end(), judged->fairness.begin(), judged->fairness.end());
    if (all.report["labels"].size() < kLabelsOnPage) {
      all.page.Heading("Label '" + label.label + "'");
      PENSTOCK_TRY(AddJudgement(dataset, *judged, &all.page));
    }
    all.report["labels"][label.label] = std::move(judged->report);
  }
  all.rows = joined.rows();
  all.metrics = sdk::MeasureLabels(joined.View(), options.measure.confidence);
  all.lines = LinesOfLabels(kLabelsMetric, all.metrics);
  all.lines.person = options.person;
  all.lines.required = options.required;
  all.report["rows"] = all.rows;
  all.report["confidence"] = options.measure.confidence;
  all.report["overall"] = ToJson(all.metrics);
  all.report["lines"] = ToJson(all.lines);
  if (labels.labels.size() > kLabelsOnPage) {
    all.page.Text("Of " + std::to_string(labels.labels.size()) + " labels the first " +
                  std::to_string(kLabelsOnPage) + " are shown; metrics has all.");
  }
  all.page.Heading("All labels together");
  AddAllLabels(all.report, &all.page);
  return all;
}

}  // namespace penstock::evaluate
