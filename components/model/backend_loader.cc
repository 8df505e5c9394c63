// Which back end a model folder asks for.
#include <algorithm>
#include <array>

#include "components/model/backend.h"
#include "components/model/torch/pickle_check.h"

namespace penstock::model {
namespace {

constexpr std::array<const char*, 5> kPickleNames = {"pickle", "joblib", "sklearn", "scikit-learn",
                                                     "pytorch"};

}  // namespace

Result<std::unique_ptr<Backend>> LoadBackend(const std::string& folder, const BackendFiles& files,
                                             int runners) {
  const std::string& backend = files.backend;
  std::vector<std::string> paths;
  for (const std::string& file : files.files) {
    paths.push_back(folder + "/" + file);
    if (auto refused = RefusePickle(paths.back()); !refused) return refused.error();
  }
  if (paths.empty()) return Invalid(folder + ": model.yaml names no file");
  if (backend == "aotinductor") return LoadAotInductor(paths, runners);
  if (paths.size() > 1) {
    return Invalid(folder + ": model.yaml: only the back end aotinductor takes several files");
  }
  if (backend == "torchscript") return LoadTorchScript(paths.front());
  if (backend == "safetensors") return LoadLayerNetwork(folder, files.files.front());
  if (backend == "xgboost") return LoadXgboost(paths.front());
  if (backend == "onnx") return LoadOnnx(paths.front());
  const bool pickle =
      std::find(kPickleNames.begin(), kPickleNames.end(), backend) != kPickleNames.end();
  return Invalid(folder + ": back end '" + backend + "' " +
                 (pickle ? "would need Python to unpickle it, which runs any program in the file; "
                         : "is unknown; ") +
                 "this server runs torchscript, aotinductor, safetensors, xgboost and onnx");
}

}  // namespace penstock::model
