// From a model's folder to a model that is known to answer right. model_loader.cc is the only file
// that knows the folder's layout (components/model_format/model_artifact.h).
#pragma once

#include <cstdint>
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

constexpr std::int64_t kFullBatch = 32;  // rows, where nobody says how many go together

// Tries the model before anybody relies on it. Runs every example through FitInputs, Prepare, Run
// and Present, one by one and then together; then the rows of the examples, without (enough of)
// them also rows made up by the signature, each alone and `full_batch` of them together
// (model_trial.h), which warms the model up, too. Invalid or Internal names the first example that
// is answered wrong, and the output, or what of the trial went wrong: an input of another width,
// an output of another shape than the signature says, a row that is answered otherwise in a batch.
[[nodiscard]] Result<void> CheckExamples(const LoadedModel& loaded,
                                         std::int64_t full_batch = kFullBatch);

}  // namespace penstock::model
