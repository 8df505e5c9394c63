#include "operator/artifacts/folder_objects.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "operator/artifacts/blob_writer.h"
#include "operator/artifacts/leftovers.h"
#include "operator/artifacts/open_file.h"
#include "operator/artifacts/tree.h"
#include "operator/artifacts/use_lock.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

// Hands a part of a regular file to `sink` in pieces.
Result<void> ReadPart(const fs::path& path, std::uint64_t offset, std::uint64_t length,
                      const ByteSink& sink) {
  const auto file = OpenFile::Open(path);
  if (!file) return file.error();
  // No larger than the file: a folder of many small ones would spend its time on clearing memory.
  std::string chunk(std::clamp<std::uint64_t>(std::min(file->size(), length), 4096, 1 << 20), '\0');
  while (length > 0) {
    const ssize_t n =
        ::pread(file->fd(), chunk.data(), std::min<std::uint64_t>(chunk.size(), length),
                static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno("reading " + path.string(), errno);
    if (n == 0) return {};
    const auto got = static_cast<std::size_t>(n);
    PENSTOCK_TRY(sink(std::string_view(chunk.data(), got)));
    offset += got;
    length -= got;
  }
  return {};
}

TimePoint ModifiedAt(const struct stat& st) {
  return TimePoint(std::chrono::duration_cast<TimePoint::duration>(
      std::chrono::seconds(st.st_mtim.tv_sec) + std::chrono::nanoseconds(st.st_mtim.tv_nsec)));
}

class FolderBatch : public ObjectBatch {
 public:
  FolderBatch(fs::path folder, Room room)
      : folder_(std::move(folder)), room_(std::move(room)), blobs_(folder_) {}

  Result<FileDigest> Put(const fs::path& file) override {
    PENSTOCK_ASSIGN(auto writer, NewFileBlob(folder_, room_));
    BlockHasher hasher;
    PENSTOCK_TRY(ReadPart(file, 0, UINT64_MAX, [&](std::string_view bytes) {
      hasher.Update(bytes);
      return writer->Write(bytes);
    }));
    FileDigest digest = hasher.Finish();
    PENSTOCK_TRY(blobs_.Add(std::move(writer), digest.sha256));
    return digest;
  }
  Result<void> Commit() override { return blobs_.Commit(); }

 private:
  const fs::path folder_;
  const Room room_;
  BlobBatch blobs_;
};

}  // namespace

Result<void> FolderObjects::HasRoomFor(const std::string&, std::uint64_t bytes) const {
  return room_.For(bytes);
}

Result<void> FolderObjects::PutBlob(const std::string& ns, const std::string& digest,
                                    std::optional<std::uint64_t>, const ByteSource& source) const {
  PENSTOCK_ASSIGN(const auto writer, NewFileBlob(root_ / ns, room_));
  while (true) {
    PENSTOCK_ASSIGN(const std::string_view piece, source());
    if (piece.empty()) break;
    PENSTOCK_TRY(writer->Write(piece));
  }
  auto done = writer->Commit(digest);
  return done ? Result<void>{} : done.error();
}

std::unique_ptr<ObjectBatch> FolderObjects::NewBatch(const std::string& ns) const {
  return std::make_unique<FolderBatch>(root_ / ns, room_);
}

Result<void> FolderObjects::SetAside(const std::string& ns, const std::string& digest) const {
  std::error_code ec;
  const fs::path path = root_ / BlobKey(ns, digest);
  const fs::path aside = root_ / ns / "damaged";
  fs::create_directories(aside, ec);
  if (!ec) fs::rename(path, aside / digest.substr(7), ec);
  if (ec) return FromErrno("setting aside the damaged " + path.string(), ec.value());
  return {};
}

// What the reserve is for; on a volume that is full to its last byte it is refused by name too.
Result<void> FolderObjects::Put(const std::string& key, const std::string& text) const {
  return OnVolume(WriteFileAtomically(root_ / key, text));
}

Result<std::string> FolderObjects::Get(const std::string& key, std::uint64_t limit) const {
  return ReadFile(root_ / key, limit);
}

