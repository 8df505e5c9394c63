#include "operator/artifacts/pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "operator/base/file.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

// Calls work(worker, i) for i in [0, count), and gives the first error.
Result<void> ForEach(std::size_t count, const std::function<Result<void>(int, std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Error> failed;
  const auto run = [&](int worker) {
    for (std::size_t i = next++; i < count; i = next++) {
      auto done = work(worker, i);
      if (done) continue;
      next = count;
      const std::lock_guard lock(mutex);
      if (!failed) failed = done.error();
    }
  };
  {
    std::vector<std::jthread> threads;
    const int workers = static_cast<int>(std::min<std::size_t>(kWorkers, count));
    for (int w = 1; w < workers; ++w) threads.emplace_back(run, w);
    run(0);
  }
  if (failed) return *failed;
  return {};
}

Result<void> MakeFolders(const Manifest& m, const fs::path& target) {
  std::set<fs::path> folders;
  for (const auto& f : m.files) folders.insert((target / f.path).parent_path());
  for (const auto& folder : folders) {
    std::error_code ec;
    fs::create_directories(folder, ec);
    if (ec) return FromErrno("creating folder " + folder.string(), ec.value());
  }
  return {};
}

Result<void> UnpackFolder(const ArtifactRef& artifact, const fs::path& target,
                          const UnpackSource& source) {
  auto text = source.get_manifest(artifact.digest);
  if (!text) return text.error();
  const std::string actual = "sha256:" + Sha256Hex(*text);
  if (actual != artifact.digest)
    return DigestMismatch("the manifest of " + artifact.digest, artifact.digest, actual);
  auto manifest = ParseManifest(*text);
  if (!manifest) return Wrap("folder artifact " + artifact.digest, manifest.error());
  if (auto made = MakeFolders(*manifest, target); !made) return made;
  auto done = ForEach(manifest->files.size(), [&](int worker, std::size_t i) {
    const ManifestFile& f = manifest->files[i];
    return source.get_file(worker, f, target / f.path, true);
  });
  if (!done) return done;
  return MakeReadOnly(target);
}

Result<ArtifactRef> PackFolder(const fs::path& source, const PackSink& sink) {
  auto files = ListTree(source);
  if (!files) return files.error();
  Manifest m;
  m.files.resize(files->size());
  auto done = ForEach(files->size(), [&](int worker, std::size_t i) -> Result<void> {
    auto digest = sink.put_file(worker, source / (*files)[i].path);
    if (!digest) return digest.error();
    m.files[i] = {(*files)[i].path, digest->size, std::move(digest->sha256), (*files)[i].executable,
                  std::move(digest->blocks)};
    return {};
  });
  if (!done) return done.error();
  const std::string text = FormatManifest(m);
  // What would be refused on the way out is refused on the way in.
  if (auto readable = ParseManifest(text); !readable)
    return Wrap(source.string(), readable.error());
  const std::string digest = "sha256:" + Sha256Hex(text);
  if (auto put = sink.put_manifest(text, digest); !put) return put.error();
  return ArtifactRef{digest, true, m.Bytes()};
}

}  // namespace

Error DigestMismatch(const std::string& what, const std::string& expected,
                     const std::string& actual) {
  Error e = Invalid(what + " is damaged: its digest should be " + expected + " and is " + actual);
  e.kind = ErrorKind::kDamaged;
  return e;
}

Result<std::unique_ptr<TargetFile>> TargetFile::Create(const fs::path& path,
                                                       const ManifestFile& expected,
                                                       bool check_size) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return FromErrno("creating " + path.string(), errno);
  return std::unique_ptr<TargetFile>(new TargetFile(fd, path, expected, check_size));
}

TargetFile::TargetFile(int fd, fs::path path, ManifestFile expected, bool check_size)
    : fd_(fd),
      path_(std::move(path)),
      expected_(std::move(expected)),
      check_size_(check_size),
      hasher_(!expected_.blocks.empty()) {}

TargetFile::~TargetFile() {
  ::close(fd_);
  if (!finished_) ::unlink(path_.c_str());
}

Result<void> TargetFile::Write(std::string_view bytes) {
  hasher_.Update(bytes);
  if (check_size_ && written() > expected_.size)
    return DigestMismatch(
        path_.string() + " (longer than its " + std::to_string(expected_.size) + " bytes)",
        expected_.sha256, "another");
  if (auto blocks = CheckBlocks(); !blocks) return blocks;
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno("writing " + path_.string(), errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> TargetFile::CheckBlocks() {
  const auto& seen = hasher_.so_far().blocks;
  for (; !expected_.blocks.empty() && checked_blocks_ < seen.size(); ++checked_blocks_) {
    const std::size_t i = checked_blocks_;
    if (i >= expected_.blocks.size() || seen[i] != expected_.blocks[i])
      return DigestMismatch(path_.string() + ", block " + std::to_string(i),
                            i < expected_.blocks.size() ? expected_.blocks[i] : "none", seen[i]);
  }
  return {};
}

Result<void> TargetFile::Finish() {
  const FileDigest digest = hasher_.Finish();
  if (digest.sha256 != expected_.sha256 || (check_size_ && digest.size != expected_.size) ||
      (!expected_.blocks.empty() && digest.blocks != expected_.blocks))
    return DigestMismatch(path_.string(), expected_.sha256, digest.sha256);
  if (::fchmod(fd_, expected_.executable ? 0555 : 0444) != 0)
    return FromErrno("making " + path_.string() + " read-only", errno);
  finished_ = true;
  return {};
}

Result<void> TargetFile::Restart() {
  if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0)
    return FromErrno("emptying " + path_.string(), errno);
  hasher_ = BlockHasher(!expected_.blocks.empty());
  checked_blocks_ = 0;
  return {};
}

Result<ArtifactRef> Pack(const fs::path& source, const PackSink& sink) {
  std::error_code ec;
  const fs::file_status status = fs::symlink_status(source, ec);
  if (status.type() == fs::file_type::not_found)
    return NotFound(source.string() + " does not exist");
  if (ec) return FromErrno("looking at " + source.string(), ec.value());
  if (status.type() == fs::file_type::directory) return PackFolder(source, sink);
  if (status.type() != fs::file_type::regular)
    return Invalid(source.string() + " is no regular file and no folder (a link, device or pipe)");
  auto digest = sink.put_file(0, source);
  if (!digest) return digest.error();
  return ArtifactRef{"sha256:" + digest->sha256, false, digest->size};
}

Result<void> Unpack(const ArtifactRef& artifact, const fs::path& target,
                    const UnpackSource& source) {
  if (!IsDigest(artifact.digest))
    return Invalid("'" + artifact.digest.substr(0, 80) + "' is no artifact digest");
  std::error_code ec;
  if (fs::symlink_status(target, ec).type() != fs::file_type::not_found)
    return Invalid(target.string() + " exists already; an artifact is written to a new path");
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), ec);
  if (ec) return FromErrno("creating folder " + target.parent_path().string(), ec.value());
  if (!artifact.folder) {
    ManifestFile file;
    file.path = target.filename().string();
    file.size = artifact.bytes;
    file.sha256 = artifact.digest.substr(7);
    return source.get_file(0, file, target, false);
  }
  fs::create_directory(target, ec);
  if (ec) return FromErrno("creating folder " + target.string(), ec.value());
  auto done = UnpackFolder(artifact, target, source);
  if (!done) {
    if (auto removed = RemoveTree(target); !removed) {
      Error e = done.error();
      e.message += "; and " + removed.error().message;
      return e;
    }
  }
  return done;
}

}  // namespace penstock::artifacts
