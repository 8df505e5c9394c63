// What a stranger packed: zip archives as ingest reads them, and the manifests of folder artifacts.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "components/ingest/stream.h"
#include "operator/artifacts/manifest.h"
#include "tests/fuzz/require.h"

using namespace penstock;
namespace fs = std::filesystem;

namespace {

void ReadManifest(const std::string& text) {
  const auto manifest = artifacts::ParseManifest(text);
  if (!manifest) return fuzz::Require(!manifest.error().message.empty());
  for (const auto& file : manifest->files) {
    const fs::path path(file.path);
    fuzz::Require(path.is_relative() && !path.empty());
    for (const auto& part : path) fuzz::Require(part != ".." && part != "." && !part.empty());
  }
  const auto again = artifacts::ParseManifest(artifacts::FormatManifest(*manifest));
  fuzz::Require(again && again->Bytes() == manifest->Bytes());
}

struct Scratch {
  Scratch() {
    std::string name = (fs::temp_directory_path() / "penstock-fuzz-XXXXXX").string();
    fuzz::Require(mkdtemp(name.data()) != nullptr);
    folder = name;
  }
  ~Scratch() { fs::remove_all(folder); }
  fs::path folder;
};

// A bomb is no crash: what is read is bounded here as the dataset's size is in ingest.
void ReadZip(const fs::path& file) {
  auto stream = ingest::OpenZip(file);
  if (!stream) return fuzz::Require(!stream.error().message.empty());
  for (std::int64_t total = 0; total < (1 << 24);) {
    const auto piece = (*stream)->Read(64 << 10);
    if (!piece.ok() || (*piece)->size() == 0) return;
    total += (*piece)->size();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Scratch scratch;
  const std::string bytes = fuzz::Text(data, size);
  ReadManifest(bytes);
  const fs::path file = scratch.folder / "input";
  std::ofstream(file, std::ios::binary) << bytes;
  ReadZip(file);
  return 0;
}
