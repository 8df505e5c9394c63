// A folder of its own, for what is made before it is stored; it goes away with the object.
#pragma once

#include <filesystem>

namespace penstock::sources {

class ScratchFolder {
 public:
  // Below `parent`, which is made too. path() is empty when that failed.
  explicit ScratchFolder(const std::filesystem::path& parent);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace penstock::sources
