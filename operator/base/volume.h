// How much room the volume of a folder has, and how much of it is kept free.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "operator/base/result.h"

namespace penstock {

struct VolumeSpace {
  std::uint64_t size = 0;   // bytes
  std::uint64_t free = 0;   // that we may use
  std::uint64_t files = 0;  // that it can hold; 0 where nothing counts them
  std::uint64_t free_files = 0;
};

// Of the volume that holds `folder`, or the nearest folder above it that is there.
[[nodiscard]] Result<VolumeSpace> SpaceOf(const std::filesystem::path& folder);

// The bytes that are kept for what is small and must still be written on a volume that users have
// filled: 1 %, but at least 64 MiB and at most 1 GiB, and never more than a sixteenth of it.
[[nodiscard]] std::uint64_t ReserveOf(const VolumeSpace& space);

// Whether users may put no more of `more` bytes there: the reserve, of bytes or of files (1 %),
// would be touched.
[[nodiscard]] bool IsFull(const VolumeSpace& space, std::uint64_t more = 0);

// Whether that is near: less than a tenth is free, or than twice the reserve.
[[nodiscard]] bool IsNearlyFull(const VolumeSpace& space);

// "12 MiB of 48 MiB are free".
[[nodiscard]] std::string Describe(const VolumeSpace& space);

}  // namespace penstock
