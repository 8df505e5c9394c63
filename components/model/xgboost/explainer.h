// Exact Shapley values of boosted trees by xgboost's own TreeSHAP (Lundberg et al., "From local
// explanations to global understanding with explainable AI for trees", Nature Machine Intelligence
// 2, 2020): what each feature adds to the margin of a row, over the rows that training sent down
// each branch.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "components/model/xgboost/library.h"
#include "operator/base/result.h"

namespace penstock::model {

class XgboostExplainer {
 public:
  // Invalid for a file that is no model of trees.
  [[nodiscard]] static Result<XgboostExplainer> Load(const std::string& path);

  [[nodiscard]] std::size_t width() const { return width_; }

  struct Contributions {
    std::size_t outputs = 0;     // margins a row: 1, or one a class
    std::vector<float> values;   // rows x outputs x (width + 1): the last is the base
    std::vector<float> margins;  // rows x outputs
  };
  // `x`: row-major, NaN is missing. Used by one thread.
  [[nodiscard]] Result<Contributions> Of(const float* x, std::size_t rows) const;

 private:
  XgboostExplainer(const XgboostLibrary& library, XgboostHandle handle);
  [[nodiscard]] Result<std::vector<float>> Predict(XgboostHandle matrix, int type,
                                                   std::vector<std::size_t>* shape) const;
  const XgboostLibrary* library_;
  std::shared_ptr<void> handle_;
  std::size_t width_ = 0;
  int rounds_ = 0;  // 0: all
};

}  // namespace penstock::model
