// libxgboost's matrices and boosters as values that free themselves; its errors as Result.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "components/model/xgboost/library.h"
#include "components/model_format/transform.h"
#include "components/sdk/matrix.h"
#include "operator/base/result.h"

namespace penstock::train {

// Rows as xgboost holds them: a feature of cardinality > 0 is a category, NaN a missing value.
class BoosterMatrix {
 public:
  // In bins of quantiles, at most `bins` a number: what training reads. `x` is read here, not kept.
  [[nodiscard]] static Result<BoosterMatrix> Quantile(const model::XgboostLibrary& library,
                                                      const sdk::FloatMatrix& x,
                                                      std::span<const sdk::Feature> features,
                                                      int bins, int threads);
  // As they are: what is asked of a growing model again and again.
  [[nodiscard]] static Result<BoosterMatrix> Dense(const model::XgboostLibrary& library,
                                                   const sdk::FloatMatrix& x,
                                                   std::span<const sdk::Feature> features,
                                                   int threads);

  // "label", "weight": a float a row.
  [[nodiscard]] Result<void> Set(const char* field, std::span<const float> values);
  [[nodiscard]] model::XgboostHandle handle() const { return handle_.get(); }

 private:
  BoosterMatrix(const model::XgboostLibrary& library, model::XgboostHandle handle);
  const model::XgboostLibrary* library_;
  std::shared_ptr<void> handle_;
};

class Booster {
 public:
  // xgboost's parameters by name. `model`: go on from these bytes (Save's), or nothing.
  [[nodiscard]] static Result<Booster> Make(const model::XgboostLibrary& library,
                                            const std::map<std::string, std::string>& parameters,
                                            std::span<const model::XgboostHandle> matrices,
                                            std::string_view model);

  [[nodiscard]] Result<void> Update(int round, const BoosterMatrix& train);
  // The objective's answers, row-major. A matrix that was named to Make costs the trees that it
  // has not seen yet.
  [[nodiscard]] Result<std::vector<float>> Answer(const BoosterMatrix& matrix) const;
  // The same of a matrix in memory. Thread-safe.
  [[nodiscard]] Result<std::vector<float>> Answer(const sdk::FloatMatrix& x) const;

  [[nodiscard]] Result<void> SetAttribute(const char* key, const std::string& value);
  [[nodiscard]] Result<int> Rounds() const;
  // model.ubj's bytes.
  [[nodiscard]] Result<std::string> Save() const;
  // What all splits on a feature gained together, by its number; those that no tree uses are 0.
  [[nodiscard]] Result<std::vector<double>> TotalGain(std::size_t features) const;

 private:
  Booster(const model::XgboostLibrary& library, model::XgboostHandle handle);
  [[nodiscard]] Error Failed(const char* what) const;
  const model::XgboostLibrary* library_;
  std::shared_ptr<void> handle_;
};

}  // namespace penstock::train
