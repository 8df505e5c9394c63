// Writes the model artifact of a trained network. See sdk/model_artifact.h for the folder.
#pragma once

#include <string>

#include "components/sdk/matrix.h"
#include "components/sdk/metrics.h"
#include "components/sdk/network.h"
#include "components/train/options.h"

namespace penstock::train {

struct ArtifactSources {
  std::string train_dataset;  // for statistics.json
  std::string valid_dataset;  // for examples and metrics
  std::string transform_file;
};

// Gives the metrics on the validation data with their intervals (95 %), computed from the files
// just written, so that what is reported is what will be served.
[[nodiscard]] Result<sdk::Metrics> WriteArtifact(
    const std::string& folder, const sdk::Network& network, const sdk::Transform& transform,
    const sdk::Label& label, const sdk::LabelledMatrix& valid, const ArtifactSources& sources,
    const TrainOptions& options);

}  // namespace penstock::train
