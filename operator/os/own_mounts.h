// A view of the file system that is this process's and its children's alone: folders and files of
// the machine shown at other paths, also at paths that the machine does not have. Nothing of it is
// seen from outside, and nothing is made on the machine's disk.
//
// It takes a mount name space: as root, or by a user name space where the kernel gives them to
// everybody. User and group stay what they are.
#pragma once

#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock {

struct OwnMount {
  std::string source;  // absolute, a file or folder of the machine
  std::string target;  // absolute
  bool read_only = false;
};

// For a process of one thread. After an error the process must end: its view may be half made.
[[nodiscard]] Result<void> EnterOwnMounts(std::vector<OwnMount> mounts);

}  // namespace penstock
