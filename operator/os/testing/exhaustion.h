// A process that has run out of file descriptors. For tests only.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>

#include <vector>

#include "operator/os/fd.h"

namespace penstock {

// Takes all descriptors that this process may have but `spare`, until it is destroyed.
class Exhaustion {
 public:
  explicit Exhaustion(int spare) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 256;
    setrlimit(RLIMIT_NOFILE, &few);
    for (int fd = 0; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.emplace_back(fd);
    for (int i = 0; i < spare && !taken_.empty(); ++i) taken_.pop_back();
  }
  ~Exhaustion() { setrlimit(RLIMIT_NOFILE, &before_); }
  Exhaustion(const Exhaustion&) = delete;
  Exhaustion& operator=(const Exhaustion&) = delete;

 private:
  rlimit before_{};
  std::vector<Fd> taken_;
};

}  // namespace penstock
