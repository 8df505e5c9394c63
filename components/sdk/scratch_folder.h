// A folder for what a step spills, inside an output, so that it counts against the output's volume.
// Removed with the object; a step that is killed leaves it to its launcher, which keeps nothing of
// a failed step.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/result.h"

namespace penstock::sdk {

class ScratchFolder {
 public:
  // Makes the folder, with what leads to it.
  [[nodiscard]] static Result<ScratchFolder> Create(std::filesystem::path path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return FromErrno(path.string(), error.value());
    return ScratchFolder(std::move(path));
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace penstock::sdk
