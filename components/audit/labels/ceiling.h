// What the labels themselves would get as answers: the most that a metric can say of this data.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "components/audit/facts/finding.h"
#include "components/audit/facts/target.h"

namespace penstock::audit {

struct Ceiling {
  std::string metric;
  double value = 0;  // where it is defined
  std::string why;   // it is not; else empty
};
// Each metric of the task (sdk/metrics.h) with the labels as answers, as a model gives them: in
// float32, a class by its probability 1.
[[nodiscard]] std::vector<Ceiling> CeilingsOf(const Target& target);

// Finding ceiling: an info for a metric that is not defined on these labels, a warning for one
// whose best is not what a perfect model should get (float32 does not hold the labels).
void SayCeilings(const std::vector<Ceiling>& ceilings, const std::string& label,
                 Findings* findings);

}  // namespace penstock::audit
