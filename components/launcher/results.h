// The small values that a step hands on: files that the child wrote, read as hostile input.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "components/launcher/workspace.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

inline constexpr std::size_t kMaxResultBytes = 8 * 1024;

// Every declared result by name; files of other names are ignored. A string is the file's text
// without one newline at its end; other types are JSON. Invalid names the result and its file: when
// it is missing, too large, no regular file, no UTF-8 text, or of another type. Never blocks.
[[nodiscard]] Result<Json> ReadResults(const TaskDocument& task, const Workspace& ws);

// Of an attempt that failed: those of them that are as they should be, by name, while they fit into
// kMaxFailedResults together; what else was written is left out.
struct ResultsOfFailure {
  Json kept;
  std::vector<std::string> too_large;  // names of those that did not fit
};
[[nodiscard]] ResultsOfFailure ReadResultsOfFailure(const TaskDocument& task, const Workspace& ws);

// Of each URI input what the child wrote to DIR/fingerprints/<name> (at most 1 KiB), else what the
// operator saw.
[[nodiscard]] Result<std::map<std::string, std::string>> ReadFingerprints(const TaskDocument& task,
                                                                          const Workspace& ws);

// Why no other run may take the outputs, as the child wrote to DIR/not-reusable (at most 1 KiB);
// empty without such a file. Invalid for one that says nothing.
[[nodiscard]] Result<std::string> ReadNotReusable(const Workspace& ws);

}  // namespace penstock::launcher
