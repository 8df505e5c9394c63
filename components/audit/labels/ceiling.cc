#include "components/audit/labels/ceiling.h"

#include <cmath>
#include <optional>

#include "components/sdk/metrics.h"

namespace penstock::audit {
namespace {

struct Answers {
  sdk::ModelManifest manifest;
  std::vector<float> raw;
  std::vector<float> labels;
  std::vector<double> exact;
};

Answers AnswersOf(const Target& target) {
  Answers answers;
  answers.manifest.task =
      target.classification ? sdk::ModelTask::kClassification : sdk::ModelTask::kRegression;
  for (const auto& name : target.classes) answers.manifest.classes.emplace_back(name);
  for (const double y : target.values) {
    if (y != y) continue;
    answers.labels.push_back(float(y));
    if (!target.classification) answers.exact.push_back(y);
    if (target.width() <= 2) {
      answers.raw.push_back(float(y));
      continue;
    }
    for (std::size_t k = 0; k < target.width(); ++k) {
      answers.raw.push_back(double(k) == y ? 1.0F : 0.0F);
    }
  }
  return answers;
}

// The value of a perfect model; nothing for what says nothing of it (positiveRate).
std::optional<double> BestOf(const std::string& metric) {
  switch (sdk::DirectionOf(metric)) {
    case sdk::Direction::kMore:
      return 1;
    case sdk::Direction::kLess:
    case sdk::Direction::kNearZero:
      return 0;
    case sdk::Direction::kNone:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Ceiling> CeilingsOf(const Target& target) {
  constexpr std::size_t kMostClassesMeasured = 100;  // a row's answers are as many floats
  if (target.width() > kMostClassesMeasured) return {};
  const Answers answers = AnswersOf(target);
  std::vector<Ceiling> ceilings;
  const sdk::Judged judged{answers.raw, answers.labels, answers.exact, {}};
  for (const auto& [name, metric] : sdk::Measure(answers.manifest, judged)) {
    ceilings.push_back({name, metric.defined() ? metric.value : 0, metric.why});
  }
  return ceilings;
}

void SayCeilings(const std::vector<Ceiling>& ceilings, const std::string& label,
                 Findings* findings) {
  for (const auto& c : ceilings) {
    if (!c.why.empty()) {
      findings->Add({"ceiling",
                     Severity::kInfo,
                     label,
                     "the metric " + c.metric + " is not defined on these labels: " + c.why,
                     {{"metric", c.metric}}});
      continue;
    }
    const auto best = BestOf(c.metric);
    const bool share = best && *best == 1;  // errors have the label's unit: their rounding is none
    if (!share || std::abs(c.value - *best) <= 1e-6) continue;
    findings->Add({"ceiling",
                   Severity::kWarning,
                   label,
                   "the labels themselves as answers get " + c.metric + " " + Short(c.value) +
                       " and not " + Short(*best) +
                       ": float32, in which models answer, does not tell them apart; subtract a "
                       "constant, or divide",
                   {{"metric", c.metric}, {"value", c.value}}});
  }
}

}  // namespace penstock::audit
