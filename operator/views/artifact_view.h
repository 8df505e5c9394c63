// An artifact: what it is, what is in it, who made it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "operator/views/place.h"

namespace penstock::views {

inline constexpr std::size_t kMostFiles = 1'000;  // that a view lists

// {digest, type, bytes, folder, files: [{path, bytes}], fileCount, producer: {run, step, output},
// schema, sample, statistics, metrics, report}: `schema` and a `sample` of the rows of a dataset,
// `statistics` of what has statistics.json, `metrics` of what has metrics.json, each where it is at
// most 4 MiB (the sample 256 KiB) and `room` lets it be parsed; `report` is the path of a page.
// Invalid of what is no digest; kNotFound; what `room` says.
//
// `room` is asked whether so many bytes of JSON may be parsed in all: kTooLarge where that can
// never be.
using RoomToParse = std::function<Result<void>(std::uint64_t)>;
[[nodiscard]] Result<Json> ArtifactView(const Place& place, const std::string& ns,
                                        const std::string& digest, const RoomToParse& room);

// A file of a folder, or with an empty path the file itself.
struct ArtifactFile {
  std::uint64_t bytes = 0;
  std::string digest;  // of its blob
};
[[nodiscard]] Result<ArtifactFile> FileOf(const Place& place, const std::string& ns,
                                          const std::string& digest, const std::string& path);

}  // namespace penstock::views
