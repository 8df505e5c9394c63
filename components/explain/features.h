// From the matrix that the back end sees back to the model's inputs. For this folder.
#pragma once

#include <arrow/type_fwd.h>

#include <span>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "components/model_format/transform.h"
#include "components/sdk/matrix.h"
#include "operator/base/result.h"

namespace penstock::explain {

class Features {
 public:
  // Invalid for a transform that does not fit the manifest.
  [[nodiscard]] static Result<Features> Load(const std::string& model,
                                             const sdk::ModelManifest& manifest);

  [[nodiscard]] std::size_t width() const { return transform_.width(); }
  [[nodiscard]] std::size_t inputs() const { return transform_.inputs().size(); }
  [[nodiscard]] Result<sdk::FloatMatrix> MatrixOf(const arrow::RecordBatch& rows,
                                                  std::int64_t first) const;
  // Adds what the features of a row contribute (width() numbers) to its inputs' (inputs() numbers).
  void AddToInputs(std::span<const double> of_features, double* of_inputs) const;

 private:
  explicit Features(sdk::Transform transform) : transform_(std::move(transform)) {}
  struct Owner {
    std::size_t input;
    double share;
  };
  sdk::Transform transform_;
  std::vector<std::vector<Owner>> owners_;  // of each feature
};

}  // namespace penstock::explain
