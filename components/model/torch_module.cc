// The program's side: opens the library, and keeps the thread's number of threads for it.
#include "components/model/torch_module.h"

#include <dlfcn.h>

#include <atomic>
#include <utility>

#include "operator/base/try.h"

namespace penstock::model {
namespace {

// A thread says once how many threads LibTorch may use for it, perhaps before LibTorch is there.
thread_local int wanted_threads = 0;
thread_local int given_threads = 0;

std::atomic<bool> opened = false;

Result<const TorchModule*> Open() {
  // found by this program's RUNPATH; its own finds LibTorch. Global: packages of AOTInductor are
  // libraries that look for LibTorch's names.
  void* library = dlopen(kTorchLibrary, RTLD_NOW | RTLD_GLOBAL);
  const char* problem = library == nullptr ? dlerror() : nullptr;
  auto* entry = library == nullptr ? nullptr : dlsym(library, kTorchEntry);
  if (entry == nullptr) {
    return Invalid(std::string("this model runs on LibTorch, and ") + kTorchLibrary +
                   " does not load: " + (problem == nullptr ? "it is another version's" : problem));
  }
  opened = true;
  return reinterpret_cast<const TorchModule* (*)()>(entry)();
}

const Result<const TorchModule*>& Module() {
  static const Result<const TorchModule*> kModule = Open();
  return kModule;
}

void GiveThreads(const TorchModule& module) {
  if (wanted_threads == given_threads) return;
  module.set_threads(wanted_threads);
  given_threads = wanted_threads;
}

// A back end of the library.
class TorchBackend : public Backend {
 public:
  TorchBackend(const TorchModule& module, std::unique_ptr<Backend> backend)
      : module_(module), backend_(std::move(backend)) {}

  std::string platform() const override { return backend_->platform(); }
  std::int64_t width() const override { return backend_->width(); }
  Result<void> Bind(const Signature& signature) override { return backend_->Bind(signature); }
  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) const override {
    GiveThreads(module_);
    return backend_->Run(inputs);
  }

 private:
  const TorchModule& module_;
  const std::unique_ptr<Backend> backend_;
};

template <typename Load>
Result<std::unique_ptr<Backend>> LoadThere(Load load) {
  const auto& module = Module();
  if (!module) return module.error();
  GiveThreads(**module);
  PENSTOCK_ASSIGN(auto backend, load(**module));
  return std::unique_ptr<Backend>(std::make_unique<TorchBackend>(**module, std::move(backend)));
}

}  // namespace

Result<std::unique_ptr<Backend>> LoadTorchScript(const std::string& path) {
  return LoadThere([&](const TorchModule& module) { return module.load_torch_script(path); });
}

Result<std::unique_ptr<Backend>> LoadAotInductor(const std::vector<std::string>& packages,
                                                 int runners) {
  return LoadThere(
      [&](const TorchModule& module) { return module.load_aot_inductor(packages, runners); });
}

Result<std::unique_ptr<Backend>> LoadLargeNetwork(const std::string& folder,
                                                  const std::string& weights) {
  return LoadThere([&](const TorchModule& module) { return module.load_layers(folder, weights); });
}

std::string DescribeBackend() { return opened ? (*Module())->describe() : "without LibTorch"; }

void SetIntraOpThreads(int threads) { wanted_threads = threads; }

}  // namespace penstock::model
