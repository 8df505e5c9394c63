// Model folders: one file of a good folder is replaced by what came; its first line says which.
//
//   columns/model.yaml | columns/transform.json | columns/examples.jsonl | columns/statistics.json
//   layers/model.yaml | layers/network.json | layers/examples.jsonl
//   layers/weights.safetensors    its beginning only
//
// TorchScript's own archives are not mutated: LibTorch reads them, and a model's code is trusted.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "components/model/model_loader.h"
#include "components/model/testing/sample_model.h"
#include "components/serve/monitoring/model_observer.h"
#include "operator/base/file.h"
#include "operator/base/time.h"
#include "tests/fuzz/fuzz_check.h"

using namespace penstock;
using namespace penstock::model;
using penstock::serve::ModelObserver;
using penstock::serve::Require;
namespace fs = std::filesystem;

namespace {

constexpr const char* kFiles[] = {"columns/model.yaml",     "columns/transform.json",
                                  "columns/examples.jsonl", "columns/statistics.json",
                                  "layers/model.yaml",      "layers/network.json",
                                  "layers/examples.jsonl",  "layers/weights.safetensors"};

struct Base {
  Base() {
    std::string name = (fs::temp_directory_path() / "penstock-fuzz-XXXXXX").string();
    Require(mkdtemp(name.data()) != nullptr);
    folder = name;
    WriteColumns((folder / "columns").string());
    WriteLayerMlp((folder / "layers").string());
    std::ofstream(folder / "columns/statistics.json") << R"({"columns": {}})";
  }
  ~Base() { fs::remove_all(folder); }
  fs::path folder;
};

void Write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Base base;
  static const SystemClock clock;
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::string name = input.substr(0, input.find('\n'));
  if (name.size() == input.size() ||
      std::find(std::begin(kFiles), std::end(kFiles), name) == std::end(kFiles))
    return 0;
  const fs::path path = base.folder / name;
  const std::string good = ReadFile(path).value();
  std::string bad = input.substr(name.size() + 1);
  if (name.ends_with(".safetensors") && bad.size() < good.size()) bad += good.substr(bad.size());
  Write(path, bad);
  const std::string folder = path.parent_path().string();
  auto loaded = LoadModel(folder);
  if (!loaded) {
    Require(!loaded.error().message.empty());
  } else {
    const auto right = CheckExamples(*loaded);
    Require(right || !right.error().message.empty());
    (void)ModelObserver::Make(folder, loaded->model->signature(), {}, &clock);
  }
  Write(path, good);
  return 0;
}
