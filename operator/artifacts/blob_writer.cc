#include "operator/artifacts/blob_writer.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <utility>

#include "operator/artifacts/use_lock.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

// RLIMIT_FSIZE and a file system's largest file are to us what a full disk is.
Error WriteError(const std::string& context, int error_number) {
  Error e = FromErrno(context, error_number);
  if (error_number == EFBIG || e.kind == ErrorKind::kNoSpace) return VolumeIsFull(e.message);
  return e;
}

Result<void> MakeFolder(const fs::path& folder) {
  std::error_code ec;
  const bool created = fs::create_directories(folder, ec);
  if (ec) return WriteError("creating folder " + folder.string(), ec.value());
  return created ? SyncFolder(folder.parent_path()) : Result<void>{};
}

class FileBlobWriter : public BlobWriter {
 public:
  FileBlobWriter(fs::path folder, fs::path temporary, int fd, const Room& room)
      : folder_(std::move(folder)), temporary_(std::move(temporary)), fd_(fd), room_(room) {}
  ~FileBlobWriter() override {
    if (fd_ >= 0) ::close(fd_);
    if (!committed_) ::unlink(temporary_.c_str());
  }

  Result<void> Write(std::string_view bytes) override {
    hasher_.Update(bytes);
    if (auto room = room_.Before(bytes.size()); !room) return room;
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return WriteError("writing " + temporary_.string(), errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

  // Closes the file, unsynced, and leaves it to the caller.
  Result<fs::path> Release() {
    if (::fchmod(fd_, 0444) != 0)
      return WriteError("setting the mode of " + temporary_.string(), errno);
    if (::close(std::exchange(fd_, -1)) != 0)
      return WriteError("closing " + temporary_.string(), errno);
    committed_ = true;
    return temporary_;
  }

  Result<std::string> Commit(const std::string& expected) override {
    const std::string hex = hasher_.HexDigest();
    const std::string digest = "sha256:" + hex;
    if (!expected.empty() && expected != digest) {
      Error e = Invalid("the bytes have the digest " + digest + ", not " + expected);
      e.kind = ErrorKind::kDamaged;
      return e;
    }
    if (::fchmod(fd_, 0444) != 0)
      return WriteError("setting the mode of " + temporary_.string(), errno);
    if (::fsync(fd_) != 0) return WriteError("syncing " + temporary_.string(), errno);
    const int closed = ::close(std::exchange(fd_, -1));
    if (closed != 0) return WriteError("closing " + temporary_.string(), errno);
    const fs::path target = folder_ / "blobs" / hex.substr(0, 2) / hex;
    if (auto made = MakeFolder(target.parent_path()); !made) return made.error();
    const auto in_use = UseLock::Take(folder_, UseLock::Kind::kUse);
    if (!in_use) return in_use.error();
    // Over a blob that is there too: the bytes are the same, unless the disk damaged the old ones.
    if (::rename(temporary_.c_str(), target.c_str()) != 0)
      return WriteError("renaming " + temporary_.string() + " to " + target.string(), errno);
    committed_ = true;
    if (auto synced = SyncFolder(target.parent_path()); !synced) return synced.error();
    return digest;
  }

 private:
  fs::path folder_;
  fs::path temporary_;
  int fd_;
  RoomWatch room_;
  Sha256 hasher_;
  bool committed_ = false;
};

// Random, because writers in different pods may all be process 1.
Result<std::string> RandomName() {
  std::uint64_t words[2];
  if (::getrandom(words, sizeof(words), 0) != sizeof(words))
    return FromErrno("reading random bytes", errno);
  return Sha256Hex({reinterpret_cast<const char*>(words), sizeof(words)}).substr(0, 32);
}

constexpr std::size_t kSyncEachUpTo = 32;

Result<void> SyncFile(const fs::path& path, int (*sync)(int)) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno("opening " + path.string(), errno);
  const int failed = sync(fd);
  const int error = errno;
  ::close(fd);
  if (failed != 0) return WriteError("syncing " + path.string(), error);
  return {};
}

}  // namespace

BlobBatch::~BlobBatch() {
  for (const auto& p : pending_) ::unlink(p.temporary.c_str());
}

Result<void> BlobBatch::Add(std::unique_ptr<BlobWriter> blob, const std::string& hex) {
  auto released = static_cast<FileBlobWriter&>(*blob).Release();
  if (!released) return released.error();
  const std::lock_guard lock(mutex_);
  pending_.push_back({std::move(*released), hex});
  return {};
}

// A few one by one; many with the whole file system, which others may have dirtied too.
Result<void> SyncAll(const std::vector<fs::path>& paths) {
  if (paths.size() > kSyncEachUpTo) return SyncFile(paths[0], ::syncfs);
  for (const auto& path : paths)
    if (auto synced = SyncFile(path, ::fsync); !synced) return synced;
  return {};
}

Result<void> BlobBatch::Commit() {
  if (pending_.empty()) return {};
  std::vector<fs::path> files;
  for (const auto& p : pending_) files.push_back(p.temporary);
  if (auto synced = SyncAll(files); !synced) return synced;
  const auto in_use = UseLock::Take(folder_, UseLock::Kind::kUse);
  if (!in_use) return in_use.error();
  std::set<fs::path> folders{folder_ / "blobs"};
  while (!pending_.empty()) {
    const Pending& p = pending_.back();
    const fs::path target = folder_ / "blobs" / p.hex.substr(0, 2) / p.hex;
    std::error_code ec;
    if (folders.insert(target.parent_path()).second)
      fs::create_directories(target.parent_path(), ec);
    if (ec) return WriteError("creating folder " + target.parent_path().string(), ec.value());
    // The first of many was written long ago: as a blob it is as old as its name.
    if (::utimensat(AT_FDCWD, p.temporary.c_str(), nullptr, 0) != 0)
      return FromErrno("touching " + p.temporary.string(), errno);
    if (::rename(p.temporary.c_str(), target.c_str()) != 0)
      return WriteError("renaming " + p.temporary.string() + " to " + target.string(), errno);
    pending_.pop_back();
  }
  return SyncAll({folders.begin(), folders.end()});
}

Result<std::unique_ptr<BlobWriter>> NewFileBlob(const fs::path& folder, const Room& room) {
  if (auto has = room.For(0); !has) return has.error();
  const fs::path temporaries = folder / "tmp";
  if (auto made = MakeFolder(temporaries); !made) return made.error();
  auto name = RandomName();
  if (!name) return name.error();
  const fs::path temporary = temporaries / *name;
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return WriteError("creating " + temporary.string(), errno);
  return std::unique_ptr<BlobWriter>(std::make_unique<FileBlobWriter>(folder, temporary, fd, room));
}

}  // namespace penstock::artifacts
