#include "components/launcher/model_claim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "components/launcher/last_words.h"
#include "operator/artifacts/pack.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/base/pause.h"
#include "operator/base/try.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds kLookAtClaim{200};

Result<std::string> DigestOf(const fs::path& path) {
  artifacts::PackSink nowhere;
  nowhere.put_file = [](int, const fs::path& file) { return artifacts::DigestFile(file); };
  nowhere.put_manifest = [](const std::string&, const std::string&) { return Result<void>(); };
  PENSTOCK_ASSIGN(const auto artifact, artifacts::Pack(path, nowhere));
  return artifact.digest;
}

// Held until it is dropped, by the kernel also for a process that is killed. On a file system
// without locks nobody waits: two pods may fetch at once, and one of them is first.
class Lock {
 public:
  ~Lock() {
    if (fd_ >= 0) ::close(fd_);
  }
  Result<void> Take(const fs::path& file, const std::stop_token& stop) {
    fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) return FromErrno("opening " + file.string(), errno);
    for (bool told = false;; told = true) {
      if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) {
        held_ = true;
        return {};
      }
      if (errno != EWOULDBLOCK && errno != EINTR) return {};
      if (!told) Say("penstock-launcher: another pod fetches the model into the claim\n");
      if (!Pause(kLookAtClaim, stop)) return Cancelled("stopped while waiting for the claim");
    }
  }
  [[nodiscard]] bool held() const { return held_; }

 private:
  int fd_ = -1;
  bool held_ = false;
};

class Entry {
 public:
  Entry(const fs::path& claim, const std::string& digest, std::string kept)
      : folder_(KeptInClaim(claim, digest).parent_path()),
        content_(KeptInClaim(claim, digest)),
        note_(folder_ / "content.json"),
        kept_(std::move(kept)) {}

  [[nodiscard]] const fs::path& folder() const { return folder_; }

  // False: not there, or not what it was. An error: it cannot be read.
  Result<bool> IsWhole() const {
    std::error_code ec;
    if (!fs::exists(fs::symlink_status(content_, ec))) return false;
    std::string expected = kept_;
    if (expected.empty()) {
      const auto text = ReadFile(note_, 1 << 16);
      const auto json = text ? ParseJson(*text, note_.string()) : Result<Json>(text.error());
      if (json) expected = TextAt(*json, "digest");
    }
    PENSTOCK_ASSIGN(const std::string is, DigestOf(content_));
    if (is == expected) return true;
    Say("penstock-launcher: " + content_.string() + " is damaged; it is fetched again\n");
    return false;
  }

  Result<void> Fill(bool locked,
                    const std::function<Result<void>(const fs::path& target)>& fetch) const {
    const fs::path partial =
        folder_ /
        (locked ? "partial"
                : "partial-" + std::to_string(::getpid()) + "-" +
                      std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
    PENSTOCK_TRY(artifacts::RemoveTree(partial));
    if (auto fetched = fetch(partial); !fetched) {
      (void)artifacts::RemoveTree(partial);
      return fetched;
    }
    PENSTOCK_ASSIGN(const std::string is, DigestOf(partial));
    PENSTOCK_TRY(WriteFileAtomically(note_, Json{{"digest", is}}.dump()));
    PENSTOCK_TRY(artifacts::RemoveTree(content_));
    std::error_code ec;
    fs::rename(partial, content_, ec);
    if (ec.value() == ENOTEMPTY || ec.value() == EEXIST) return artifacts::RemoveTree(partial);
    if (ec) return FromErrno("renaming " + partial.string(), ec.value());
    return SyncFolder(folder_);
  }

 private:
  const fs::path folder_, content_, note_;
  const std::string kept_;
};

}  // namespace

Result<void> VerifyModel(const fs::path& path, const std::string& digest) {
  auto is = DigestOf(path);
  if (!is) return Wrap("the model in the claim", is.error());
  return MustBe(digest, *is);
}

Result<void> MustBe(const std::string& digest, const std::string& is) {
  if (is == digest) return {};
  return Error{ErrorKind::kDamaged, "the model in the claim has the digest " + is + ", not " +
                                        digest +
                                        ": it was changed after the URI was written, or "
                                        "is not what was meant"};
}

fs::path KeptInClaim(const fs::path& claim, const std::string& digest) {
  return claim / "penstock-models" / digest.substr(digest.find(':') + 1) / "content";
}

Result<std::string> CopyModel(const fs::path& source, const fs::path& target) {
  std::error_code ec;
  if (fs::is_directory(source, ec)) fs::create_directories(target, ec);
  if (ec) return FromErrno("creating " + target.string(), ec.value());
  artifacts::PackSink copy;
  copy.put_file = [&](int, const fs::path& file) -> Result<artifacts::FileDigest> {
    const fs::path to = file == source ? target : target / file.lexically_relative(source);
    std::error_code copying;
    fs::create_directories(to.parent_path(), copying);
    if (!copying) fs::copy_file(file, to, copying);
    if (copying) return FromErrno("copying " + file.string(), copying.value());
    return artifacts::DigestFile(to);  // of what is there now, whatever the source becomes
  };
  copy.put_manifest = [](const std::string&, const std::string&) { return Result<void>(); };
  PENSTOCK_ASSIGN(const auto artifact, artifacts::Pack(source, copy));
  PENSTOCK_TRY(artifacts::MakeReadOnly(target));
  return artifact.digest;
}

Result<void> KeepInClaim(const fs::path& claim, const std::string& digest, const std::string& kept,
                         const std::function<Result<void>(const fs::path& target)>& fetch,
                         const std::stop_token& stop) {
  const Entry entry(claim, digest, kept);
  std::error_code ec;
  fs::create_directories(entry.folder(), ec);
  if (ec) return FromErrno("creating " + entry.folder().string() + " in the claim", ec.value());
  Lock lock;
  PENSTOCK_TRY(lock.Take(entry.folder() / "lock", stop));
  PENSTOCK_ASSIGN(const bool whole, entry.IsWhole());
  if (whole) {
    Say("penstock-launcher: found " + digest + " in the claim\n");
    return {};
  }
  return entry.Fill(lock.held(), fetch);
}

}  // namespace penstock::launcher
