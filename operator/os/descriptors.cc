#include "operator/os/descriptors.h"

#include <sys/resource.h>

#include <cerrno>

#include "operator/base/file.h"

namespace penstock {

Result<std::uint64_t> RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return FromErrno("reading the limit of open files", errno);
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
      return FromErrno("raising the limit of open files", errno);
  }
  return std::uint64_t{limit.rlim_cur};
}

}  // namespace penstock
