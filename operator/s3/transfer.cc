#include "operator/s3/transfer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/s3/crc32c.h"
#include "operator/s3/md5.h"

namespace penstock::s3 {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kPiece = 256 * 1024;

// work(i) for each i below count by so many threads; the first error ends it.
Result<void> InParallel(std::size_t count, int workers,
                        const std::function<Result<void>(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Error> failed;
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      auto done = work(i);
      if (done) continue;
      next = count;
      const std::lock_guard lock(mutex);
      if (!failed) failed = done.error();
    }
  };
  {
    std::vector<std::jthread> threads;
    const auto most = std::min<std::size_t>(static_cast<std::size_t>(std::max(1, workers)), count);
    for (std::size_t w = 1; w < most; ++w) threads.emplace_back(run);
    run();
  }
  if (failed) return *failed;
  return {};
}

std::uint64_t PartBytes(std::uint64_t size, std::uint64_t wished) {
  constexpr std::uint64_t kMiB = 1 << 20;
  const std::uint64_t least = (size + kMaxParts - 1) / kMaxParts;
  const std::uint64_t part = std::max({wished, least, kMinPart});
  return (part + kMiB - 1) / kMiB * kMiB;
}

// The ETag of a part that the store keeps without a key of its own: MD5 in hex, in quotes.
Result<std::string> Md5Tag(FilePart& part) {
  Md5 md5;
  part.Rewind();
  while (true) {
    PENSTOCK_ASSIGN(const std::string_view piece, part.Next());
    if (piece.empty()) return "\"" + md5.HexDigest() + "\"";
    md5.Update(piece);
  }
}

class Uploading {
 public:
  Uploading(const Client& client, const std::string& key, const fs::path& file, std::uint64_t size,
            const TransferOptions& options)
      : client_(client),
        key_(key),
        file_(file),
        size_(size),
        options_(options),
        part_bytes_(PartBytes(size, options.part_bytes)),
        parts_((size + part_bytes_ - 1) / part_bytes_) {}

  Result<bool> Run() {
    if (auto begun = BeginOrGoOn(); !begun) return begun.error();
    auto done = InParallel(parts_.size(), options_.workers, [&](std::size_t i) { return Put(i); });
    if (done) done = client_.Complete(key_, id_, parts_, options_.only_new, options_.stop);
    if (done) return true;
    const ErrorKind kind = done.error().kind;
    // Another, who went on with the same upload, may have completed it.
    if (kind == ErrorKind::kNotFound) {
      const auto there = client_.Head(key_, options_.stop);
      if (there && there->size == size_) return false;
      return Transient(done.error().message + "; the upload was ended by another");
    }
    // What passes by itself, or was stopped, is gone on with, and old ones are swept as leftovers;
    // where there is no room, parts must not take what there is.
    const bool full = kind == ErrorKind::kNoSpace;
    if ((PassesByItself(kind) && !full) || kind == ErrorKind::kCancelled) return done.error();
    if (auto gone = client_.Abort(key_, id_, options_.stop); !gone)
      return Wrap(done.error().message + "; and what was uploaded stays", gone.error());
    if (kind == ErrorKind::kAlreadyExists) return false;
    return done.error();
  }

 private:
  Result<void> BeginOrGoOn() {
    const auto uploads = client_.Uploads(key_, options_.stop);
    const bool later = !uploads && (PassesByItself(uploads.error().kind) ||
                                    uploads.error().kind == ErrorKind::kCancelled);
    if (later) return uploads.error();
    // Who may not list them, or a store that does not: then it begins anew.
    const std::vector<Upload> known = uploads ? *uploads : std::vector<Upload>();
    const Upload* last = nullptr;
    for (const Upload& upload : known)
      if (upload.key == key_ && (last == nullptr || upload.begun >= last->begun)) last = &upload;
    if (last != nullptr) {
      auto there = client_.Parts(key_, last->id, options_.stop);
      if (there) {
        id_ = last->id;
        for (Part& part : *there)
          if (part.number >= 1 && static_cast<std::size_t>(part.number) <= parts_.size())
            there_[static_cast<std::size_t>(part.number) - 1] = std::move(part);
        return {};
      }
      if (there.error().kind != ErrorKind::kNotFound) return there.error();  // ended meanwhile
    }
    PENSTOCK_ASSIGN(id_, client_.BeginUpload(key_, options_.with_crc32c, options_.stop));
    return {};
  }

  Result<void> Put(std::size_t i) {
    const std::uint64_t offset = i * part_bytes_;
    PENSTOCK_ASSIGN(const auto part,
                    FilePart::Open(file_, offset, std::min(part_bytes_, size_ - offset)));
    std::string crc;
    if (options_.with_crc32c) {
      PENSTOCK_ASSIGN(crc, part->Crc32cBase64());
    }
    if (const auto sent = there_.find(i); sent != there_.end()) {
      PENSTOCK_ASSIGN(const bool same, IsSame(sent->second, *part, crc));
      if (same) {
        parts_[i] = sent->second;
        return {};
      }
    }
    part->Rewind();
    const Body body = part->AsBody();
    auto put = client_.PutPart(key_, id_, static_cast<int>(i) + 1, body, crc, options_.stop);
    if (!put) return put.error();
    parts_[i] = *std::move(put);
    return {};
  }

