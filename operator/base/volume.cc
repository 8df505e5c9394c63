#include "operator/base/volume.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include "operator/base/file.h"

namespace penstock {

Result<VolumeSpace> SpaceOf(const std::filesystem::path& folder) {
  std::filesystem::path there = std::filesystem::absolute(folder);
  std::error_code error;
  while (!std::filesystem::exists(there, error) && there.has_relative_path())
    there = there.parent_path();
  struct statvfs found {};
  if (::statvfs(there.c_str(), &found) != 0)
    return FromErrno("looking at the volume of " + there.string(), errno);
  const std::uint64_t block = found.f_frsize != 0 ? found.f_frsize : found.f_bsize;
  return VolumeSpace{found.f_blocks * block, found.f_bavail * block, found.f_files, found.f_favail};
}

std::uint64_t ReserveOf(const VolumeSpace& space) {
  const auto part = std::clamp<std::uint64_t>(space.size / 100, 64ULL << 20, 1ULL << 30);
  return std::min(part, space.size / 16);
}

bool IsFull(const VolumeSpace& space, std::uint64_t more) {
  if (space.files > 0 && space.free_files < space.files / 100) return true;
  const std::uint64_t reserve = ReserveOf(space);
  return space.free < reserve || space.free - reserve < more;
}

bool IsNearlyFull(const VolumeSpace& space) {
  if (space.files > 0 && space.free_files < space.files / 10) return true;
  return space.free < std::max(space.size / 10, 2 * ReserveOf(space));
}

std::string Describe(const VolumeSpace& space) {
  const auto mebibytes = [](std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
  std::string out = mebibytes(space.free) + " of " + mebibytes(space.size) + " are free";
  if (space.files > 0 && space.free_files < space.files / 10)
    out += ", and room for " + std::to_string(space.free_files) + " files of " +
           std::to_string(space.files);
  return out;
}

}  // namespace penstock
