// What a file of a trained booster says of itself. Pure but for the calls of the library.
#pragma once

#include <string>

#include "components/model/xgboost/library.h"
#include "operator/base/result.h"

namespace penstock::model {

// The rounds that count, 0: all. After early stopping a file keeps the rounds beyond the best one,
// and names that one. What counts is what scikit-learn's interface counts: predict and
// predict_proba of its author. Invalid for an attribute that is no round; `path` is for messages.
[[nodiscard]] Result<int> RoundsThatCount(const XgboostLibrary& library, XgboostHandle booster,
                                          const std::string& path);

// Invalid for a gblinear booster, which is not run here.
[[nodiscard]] Result<void> CheckTrees(const XgboostLibrary& library, XgboostHandle booster,
                                      const std::string& path);

}  // namespace penstock::model
