// A child program with its standard error caught. Signals that end the parent end the child too
// (it dies with it).
#pragma once

#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::query {

struct ChildResult {
  int exit_code = 0;  // 128 + n for signal n
  std::string error;  // at most 64 KiB of standard error
};

// argv[0] is a path. Standard output goes to ours. Blocks until the child ends.
[[nodiscard]] Result<ChildResult> RunChild(const std::vector<std::string>& argv);

}  // namespace penstock::query
