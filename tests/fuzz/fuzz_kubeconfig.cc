// A kubeconfig file, as somebody may hand it to us: read or refused.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "operator/kube/config.h"
#include "tests/fuzz/require.h"

using namespace penstock;
namespace fs = std::filesystem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fs::path file =
      fs::temp_directory_path() / ("penstock-fuzz-kubeconfig-" + std::to_string(getpid()));
  std::ofstream(file, std::ios::binary) << fuzz::Text(data, size);
  const auto config = kube::LoadKubeconfigs({file}, "");
  fs::remove(file);
  if (config)
    fuzz::Require(!config->server.empty());
  else
    fuzz::Require(!config.error().message.empty());
  return 0;
}
