// Archives of models, as somebody hostile packs them: nothing is written outside the folder, and no
// more than the bounds say.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "operator/archive/unpack.h"
#include "tests/fuzz/require.h"

using namespace penstock;
namespace fs = std::filesystem;

namespace {

struct Scratch {
  Scratch() {
    std::string name = (fs::temp_directory_path() / "penstock-fuzz-XXXXXX").string();
    fuzz::Require(mkdtemp(name.data()) != nullptr);
    folder = name;
  }
  ~Scratch() { fs::remove_all(folder); }
  fs::path folder;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Scratch scratch;
  const std::string bytes = fuzz::Text(data, size);
  const fs::path root = scratch.folder / "to";
  fs::create_directories(root);
  archive::UnpackOptions options;
  options.root = root;
  options.limits = {.bytes = 1 << 20, .files = 100};
  options.layers = size % 2 == 0;
  archive::Unpacker unpacker(options);
  const std::size_t piece = size % 7 + 1;
  Result<void> done;
  for (std::size_t at = 0; done && at < bytes.size(); at += piece)
    done = unpacker.Write(std::string_view(bytes).substr(at, piece));
  if (done) done = unpacker.Finish();
  if (!done) fuzz::Require(!done.error().message.empty());
  std::uint64_t total = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    fuzz::Require(!entry.is_symlink());
    if (entry.is_regular_file()) total += entry.file_size();
  }
  fuzz::Require(total <= options.limits.bytes);
  int beside = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(scratch.folder)) ++beside;
  fuzz::Require(beside == 1);
  fs::remove_all(root);
  return 0;
}
