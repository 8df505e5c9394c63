// What is said of each part: rows, labels, times. Used by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <string>

#include "components/sdk/exact_sum.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::split {

class PartReport {
 public:
  explicit PartReport(std::string label) : label_(std::move(label)) {}

  // Invalid for a label that is no column.
  [[nodiscard]] Result<void> Add(const arrow::RecordBatch& batch);

  // {"rows": n, "labels": {"true": 0.22, "false": 0.78}, "times": {"t": ["first", "last"]}}. Of a
  // label that is a float or has more than 20 values "label": {"mean", "min", "max"} for numbers,
  // nothing for others.
  [[nodiscard]] Json ToJson() const;
  // The only label of a part of rows; null with several or without a label that is known.
  [[nodiscard]] const std::string* OnlyLabel() const;

 private:
  struct Range {
    std::int64_t first = 0;
    std::int64_t last = 0;
  };
  std::string label_;
  std::int64_t rows_ = 0;
  std::map<std::string, std::int64_t> labels_;
  bool many_labels_ = false;
  sdk::ExactSum sum_;
  std::int64_t numbers_ = 0;
  double least_ = 0;
  double most_ = 0;
  std::map<std::string, Range> times_;
};

}  // namespace penstock::split
