// The door between a program and LibTorch, which takes 0.3 s to load and 160 MB: the back ends that
// run on it lie in a shared library of our own, libpenstock_torch.so, which is opened with the
// first model that needs one. Both sides are built together; nothing but this table is looked up.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/model/backend.h"

namespace penstock::model {

struct TorchModule {
  Result<std::unique_ptr<Backend>> (*load_torch_script)(const std::string& path);
  Result<std::unique_ptr<Backend>> (*load_aot_inductor)(const std::vector<std::string>& packages,
                                                        int runners);
  Result<std::unique_ptr<Backend>> (*load_layers)(const std::string& folder,
                                                  const std::string& weights);
  void (*set_threads)(int threads);  // of the calling thread
  std::string (*describe)();
};

// What the library exports, and its table.
inline constexpr const char* kTorchLibrary = "libpenstock_torch.so";
inline constexpr const char* kTorchEntry = "PenstockTorchModule";

// The library's own side of backend.h.
namespace libtorch {
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadTorchScript(const std::string& path);
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadAotInductor(
    const std::vector<std::string>& packages, int runners);
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadLayerNetwork(const std::string& folder,
                                                                const std::string& weights);
void SetThreads(int threads);
[[nodiscard]] std::string Describe();
}  // namespace libtorch

}  // namespace penstock::model
