// Volumes of a step that runs as a process of the host: it gets a view of the files of its own, by
// the launcher's sub-command `within`. Functions; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/os/own_mounts.h"

namespace penstock::local {

// The command that runs `argv` where the mounts are.
[[nodiscard]] std::vector<std::string> Within(const std::filesystem::path& launcher,
                                              const std::vector<OwnMount>& mounts,
                                              const std::vector<std::string>& argv);

// Whether this machine lets us: tried once, with a mount of its own. The error says what to do.
[[nodiscard]] Result<void> CanMount(const std::filesystem::path& launcher,
                                    const std::filesystem::path& state);

}  // namespace penstock::local
