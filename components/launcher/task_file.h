// The task as the pod sees it: a downward-API file and, where that is too small, a ConfigMap. Pure
// but for LoadTask.
#pragma once

#include <filesystem>
#include <string>

#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

// The document with the config laid over it: the config's "parameters" join the document's by name,
// every other top-level field replaces the document's.
[[nodiscard]] Result<Json> MergeTask(const Json& task, const Json& config);

// Reads, merges, parses and checks. `config` may be empty. Invalid says which field or file.
[[nodiscard]] Result<TaskDocument> LoadTask(const std::filesystem::path& task,
                                            const std::filesystem::path& config);

// What ParseTask leaves to the launcher: names become file names here, so inputs, outputs, results
// and parameters must be [a-zA-Z][a-zA-Z0-9_-]* of at most 63 characters, and unique.
[[nodiscard]] Result<void> CheckTask(const TaskDocument& task);

}  // namespace penstock::launcher
