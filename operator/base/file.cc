#include "operator/base/file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

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

Result<std::optional<std::uint64_t>> SizeOfFile(const std::filesystem::path& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0) {
    if (!S_ISREG(st.st_mode)) return std::optional<std::uint64_t>();
    return std::optional(static_cast<std::uint64_t>(st.st_size));
  }
  if (errno == ENOENT) return std::optional<std::uint64_t>();
  return FromErrno("looking at " + path.string(), errno);
}

Result<void> SyncFolder(const std::filesystem::path& folder) {
  Fd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return FromErrno("opening folder " + folder.string(), errno);
  if (::fsync(fd.get()) != 0 && errno != EINVAL)
    return FromErrno("syncing folder " + folder.string(), errno);
  return {};
}

namespace {

constexpr std::string_view kTemporary = ".tmp-";

// Random, because a process that is killed leaves its files, and the next one in a container has
// the same number.
Result<std::string> RandomHex() {
  std::array<unsigned char, 8> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return FromErrno("reading random bytes", errno);
  std::string out;
  for (const unsigned char b : bytes) {
    out += "0123456789abcdef"[b >> 4];
    out += "0123456789abcdef"[b & 15];
  }
  return out;
}

}  // namespace

bool IsTemporary(std::string_view name) {
  const std::size_t at = name.rfind(kTemporary);
  if (at == std::string_view::npos) return false;
  const std::string_view rest = name.substr(at + kTemporary.size());
  return !rest.empty() && rest.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

Result<AtomicFile> AtomicFile::Create(const std::filesystem::path& path) {
  std::error_code ec;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ec);
  if (ec) return FromErrno("creating folder " + path.parent_path().string(), ec.value());
  const auto random = RandomHex();
  if (!random) return random.error();
  std::string temporary = path.string() + std::string(kTemporary) + *random;
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return FromErrno("creating " + temporary, errno);
  return AtomicFile(fd, path, std::move(temporary));
}

AtomicFile::AtomicFile(int fd, std::filesystem::path path, std::string temporary)
    : fd_(fd), path_(std::move(path)), temporary_(std::move(temporary)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})) {}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> AtomicFile::Write(std::string_view bytes) { return WriteAll(fd_, bytes, temporary_); }

Result<void> AtomicFile::Commit() {
  if (::fsync(fd_) != 0) return FromErrno("syncing " + temporary_, errno);
  if (::close(std::exchange(fd_, -1)) != 0) return FromErrno("closing " + temporary_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    return FromErrno("renaming " + temporary_ + " to " + path_.string(), errno);
  temporary_.clear();
  return SyncFolder(path_.parent_path());
}

Result<void> WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes) {
  auto file = AtomicFile::Create(path);
  if (!file) return file.error();
  if (auto written = file->Write(bytes); !written) return written;
  return file->Commit();
}

}  // namespace penstock
