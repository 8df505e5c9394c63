#include "operator/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace penstock {

Error FromErrno(const std::string& context, int error_number) {
  Error e;
  e.message = context + ": " + std::generic_category().message(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      e.kind = ErrorKind::kNoSpace;
      break;
    case EAGAIN:
    case EINTR:
    case EMFILE:
    case ENFILE:
      e.kind = ErrorKind::kTransient;
      break;
    case ENOENT:
      e.kind = ErrorKind::kNotFound;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      e.kind = ErrorKind::kForbidden;
      break;
    case EEXIST:
      e.kind = ErrorKind::kAlreadyExists;
      break;
    default:
      e.kind = ErrorKind::kInternal;
  }
  return e;
}

namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  int Close() {
    const int r = ::close(fd_);
    fd_ = -1;
    return r;
  }

 private:
  int fd_;
};

Result<void> WriteAll(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno("writing " + name, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::string> ReadFile(const std::filesystem::path& path, std::uint64_t limit) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return FromErrno("opening " + path.string(), errno);
  std::string out;
  std::string chunk(1 << 16, '\0');
  for (;;) {
    const ssize_t n = ::read(fd.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno("reading " + path.string(), errno);
    if (n == 0) return out;
    out.append(chunk.data(), static_cast<std::size_t>(n));
    if (out.size() > limit)
      return Invalid(path.string() + " is larger than " + std::to_string(limit) + " bytes");
  }
}

Result<void> SyncFolder(const std::filesystem::path& folder) {
  Fd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return FromErrno("opening folder " + folder.string(), errno);
  if (::fsync(fd.get()) != 0 && errno != EINVAL)
    return FromErrno("syncing folder " + folder.string(), errno);
  return {};
}

Result<void> WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes) {
  static std::atomic<std::uint64_t> counter{0};
  std::error_code ec;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ec);
  if (ec) return FromErrno("creating folder " + path.parent_path().string(), ec.value());
  const std::string temporary =
      path.string() + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (fd.get() < 0) return FromErrno("creating " + temporary, errno);
  auto done = WriteAll(fd.get(), bytes, temporary);
  if (done && ::fsync(fd.get()) != 0) done = FromErrno("syncing " + temporary, errno);
  if (done && fd.Close() != 0) done = FromErrno("closing " + temporary, errno);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0)
    done = FromErrno("renaming " + temporary + " to " + path.string(), errno);
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  return SyncFolder(path.parent_path());
}

}  // namespace penstock
