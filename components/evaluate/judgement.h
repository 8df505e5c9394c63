// All that evaluate says of one model of one label.
#pragma once

#include <string>
#include <vector>

#include "components/evaluate/calibration.h"
#include "components/evaluate/evaluation.h"
#include "components/evaluate/fairness.h"
#include "components/evaluate/options.h"
#include "components/evaluate/report_page.h"
#include "components/evaluate/scoring.h"

namespace penstock::evaluate {

struct Judgement {
  Scored scored;
  sdk::Metrics metrics;
  Lines lines;
  Calibration calibration;
  std::vector<Fairness> fairness;
  std::vector<double> losses;  // of the scored rows
  Json report;                 // the metrics artifact
};

// `scratch`: a folder that may be made and removed. Invalid as Score and the options' readers are.
[[nodiscard]] Result<Judgement> JudgeModel(const std::string& model, const std::string& dataset,
                                           const Options& options, const std::string& scratch,
                                           OnUnlabelled on_unlabelled = OnUnlabelled::kFail);

// The same for people.
[[nodiscard]] Result<void> AddJudgement(const std::string& dataset, const Judgement& judgement,
                                        sdk::Page* page);

}  // namespace penstock::evaluate
