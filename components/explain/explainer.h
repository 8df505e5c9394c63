// Shapley values of a model's answers: what each input adds to one, beside a base. The
// contributions of a row add up to its prediction less the base.
//
//   trees    exact, of the margin (log-odds, the logarithm of a rate, the value itself): TreeSHAP
//   in
//            libxgboost (components/model/xgboost/explainer.h)
//   linear   exact, of the margin: w_j (x_j - mean of x_j over the background), which is the
//   Shapley
//            value of a linear function with independent features (Lundberg and Lee, NIPS 2017)
//   sampled  any model, of its answer (probability or value): permutations in antithetic pairs
//            (Strumbelj and Kononenko, Knowledge and Information Systems 41, 2014; Castro et al.,
//            Computers & Operations Research 36, 2009), with the standard error of each
//
// What a feature adds counts for the input that the transform made it of; of a cross of two columns
// half for either. Used by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "components/evaluate/scoring.h"
#include "operator/base/result.h"

namespace penstock::explain {

// Of some rows; row-major: rows x outputs (x inputs).
struct Explained {
  std::vector<double> contributions;
  std::vector<double> errors;  // standard ones, of sampled; else empty
  std::vector<double> predictions;
  std::vector<double> bases;

  [[nodiscard]] std::size_t size() const { return predictions.size(); }  // rows x outputs
};

class Explainer {
 public:
  virtual ~Explainer() = default;
  [[nodiscard]] virtual const char* method() const = 0;  // "trees", "linear", "sampled"
  [[nodiscard]] virtual const char* space() const = 0;   // "margin", "answer"
  // Outputs a row: 1, or one a class.
  [[nodiscard]] virtual std::size_t outputs() const = 0;
  // Canonical rows whose columns are the model's inputs; `first` is the number of the first for
  // messages. Invalid for a row that a server of the model would refuse.
  [[nodiscard]] virtual Result<Explained> Explain(const arrow::RecordBatch& rows,
                                                  std::int64_t first) const = 0;
};

struct ExplainOptions {
  std::string method = "auto";    // or trees, linear, sampled
  std::int64_t background = 100;  // rows of the background that sampled takes; an even number
  std::uint64_t seed = 0;
};

// What suits the model: trees of the back end xgboost, linear for a network of one linear layer,
// else sampled. `background`: a dataset, for linear and sampled. Invalid for a method that does not
// suit the model. `served` outlives it.
[[nodiscard]] Result<std::unique_ptr<Explainer>> MakeExplainer(const std::string& model,
                                                               const evaluate::ServedModel& served,
                                                               const std::string& background,
                                                               const ExplainOptions& options);

[[nodiscard]] Result<std::unique_ptr<Explainer>> MakeTreesExplainer(
    const std::string& model, const evaluate::ServedModel& served);
[[nodiscard]] Result<std::unique_ptr<Explainer>> MakeLinearExplainer(
    const std::string& model, const evaluate::ServedModel& served, const std::string& background);
// A network of one linear layer, behind it at most a link.
[[nodiscard]] bool IsLinear(const std::string& model, const sdk::ModelManifest& manifest);
[[nodiscard]] Result<std::unique_ptr<Explainer>> MakeSampledExplainer(
    const evaluate::ServedModel& served, const std::string& background,
    const ExplainOptions& options);

}  // namespace penstock::explain
