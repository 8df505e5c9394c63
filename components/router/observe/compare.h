// How the answers of two versions to one request differ: decisions that flip, and by how much the
// values of an output shift. Equality is not asked for: two honest trainings of one model differ in
// nearly every value. Pure.
//
// Understood are V2's JSON (outputs[].data) and V1's (predictions, outputs). A row's decision is
// the place of its largest value; of a row of one number between 0 and 1 on both sides, whether it
// is at least 0.5, or of any one number whether it is above the threshold that is given; of text,
// whole numbers and booleans, the value. Rows of one number that is no probability have no
// decision, only a shift.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json_fwd.h"

namespace penstock::router {

struct Comparison {
  std::int64_t rows = 0;
  std::int64_t decisions = 0;  // rows that have one
  std::int64_t flips = 0;
  std::int64_t number_rows = 0;  // of nothing but numbers on both sides
  std::int64_t lost_rows = 0;    // of nothing but numbers in a, and of something else in b
  // Over all numbers of the output, pair by pair: b is the shadow's.
  std::int64_t values = 0;
  double sum_a = 0;
  double sum_b = 0;
  double sum_absolute_difference = 0;
  double sum_squared_difference = 0;
  double largest_difference = 0;
  Comparison& operator+=(const Comparison& other);
};

// `output` names V2's output or V1's named one; empty is the first. Nothing where either body is no
// such answer, lacks the output, or their shapes differ: then the two cannot be compared.
[[nodiscard]] std::optional<Comparison> CompareAnswers(std::string_view a, std::string_view b,
                                                       const std::string& output,
                                                       std::optional<double> threshold = {});

}  // namespace penstock::router
