// An outside source as a file: an input that is a URI, where the step asks for $(inputs.x.path).
//
// http and https: GET within a deadline, tried again while failures pass by themselves, at most
// five redirects and none from https to http; a body that is shorter than its Content-Length is no
// body, and one that hardly comes on is given up. file: a file or folder of this machine (on a
// cluster: of the step's container). s3: an object, or all below a prefix as a folder, with the
// keys of the step's own variables (s3/source.h); the deadline is of a folder's list, and an object
// is read as long as it comes on, after breaks too. Errors never hold the URI's query, which may be
// a signature. Blocks; any thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <stop_token>
#include <string>

#include "components/launcher/trust.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

// So much of a body comes in each stretch of time, or the fetch is over; 1 KiB a second.
struct LeastPace {
  std::uint64_t bytes = 60 * 1024;
  std::chrono::milliseconds in{60'000};
};

struct SourceOptions {
  std::chrono::milliseconds deadline{600'000};  // no new try after it
  TrustPaths trust;
  std::map<std::string, std::string> environment = {};  // of the step's program
  LeastPace least;
  std::stop_token stop;
};

struct FetchedSource {
  std::string fingerprint;  // as the operator tells it (sources/fingerprint.h)
  std::string digest;       // as the store would name what was read
};

// Writes `target`, which must not exist, read-only. Invalid for what will not pass by itself: an
// address that is none, an answer such as 404, a missing file.
[[nodiscard]] Result<FetchedSource> FetchSource(const std::string& uri,
                                                const std::filesystem::path& target,
                                                const SourceOptions& options);

// The inputs whose path the task's command, args, workingDir or env asks for.
[[nodiscard]] std::set<std::string> InputsAskedByPath(const TaskDocument& task);

}  // namespace penstock::launcher
