// Runs a model artifact on whole datasets: what evaluate and bless see of a model, the same way a
// server would. No LibTorch in this header. Used by one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "components/sdk/matrix.h"
#include "operator/base/result.h"

namespace penstock::sdk {

class Scorer {
 public:
  // Invalid for a model that is damaged or whose parts do not fit each other; says which.
  [[nodiscard]] static Result<Scorer> Load(const std::string& folder);
  ~Scorer();
  Scorer(Scorer&&) noexcept;

  [[nodiscard]] const ModelManifest& manifest() const;
  [[nodiscard]] const Transform& transform() const;

  // RawWidth() floats a row. Invalid when the back end gives another shape or a value that is not
  // finite.
  [[nodiscard]] Result<std::vector<float>> Score(const FloatMatrix& x) const;

 private:
  struct Impl;
  explicit Scorer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::sdk
