// The blessing of a model of several labels: by the metrics of all labels together. Pure.
#pragma once

#include <optional>
#include <vector>

#include "components/bless/verdict.h"

namespace penstock::bless {

// As Judge (verdict.h), by macroAuc where options.metric names no other. `candidate`: by label.
//
// A bound of macroAuc is the mean of the labels' bounds: no narrower than one that knew how the
// labels go together, as the standard error of a mean is at most the mean of the standard errors.
// A constant answer's is by AUC whatever the metric. Another metric has no bound, and is compared
// by the point values. A baseline must have the same labels, in any order, and every label be
// comparable.
[[nodiscard]] Result<Verdict> JudgeSeveral(
    const std::vector<evaluate::Scored>& candidate,
    const std::optional<Result<std::vector<evaluate::Scored>>>& baseline,
    const BlessOptions& options, const Check& serving);

}  // namespace penstock::bless
