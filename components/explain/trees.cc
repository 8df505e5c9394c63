#include "components/explain/explainer.h"
#include "components/explain/features.h"
#include "components/model/xgboost/explainer.h"
#include "operator/base/try.h"

namespace penstock::explain {
namespace {

class TreesExplainer : public Explainer {
 public:
  TreesExplainer(model::XgboostExplainer trees, Features features, std::size_t outputs)
      : trees_(std::move(trees)), features_(std::move(features)), outputs_(outputs) {}

  const char* method() const override { return "trees"; }
  const char* space() const override { return "margin"; }
  std::size_t outputs() const override { return outputs_; }

  Result<Explained> Explain(const arrow::RecordBatch& rows, std::int64_t first) const override {
    PENSTOCK_ASSIGN(const auto x, features_.MatrixOf(rows, first));
    PENSTOCK_ASSIGN(const auto found, trees_.Of(x.data.get(), x.rows));
    if (found.outputs != outputs_) {
      return Invalid("the trees give " + std::to_string(found.outputs) +
                     " margins a row, model.yaml says " + std::to_string(outputs_));
    }
    const std::size_t width = features_.width();
    const std::size_t inputs = features_.inputs();
    Explained explained;
    explained.contributions.resize(found.margins.size() * inputs);
    for (std::size_t i = 0; i < found.margins.size(); ++i) {
      const float* of_row = found.values.data() + i * (width + 1);
      const std::vector<double> of_features(of_row, of_row + width);
      features_.AddToInputs(of_features, explained.contributions.data() + i * inputs);
      explained.bases.push_back(of_row[width]);
      explained.predictions.push_back(found.margins[i]);
    }
    return explained;
  }

 private:
  model::XgboostExplainer trees_;
  Features features_;
  std::size_t outputs_;
};

}  // namespace

Result<std::unique_ptr<Explainer>> MakeTreesExplainer(const std::string& model,
                                                      const evaluate::ServedModel& served) {
  PENSTOCK_ASSIGN(auto trees, model::XgboostExplainer::Load(model + "/" + served.manifest.file));
  PENSTOCK_ASSIGN(auto features, Features::Load(model, served.manifest));
  if (trees.width() != features.width()) {
    return Invalid(model + ": the trees take " + std::to_string(trees.width()) +
                   " features, model.yaml " + std::to_string(features.width()));
  }
  return std::unique_ptr<Explainer>(std::make_unique<TreesExplainer>(
      std::move(trees), std::move(features), served.manifest.RawWidth()));
}

}  // namespace penstock::explain
