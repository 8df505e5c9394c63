#include "operator/fetch/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <system_error>

#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::fetch {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 1 << 20;
constexpr std::size_t kMostNames = 1'000'000;  // that are looked at

class OpenFile {
 public:
  explicit OpenFile(const fs::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

std::string StateOf(const struct stat& s) {
  std::string out = "\"";
  for (const auto number : {std::int64_t(s.st_dev), std::int64_t(s.st_ino), std::int64_t(s.st_size),
                            std::int64_t(s.st_mtim.tv_sec), std::int64_t(s.st_mtim.tv_nsec)})
    out += std::to_string(number) + ".";
  return out + '"';
}

class FolderStore : public SourceStore {
 public:
  explicit FolderStore(const std::string& folder) : folder_("/" + folder) {}

  [[nodiscard]] std::string Name(const std::string& key) const override { return "file:///" + key; }

  // All of it is one page.
  [[nodiscard]] Result<Page> List(const std::string& prefix, const std::string& /*token*/,
                                  int /*most*/, std::stop_token stop) override {
    const auto slash = prefix.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : prefix.substr(0, slash + 1);
    const std::string begin = prefix.substr(folder.size());
    PENSTOCK_ASSIGN(const fs::path real, Real("/" + folder));
    PENSTOCK_ASSIGN(const auto names, NamesIn(real));
    Page page;
    for (auto at = names->lower_bound(begin); at != names->end() && at->starts_with(begin); ++at)
      PENSTOCK_TRY(Add(folder + *at, real / *at, page, stop));
    return page;
  }

  [[nodiscard]] Result<SourceObject> Get(const std::string& key, const std::string& etag,
                                         const Sink& sink, std::stop_token stop) override {
    const auto found = Real("/" + key);
    if (!found) return found.error().kind == ErrorKind::kNotFound ? Changed(key) : found.error();
    const fs::path& real = *found;
    const OpenFile file(real);
    struct stat before {};
    if (file.fd() < 0 || ::fstat(file.fd(), &before) != 0) return FromErrno(Name(key), errno);
    if (!S_ISREG(before.st_mode)) return NoFile(key);
    const std::string state = StateOf(before);
    if (!etag.empty() && etag != state) return Changed(key);
    PENSTOCK_ASSIGN(const std::string digest, Read(file.fd(), key, sink, stop));
    struct stat after {};
    if (::fstat(file.fd(), &after) != 0) return FromErrno(Name(key), errno);
    if (StateOf(after) != state) return Changed(key);
    return SourceObject{key, std::uint64_t(before.st_size), "\"sha256:" + digest + '"', ""};
  }

 private:
  using Names = std::set<std::string>;

  [[nodiscard]] Error Changed(const std::string& key) const {
    return Transient(Name(key) + ": somebody wrote it while it was read");
  }
  [[nodiscard]] Error NoFile(const std::string& key) const {
    return Invalid(Name(key) + " is neither a file nor a folder");
  }

  Result<std::string> Read(int fd, const std::string& key, const Sink& sink,
                           const std::stop_token& stop) const {
    Sha256 hash;
    std::string piece(kPiece, '\0');
    for (;;) {
      if (stop.stop_requested()) return Cancelled("stopped while reading " + Name(key));
      const ssize_t n = ::read(fd, piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno(Name(key), errno);
      if (n == 0) return hash.HexDigest();
      const std::string_view bytes(piece.data(), std::size_t(n));
      hash.Update(bytes);
      PENSTOCK_TRY(sink(bytes));
    }
  }

  // Where a path leads, within the folder.
  Result<fs::path> Real(const fs::path& path) const {
    std::error_code error;
    const fs::path root = fs::canonical(folder_, error);
    if (error == std::errc::no_such_file_or_directory)
      return Invalid("file://" + folder_.string() +
                     ": there is no such folder; on a cluster a "
                     "file: URI is a path in the step's own container");
    if (error) return FromErrno(folder_.string(), error.value());
    const fs::path real = fs::canonical(path, error);
    if (IsAbsent(error)) return NotFound("file://" + path.string() + ": no such file or folder");
    if (error) return FromErrno(path.string(), error.value());
    const auto within = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
    if (within.first == root.end()) return real;
    return Invalid("file://" + path.string() +
                   " is a link, or lies behind one, that leads out of " + folder_.string() +
                   ", to " + real.string() + "; only what is in that folder is read");
  }

  // Each folder is looked through once: of a folder with a file a day a window asks once a day.
  Result<const Names*> NamesIn(const fs::path& real) {
    const std::lock_guard lock(mutex_);
    const auto [at, added] = names_.try_emplace(real);
    if (!added) return &at->second;
    std::error_code error;
    fs::directory_iterator entry(real, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      at->second.insert(entry->path().filename().string());
      if (++looked_at_ > kMostNames)
        return Invalid("file://" + real.string() + ": more than 1000000 names; name more of the " +
                       "path before the first *");
    }
    if (!error) return &at->second;
    names_.erase(at);
    if (IsAbsent(error)) return NotFound("file://" + real.string() + ": no such folder");
    return FromErrno(real.string(), error.value());
  }

  // The file, or all files below the folder.
  Result<void> Add(const std::string& key, const fs::path& path, Page& page,
                   const std::stop_token& stop) {
    if (stop.stop_requested()) return Cancelled("stopped while listing " + Name(key));
    if (page.objects.size() > kMostObjects) return {};  // the caller refuses so many
    if (!IsUtf8(key)) return Invalid(Name(plan::Shown(key, 200)) + ": its name is not UTF-8");
    struct stat s {};
    if (::lstat(path.c_str(), &s) != 0) {
      if (errno == ENOENT) return {};  // gone since
      return FromErrno(Name(key), errno);
    }
    if (S_ISLNK(s.st_mode)) {
      auto target = Real(path);
      if (!target && target.error().kind == ErrorKind::kNotFound)
        return Invalid(Name(key) + " is a link to what is not there");
      if (!target) return target.error();
      if (::stat(target->c_str(), &s) != 0) return FromErrno(Name(key), errno);
      // It may lead back to where it lies.
      if (S_ISDIR(s.st_mode))
        return Invalid(Name(key) + " is a link to a folder, which is not followed here");
    }
    if (S_ISREG(s.st_mode)) {
      page.objects.push_back({key, std::uint64_t(s.st_size), StateOf(s), ""});
      return {};
    }
    if (!S_ISDIR(s.st_mode)) return NoFile(key);
    const auto names = NamesIn(path);
    if (!names && names.error().kind == ErrorKind::kNotFound) return {};  // gone since
    if (!names) return names.error();
    for (const auto& name : **names) PENSTOCK_TRY(Add(key + "/" + name, path / name, page, stop));
    return {};
  }

  // Of a path behind a file there is nothing either.
  static bool IsAbsent(const std::error_code& error) {
    return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  }

  const fs::path folder_;
  std::mutex mutex_;
  std::map<fs::path, Names> names_;  // nodes stay where they are
  std::size_t looked_at_ = 0;
};

}  // namespace

std::unique_ptr<SourceStore> OpenFolder(const std::string& folder) {
  return std::make_unique<FolderStore>(folder);
}

}  // namespace penstock::fetch
