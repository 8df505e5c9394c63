// A folder of ours, for the copy of an artifact; gone with the object. Used by one thread.
#pragma once

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/result.h"

namespace penstock::cli {

class CopyFolder {
 public:
  // `what` for: a part of its name.
  [[nodiscard]] static Result<CopyFolder> Create(const std::string& what) {
    std::string name =
        (std::filesystem::temp_directory_path() / ("penstock-" + what + "-XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr) return FromErrno(name, errno);
    return CopyFolder(name);
  }
  CopyFolder(CopyFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  CopyFolder& operator=(CopyFolder&&) = delete;
  ~CopyFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit CopyFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace penstock::cli
