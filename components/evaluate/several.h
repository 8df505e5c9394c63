// A model of several labels: each label's model judged as if alone, and all labels together
// (components/sdk/labels/label_metrics.h).
#pragma once

#include <string>
#include <vector>

#include "components/evaluate/evaluation.h"
#include "components/evaluate/fairness.h"
#include "components/evaluate/options.h"
#include "components/evaluate/scoring.h"
#include "components/model_format/label_models.h"
#include "components/sdk/labels/label_metrics.h"
#include "components/sdk/page/page.h"

namespace penstock::evaluate {

// The answers of several labels' models to rows of one dataset, row by row.
class JoinedLabels {
 public:
  void Add(const Scored& scored);
  // Borrowed from this, over the rows that some label is known of.
  [[nodiscard]] sdk::JudgedLabels View();
  [[nodiscard]] std::size_t rows();

 private:
  struct OfLabel {
    std::vector<float> probability;
    std::vector<std::uint8_t> decided;
    std::vector<sdk::Truth> truth;
  };
  void Join();

  std::vector<std::string> names_;
  std::vector<OfLabel> labels_;  // by row of the dataset
  std::vector<double> weights_;  // by row of the dataset; empty: 1 each
  OfLabel joined_;               // rows x labels
  std::vector<double> joined_weights_;
  bool is_joined_ = false;
};

struct JudgedSeveral {
  Json report;  // {"rows", "confidence", "overall", "lines", "labels": {label: its own report}}
  sdk::Metrics metrics;
  Lines lines;
  std::vector<Fairness> fairness;  // of all labels
  std::size_t rows = 0;
  std::int64_t refused = 0;
  sdk::Page page;
};

// The one number of several labels.
inline constexpr const char* kLabelsMetric = "macroAuc";

// Options count for each label, but for `person` and `required`, which are of all together.
[[nodiscard]] Result<JudgedSeveral> JudgeSeveral(const std::string& model,
                                                 const sdk::LabelsManifest& labels,
                                                 const std::string& dataset, const Options& options,
                                                 const std::string& scratch);

// Of the joint metric: what the labels themselves would get as answers, and a constant answer.
[[nodiscard]] Lines LinesOfLabels(const std::string& metric, const sdk::Metrics& metrics);

}  // namespace penstock::evaluate
