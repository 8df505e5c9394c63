// Files: whole reads, atomic durable writes. Every function gives an Error that names the path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock {

// The file's bytes; Invalid when larger than `limit`.
[[nodiscard]] Result<std::string> ReadFile(const std::filesystem::path& path,
                                           std::uint64_t limit = 64ULL << 20);

// Writes a temporary file beside `path`, syncs it, renames it over `path`, syncs the folder.
// A reader sees the old bytes or the new ones; after a crash too. Creates missing folders.
[[nodiscard]] Result<void> WriteFileAtomically(const std::filesystem::path& path,
                                               std::string_view bytes);

// Syncs a folder, so that a rename in it survives a crash.
[[nodiscard]] Result<void> SyncFolder(const std::filesystem::path& folder);

// "context: strerror(errno)"; a full disk (ENOSPC, EDQUOT) is Transient, ENOENT is NotFound,
// EACCES and EPERM Forbidden, the rest Internal.
[[nodiscard]] Error FromErrno(const std::string& context, int error_number);

}  // namespace penstock
