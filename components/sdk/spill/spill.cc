#include "components/sdk/spill/spill.h"

#include <cerrno>

#include "operator/base/file.h"

namespace penstock::sdk {

Result<SpillFiles> SpillFiles::Create(const std::string& folder, const std::string& name,
                                      std::size_t partitions) {
  SpillFiles spill;
  spill.path_ = folder + "/" + name;
  for (std::size_t i = 0; i < partitions; ++i) {
    const std::string path = spill.path_ + "-" + std::to_string(i);
    std::FILE* file = std::fopen(path.c_str(), "w+b");
    if (file == nullptr) return FromErrno(path, errno);
    spill.files_.emplace_back(file);
  }
  spill.sizes_.resize(partitions);
  return spill;
}

Result<void> SpillFiles::Append(std::size_t partition, const void* data, std::size_t bytes) {
  if (bytes > 0 && std::fwrite(data, bytes, 1, files_[partition].get()) != 1) {
    return FromErrno(path_, errno);
  }
  sizes_[partition] += bytes;
  return {};
}

Result<void> SpillFiles::Rewind(std::size_t partition) {
  if (std::fseek(files_[partition].get(), 0, SEEK_SET) != 0) return FromErrno(path_, errno);
  return {};
}

Result<void> SpillFiles::Read(std::size_t partition, void* data, std::size_t bytes) {
  if (bytes > 0 && std::fread(data, bytes, 1, files_[partition].get()) != 1) {
    return Internal(path_ + ": ends before its end");
  }
  return {};
}

}  // namespace penstock::sdk
