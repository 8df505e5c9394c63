#include "operator/base/is_there.h"

#include <system_error>

#include "operator/base/file.h"

namespace penstock {

Result<bool> IsThere(const std::filesystem::path& path) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  if (type == std::filesystem::file_type::not_found) return false;
  if (error) return FromErrno("looking at " + path.string(), error.value());
  return true;
}

}  // namespace penstock
