// AOTInductor packages: machine code for one instruction set, made by
// torch._inductor.aoti_compile_and_package.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <sys/utsname.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <exception>
#include <utility>

#include "components/model/torch/cpu_features.h"
#include "components/model/torch_module.h"
#include "components/model/torch_tensor.h"

namespace penstock::model {
namespace {

constexpr const char* kModelName = "model";  // the packager's default
constexpr const char* kLibtorchName = "libpenstock_libtorch.so";

class AotiBackend : public Backend {
 public:
  AotiBackend(const std::string& path, int runners)
      : loader_(path, kModelName, /*run_single_threaded=*/false,
                static_cast<std::size_t>(runners)) {}

  std::string platform() const override { return "pytorch_aotinductor"; }

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) const override {
    try {
      const c10::InferenceMode guard;
      std::vector<at::Tensor> arguments;
      for (const Tensor& input : inputs) arguments.push_back(ToTorch(input));
      std::vector<Tensor> outputs;
      for (const at::Tensor& output : loader_.run(arguments)) outputs.push_back(FromTorch(output));
      return outputs;
    } catch (const std::exception& e) {
      return RunFailure(e);
    }
  }

 private:
  // The container inside hands out its runners under a lock.
  mutable torch::inductor::AOTIModelPackageLoader loader_;
};

// A package's code names libtorch.so, which in a wheel with CUDA would draw in all of CUDA. An
// empty library of that name, loaded before, is taken instead.
Result<void> ProvideLibtorch() {
  if (dlopen(kLibtorchName, RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  return Internal(std::string("AOTInductor packages need ") + kLibtorchName +
                  " beside this program's libraries: " + dlerror());
}

std::string ValueOf(const std::unordered_map<std::string, std::string>& map, const char* key) {
  const auto at = map.find(key);
  return at == map.end() ? "" : at->second;
}

// Empty when this machine can run the package.
std::string WhyNot(const std::string& path, const std::set<std::string>& flags) {
  const auto metadata =
      torch::inductor::AOTIModelPackageLoader::load_metadata_from_package(path, kModelName);
  const std::string device = ValueOf(metadata, "AOTI_DEVICE_KEY");
  if (!device.empty() && device != "cpu") return "it was compiled for " + device + ", not cpu";
  utsname machine{};
  uname(&machine);
  const std::string built_for = ValueOf(metadata, "AOTI_MACHINE");
  if (!built_for.empty() && built_for != machine.machine) {
    return "it was compiled for " + built_for + ", this is " + machine.machine;
  }
  const std::string isa = ValueOf(metadata, "AOTI_CPU_ISA");
  const std::string missing = MissingCpuFlag(isa, flags);
  if (missing.empty()) return "";
  return "it was compiled for " + isa + ", and this CPU has no " + missing;
}

}  // namespace

namespace libtorch {

Result<std::unique_ptr<Backend>> LoadAotInductor(const std::vector<std::string>& packages,
                                                 int runners) {
  if (auto provided = ProvideLibtorch(); !provided) return provided.error();
  const std::set<std::string> flags = CpuFlags();
  std::string refused;
  for (const std::string& path : packages) {
    try {
      const std::string why = WhyNot(path, flags);
      if (why.empty()) {
        return std::unique_ptr<Backend>(std::make_unique<AotiBackend>(path, runners));
      }
      refused += (refused.empty() ? "" : "; ") + path + ": " + why;
    } catch (const std::exception& e) {
      return Invalid(path + " is no AOTInductor package that loads: " + TorchReason(e.what()));
    }
  }
  return Invalid(refused +
                 ". Compile one for this CPU too (torch._inductor.config.cpp.simdlen = 256 makes "
                 "AVX2 code) and list it under files in model.yaml");
}

}  // namespace libtorch
}  // namespace penstock::model
