// Label issues by confident learning: Northcutt, Jiang and Chuang, "Confident learning: estimating
// uncertainty in dataset labels", J. Artif. Intell. Res. 70 (2021), doi 10.1613/jair.1.12125, with
// the choices that cleanlab 2 makes where the paper leaves some, so that both name the same rows.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace penstock::audit {

struct LabelIssue {
  std::size_t row = 0;       // of those given
  std::uint32_t given = 0;   // the class it has
  std::uint32_t likely = 0;  // the class of the largest probability
  double quality = 0;        // the given class's probability: the lower, the surer
};
struct ConfidentJoint {
  std::vector<double> thresholds;                 // of each class: mean probability of it, of rows
                                                  // that have it
  std::vector<std::vector<std::int64_t>> counts;  // [given][likely], before calibration
  std::vector<std::vector<std::int64_t>> joint;   // calibrated to the number of rows of each class
};

// `probabilities`: classes of each row, row-major, of a model that has not seen the row. `labels`:
// below `classes`. A row counts for the class that has the largest probability among those whose
// threshold it reaches; one that reaches none counts for none. The diagonal is at least 1.
[[nodiscard]] ConfidentJoint ConfidentJointOf(std::span<const double> probabilities,
                                              std::span<const std::uint32_t> labels,
                                              std::size_t classes);

// The rows whose label is likely wrong, pruned by noise rate (the paper's method 4, cleanlab's
// default): of each given class i and other class j those as many rows as the calibrated joint has
// at [i][j], by the largest margin of j's probability over i's, of equal margins the earlier row;
// but none whose most probable class is the given one, and none of a class with a single row. By
// rising quality.
[[nodiscard]] std::vector<LabelIssue> LabelIssuesOf(std::span<const double> probabilities,
                                                    std::span<const std::uint32_t> labels,
                                                    std::size_t classes);

}  // namespace penstock::audit