  static Result<bool> IsSame(const Part& sent, FilePart& part, const std::string& crc) {
    if (sent.size != part.AsBody().size) return false;
    if (!crc.empty() && !sent.crc32c.empty()) return sent.crc32c == crc;
    PENSTOCK_ASSIGN(const std::string tag, Md5Tag(part));
    return tag == sent.etag;
  }

  const Client& client_;
  const std::string& key_;
  const fs::path& file_;
  const std::uint64_t size_;
  const TransferOptions& options_;
  const std::uint64_t part_bytes_;
  std::string id_;
  std::map<std::size_t, Part> there_;  // of an upload that was cut off; only read by threads
  std::vector<Part> parts_;
};

// A file that is written at any offset, and goes unless it was kept.
class Target {
 public:
  static Result<std::unique_ptr<Target>> Create(const fs::path& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return FromErrno("creating " + path.string(), errno);
    return std::unique_ptr<Target>(new Target(fd, path));
  }
  ~Target() {
    ::close(fd_);
    if (!kept_) ::unlink(path_.c_str());
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  Result<void> Write(std::string_view bytes, std::uint64_t offset) const {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno("writing " + path_.string(), errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }
  void Keep() { kept_ = true; }

 private:
  Target(int fd, fs::path path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  fs::path path_;
  bool kept_ = false;
};

}  // namespace

FilePart::FilePart(int fd, fs::path path, std::uint64_t offset, std::uint64_t size)
    : fd_(fd), path_(std::move(path)), offset_(offset), size_(size) {}
FilePart::~FilePart() { ::close(fd_); }

Result<std::unique_ptr<FilePart>> FilePart::Open(const fs::path& path, std::uint64_t offset,
                                                 std::uint64_t size) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return FromErrno("opening " + path.string(), errno);
  return std::unique_ptr<FilePart>(new FilePart(fd, path, offset, size));
}

Result<std::string_view> FilePart::Next() {
  if (piece_.empty()) piece_.resize(std::clamp<std::uint64_t>(size_, 1, kPiece));
  const std::uint64_t left = size_ - done_;
  for (;;) {
    const ssize_t n = ::pread(fd_, piece_.data(), std::min<std::uint64_t>(left, piece_.size()),
                              static_cast<off_t>(offset_ + done_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno("reading " + path_.string(), errno);
    if (n == 0 && left > 0) return Invalid(path_.string() + " shrank while it was uploaded");
    done_ += static_cast<std::uint64_t>(n);
    return std::string_view(piece_.data(), static_cast<std::size_t>(n));
  }
}

Body FilePart::AsBody() {
  Body body;
  body.size = size_;
  body.next = [this] { return Next(); };
  body.rewind = [this]() -> Result<void> {
    Rewind();
    return {};
  };
  return body;
}

Result<std::string> FilePart::Crc32cBase64() {
  Rewind();
  Crc32c crc;
  while (true) {
    PENSTOCK_ASSIGN(const std::string_view piece, Next());
    if (piece.empty()) break;
    crc.Update(piece);
  }
  Rewind();
  return crc.Base64();
}

Result<bool> PutFile(const Client& client, const std::string& key, const fs::path& file,
                     const TransferOptions& options) {
  PENSTOCK_ASSIGN(const auto size, SizeOfFile(file));
  if (!size) return NotFound(file.string() + " is no regular file");
  if (*size > PartBytes(*size, options.part_bytes))
    return Uploading(client, key, file, *size, options).Run();
  PENSTOCK_ASSIGN(const auto part, FilePart::Open(file, 0, *size));
  Body body = part->AsBody();
  body.sha256 = options.sha256;
  Client::PutOptions how;
  how.only_new = options.only_new;
  auto put = client.Put(key, body, how, options.stop);
  if (!put && put.error().kind == ErrorKind::kAlreadyExists) return false;
  if (!put) return put.error();
  return true;
}

Result<void> GetFile(const Client& client, const std::string& key, std::uint64_t size,
                     const fs::path& target, const TransferOptions& options) {
  PENSTOCK_ASSIGN(const auto out, Target::Create(target));
  const std::uint64_t range = PartBytes(size, options.part_bytes);
  const auto read = [&](std::uint64_t offset, std::uint64_t length) -> Result<void> {
    std::uint64_t at = offset;
    Client::Range asked;
    if (length < size) asked = {offset, length};
    auto got = client.Get(
        key, asked,
        [&](std::string_view bytes) -> Result<void> {
          if (auto written = out->Write(bytes, at); !written) return written;
          at += bytes.size();
          return {};
        },
        options.stop);
    if (!got) return got.error();
    if (at - offset == length) return {};
    return Transient(client.Name(key) + " has another size than the " + std::to_string(size) +
                     " bytes that were told");
  };
  const std::size_t ranges = std::max<std::uint64_t>(1, (size + range - 1) / range);
  PENSTOCK_TRY(InParallel(ranges, options.workers, [&](std::size_t i) {
    const std::uint64_t offset = i * range;
    return read(offset, std::min(range, size - offset));
  }));
  out->Keep();
  return {};
}

}  // namespace penstock::s3