Result<std::optional<std::uint64_t>> FolderObjects::Size(const std::string& key) const {
  return SizeOfFile(root_ / key);
}

Result<bool> FolderObjects::Have(const std::vector<ObjectSize>& objects) const {
  const std::string root = root_.string() + "/";
  for (const ObjectSize& object : objects) {
    PENSTOCK_ASSIGN(const auto size, SizeOfFile(root + object.key));
    if (size != object.bytes) return false;
  }
  return true;
}

Result<void> FolderObjects::Read(const std::string& key, std::uint64_t offset, std::uint64_t length,
                                 const ByteSink& sink) const {
  return ReadPart(root_ / key, offset, length, sink);
}

Result<LocalObject> FolderObjects::Local(const std::string& key) const {
  PENSTOCK_ASSIGN(const auto size, Size(key));
  if (!size) return NotFound((root_ / key).string() + " is not there");
  return LocalObject(root_ / key);
}

Result<void> FolderObjects::Remove(const std::string& key) const {
  std::error_code ec;
  fs::remove(root_ / key, ec);
  if (ec) return FromErrno("removing " + (root_ / key).string(), ec.value());
  return {};
}

Result<void> FolderObjects::RemoveBelow(const std::string& folder) const {
  return RemoveTree(root_ / folder);
}

// A folder that is not there is empty.
Result<std::vector<std::string>> FolderObjects::Names(const std::string& folder) const {
  const fs::path path = root_ / folder;
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) {
    std::string name = it->path().filename().string();
    if (!IsTemporary(name)) names.push_back(std::move(name));
  }
  if (ec && ec != std::errc::no_such_file_or_directory && ec != std::errc::not_a_directory)
    return FromErrno("reading folder " + path.string(), ec.value());
  std::sort(names.begin(), names.end());
  return names;
}

Result<bool> FolderObjects::Touch(const std::string& key) const {
  const fs::path path = root_ / key;
  PENSTOCK_ASSIGN(const auto size, SizeOfFile(path));
  if (!size) return false;
  PENSTOCK_ASSIGN(const UseLock lock, UseLock::Take(FolderOf(key), UseLock::Kind::kUse));
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0) return true;
  if (errno == ENOENT) return false;
  return FromErrno("touching " + path.string(), errno);
}

Result<std::vector<ObjectUse>> FolderObjects::Uses(const std::string& folder) const {
  PENSTOCK_ASSIGN(const auto names, Names(folder));
  std::vector<ObjectUse> uses;
  uses.reserve(names.size());
  for (const std::string& name : names) {
    const fs::path path = root_ / folder / name;
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) {
      if (errno == ENOENT) continue;  // it has gone meanwhile
      return FromErrno("looking at " + path.string(), errno);
    }
    if (S_ISREG(st.st_mode))
      uses.push_back({name, static_cast<std::uint64_t>(st.st_size), ModifiedAt(st)});
  }
  return uses;
}

Result<bool> FolderObjects::RemoveUnused(const std::string& key, TimePoint before) const {
  const fs::path path = root_ / key;
  PENSTOCK_ASSIGN(const UseLock lock, UseLock::Take(FolderOf(key), UseLock::Kind::kRemove));
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT) return true;
    return FromErrno("looking at " + path.string(), errno);
  }
  if (ModifiedAt(st) >= before) return false;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return FromErrno("removing " + path.string(), errno);
  return true;
}

// The lock's file is touched, which a full volume lets us do, too.
Result<TimePoint> FolderObjects::Now(const std::string& ns) const {
  PENSTOCK_ASSIGN(const UseLock lock, UseLock::Take(root_ / ns, UseLock::Kind::kUse));
  struct stat st {};
  if (::futimens(lock.fd(), nullptr) != 0 || ::fstat(lock.fd(), &st) != 0)
    return FromErrno("asking what time it is on " + (root_ / ns).string(), errno);
  return ModifiedAt(st);
}

Result<int> FolderObjects::RemoveLeftovers(std::chrono::seconds age) const {
  return RemoveLeftoversUnder(root_, age);
}

}  // namespace penstock::artifacts
