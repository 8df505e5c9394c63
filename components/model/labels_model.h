// A model of several labels: models of one label each, asked together. Its inputs are theirs, its
// outputs theirs under the label's name (model_format/label_models.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/model/model.h"

namespace penstock::model {

struct LabelPart {
  std::string label;
  std::shared_ptr<const Model> model;  // of columns
  // A short key: parts of one prepare rows alike, as what makes their matrices is the same.
  std::string prepares;
};

// Takes what every part takes: a null only where all do, a text as null where all do. Invalid where
// parts have other columns, or columns of another type.
[[nodiscard]] Result<std::unique_ptr<Model>> MakeLabelsModel(std::vector<LabelPart> parts);

}  // namespace penstock::model
