#include "operator/artifacts/use_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "operator/base/file.h"

namespace penstock::artifacts {

Result<UseLock> UseLock::Take(const std::filesystem::path& folder, Kind kind) {
  const std::filesystem::path path = folder / "lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return FromErrno("opening " + path.string(), errno);
  UseLock lock(fd);
  while (::flock(fd, kind == Kind::kUse ? LOCK_SH : LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const bool has_none = errno == ENOLCK || errno == ENOSYS || errno == EOPNOTSUPP;
    if (has_none && kind == Kind::kUse) break;
    Error error = FromErrno("locking " + path.string(), errno);
    if (has_none) error.kind = ErrorKind::kUnsupported;
    return error;
  }
  return lock;
}

}  // namespace penstock::artifacts
