#include "components/transform/plan.h"

#include "components/model_format/prepared_step.h"

namespace penstock::transform {

using sdk::TransformStep;
using sdk::Views;

void AddStep(std::vector<TransformStep>& steps, TransformStep step) {
  for (TransformStep& own : steps) {
    const Views views = own.views;
    own.views = step.views;
    const bool same = own == step;
    own.views = same ? Views(views | step.views) : views;
    if (same) return;
  }
  steps.push_back(std::move(step));
}

Result<void> SetImpute(const Json& impute, const std::string& column, TransformStep& step) {
  const bool named = impute.contains(column);
  const Json method = named ? impute[column] : impute.contains("*") ? impute["*"] : Json("auto");
  const auto refuse = [&](const char* takes) -> Result<void> {
    if (!named) return {};  // "*" is for those that it suits
    return Invalid("impute " + method.dump() + ": " + takes);
  };
  sdk::StepRecipe& recipe = step.recipe;
  if (sdk::IsNumberOp(step.op)) {
    recipe.impute = "median";
    if (method == "auto" || method == "median") return {};
    if (method == "mean" || method == "mostFrequent") {
      recipe.impute = method.get<std::string>();
    } else if (method.is_number()) {
      recipe.impute = "value";
      step.fill = method.get<double>();
    } else {
      return refuse("a number takes auto, mean, median, mostFrequent or a number");
    }
    return {};
  }
  recipe.impute = "unseen";
  if (method == "auto" || method == "unseen") return {};
  if (method == "mostFrequent") {
    recipe.impute = "mostFrequent";
  } else if (method.is_object() && method.contains("value") && method["value"].is_string()) {
    recipe.impute = "value";
    recipe.fill_text = method["value"].get<std::string>();
  } else {
    return refuse("a category takes auto, unseen, mostFrequent or {value: text}");
  }
  return {};
}

}  // namespace penstock::transform
