#include "operator/archive/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

#include "operator/archive/inflate.h"
#include "operator/archive/tar_reader.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"

namespace penstock::archive {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd";
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

const char* NameOf(char type) {
  switch (type) {
    case '1':
    case '2':
      return "a link: pack it with tar --dereference --hard-dereference";
    case '3':
    case '4':
      return "a device";
    case '6':
      return "a pipe";
    default:
      return "of a kind that is no file and no folder";
  }
}

// The path with neither "./" in front nor "/" at its end; Invalid where it leads out of the folder.
Result<std::string> Inside(std::string_view path) {
  const auto bad = [&] {
    return Invalid("the archive's entry '" + plan::Shown(path, 200) +
                   "' leads out of the folder that it is unpacked to");
  };
  std::string clean;
  if (path.starts_with('/')) return bad();
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (part == ".." || part.find('\0') != std::string_view::npos) return bad();
    if (part.size() > 255) return Invalid("the archive has a name of more than 255 bytes");
    clean += (clean.empty() ? "" : "/") + std::string(part);
  }
  if (clean.size() > 4000) return Invalid("the archive has a path of more than 4000 bytes");
  return clean;
}

}  // namespace

class Unpacker::Impl {
 public:
  explicit Impl(UnpackOptions options) : options_(std::move(options)) {}
  ~Impl() { Close(); }

  Result<void> Write(std::string_view bytes) {
    if (!tar_) {  // what it is stands in its first four bytes
      first_ += bytes;
      if (first_.size() < kZstd.size()) return {};
      Begin();
      if (std::string_view(first_).starts_with(kZstd))
        return Invalid("the archive is compressed with zstd, which is not read here: use gzip");
      const std::string first = std::exchange(first_, {});
      return Pass(first);
    }
    return Pass(bytes);
  }

  Result<void> Finish() {
    if (!tar_) return Invalid("the archive is empty");
    if (inflater_) {
      if (auto whole = inflater_->Finish(); !whole) return whole;
    }
    auto whole = tar_->Finish();
    tar_.reset();
    inflater_.reset();
    return whole;
  }

  [[nodiscard]] std::uint64_t files() const { return files_; }

 private:
  void Begin() {
    TarEvents events;
    events.begin = [this](const TarEntry& entry) { return OnEntry(entry); };
    events.data = [this](std::string_view bytes) { return OnData(bytes); };
    events.end = [this] { return OnEnd(); };
    tar_.emplace(std::move(events));
    if (std::string_view(first_).starts_with(kGzip)) inflater_.emplace();
  }

  Result<void> Pass(std::string_view bytes) {
    if (!inflater_) return tar_->Write(bytes);
    return inflater_->Write(bytes, [this](std::string_view out) { return tar_->Write(out); });
  }

  Result<void> OnEntry(const TarEntry& entry) {
    passed_ = true;
    auto path = Inside(entry.path);
    if (!path) return path.error();
    if (!options_.only.empty()) {
      if (!path->starts_with(options_.only)) return {};
      path->erase(0, options_.only.size());
    }
    if (path->empty()) return {};
    const fs::path target = options_.root / *path;
    const std::string name = target.filename().string();
    if (options_.layers && name.starts_with(kWhiteout)) return Remove(target.parent_path(), name);
    if (entry.type == '5') return MakeFolder(target);
    if (entry.type != '0')
      return Invalid("the archive's entry '" + plan::Shown(entry.path, 200) + "' is " +
                     NameOf(entry.type));
    if (++files_ > options_.limits.files)
      return Error{ErrorKind::kTooLarge, "the archive holds more than " +
                                             std::to_string(options_.limits.files) + " files"};
    return Open(target, entry);
  }

  Result<void> Open(const fs::path& target, const TarEntry& entry) {
    if (auto made = MakeFolder(target.parent_path()); !made) return made;
    std::error_code ec;
    if (options_.layers && fs::exists(fs::symlink_status(target, ec))) {
      fs::remove_all(target, ec);
      --files_;
    }
    fd_ = ::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 entry.executable ? 0755 : 0644);
    if (fd_ < 0 && errno == EEXIST)
      return Invalid("the archive holds '" + plan::Shown(entry.path, 200) + "' twice");
    if (fd_ < 0) return FromErrno("creating " + target.string(), errno);
    target_ = target;
    passed_ = false;
    return {};
  }

  Result<void> OnData(std::string_view bytes) {
    if (passed_) return {};
    bytes_ += bytes.size();
    if (bytes_ > options_.limits.bytes)
      return Error{ErrorKind::kTooLarge, "the archive's files have more than " +
                                             std::to_string(options_.limits.bytes) + " bytes"};
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno("writing " + target_.string(), errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

  Result<void> OnEnd() {
    if (passed_) return {};
    const int fd = std::exchange(fd_, -1);
    if (::close(fd) != 0) return FromErrno("writing " + target_.string(), errno);
    return {};
  }

  Result<void> MakeFolder(const fs::path& folder) {
    std::error_code ec;
    fs::create_directories(folder, ec);
    if (!ec) return {};
    if (ec.value() == ENOTDIR || ec.value() == EEXIST)
      return Invalid("the archive holds " + folder.string() + " as a file and as a folder");
    return FromErrno("creating " + folder.string(), ec.value());
  }

  Result<void> Remove(const fs::path& folder, const std::string& whiteout) {
    std::error_code ec;
    if (whiteout == kOpaque) {
      for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
        fs::remove_all(it->path(), ec);
      return {};
    }
    const std::string name = whiteout.substr(kWhiteout.size());
    if (name.empty() || name == "." || name == "..") return Invalid("the layer has a bad whiteout");
    fs::remove_all(folder / name, ec);
    return {};
  }

  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  const UnpackOptions options_;
  std::string first_;
  std::optional<Inflater> inflater_;
  std::optional<TarReader> tar_;
  int fd_ = -1;
  fs::path target_;
  bool passed_ = true;  // the entry is not written
  std::uint64_t bytes_ = 0;
  std::uint64_t files_ = 0;
};

Unpacker::Unpacker(UnpackOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Unpacker::~Unpacker() = default;
Result<void> Unpacker::Write(std::string_view bytes) { return impl_->Write(bytes); }
Result<void> Unpacker::Finish() { return impl_->Finish(); }
std::uint64_t Unpacker::files() const { return impl_->files(); }

}  // namespace penstock::archive
