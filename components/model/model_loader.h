// From a model's folder to a model that is known to answer right. model_loader.cc is the only file
// that knows the folder's layout (components/model_format/model_artifact.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "components/model/model.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::model {

struct Example {
  Json inputs;   // input -> value of one row
  Json outputs;  // output -> expected value
};

struct LoadedModel {
  std::string name;
  std::shared_ptr<const Model> model;
  std::vector<Example> examples;
  // Is the answer (output -> value) the expected one? The error names the output and both values.
  std::function<Result<void>(const Example&, const Json& answer)> matches;
};

// Reads and loads; runs nothing yet. Errors name the file. `runners`: how many threads will run the
// model at once (a back end may hold something for each; more of them wait).
[[nodiscard]] Result<LoadedModel> LoadModel(const std::string& folder, int runners = 1);

// Runs every example through FitInputs, Prepare, Run and Present, one by one and then together,
// which also warms the model up; without examples a row of zeros does the warming. Invalid names
// the first example that is answered wrong, and the output.
[[nodiscard]] Result<void> CheckExamples(const LoadedModel& loaded);

}  // namespace penstock::model
