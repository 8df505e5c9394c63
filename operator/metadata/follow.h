// What those ask who follow runs by Query::Changes: by the key of what they saw, so that an answer
// costs its own rows, however much there is. As Query: each call has a connection of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "operator/base/result.h"
#include "operator/metadata/record.h"

namespace penstock::metadata {

// One run with everything, also where a newer one of its name has taken its place; kNotFound.
[[nodiscard]] Result<RunRecord> RunOfUid(const std::filesystem::path& database,
                                         const std::string& uid);

// The step whose output it is.
struct Maker {
  std::string run, pipeline, step, output;
};
// Who made the artifact first; nothing where nobody is known to have.
[[nodiscard]] Result<std::optional<Maker>> FirstMaker(const std::filesystem::path& database,
                                                      const std::string& ns,
                                                      const std::string& digest);

}  // namespace penstock::metadata
