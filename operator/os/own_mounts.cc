#include "operator/os/own_mounts.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include "operator/base/file.h"

namespace penstock {
namespace fs = std::filesystem;
namespace {

// The machine's root stands at kOld while the new one is made at kNew, both on a tmpfs that covers
// kBase for as long.
const std::string kBase = "/tmp";
const std::string kOld = "/old";
const std::string kNew = "/new";
constexpr int kMostEntries = 10'000;

Error Failed(const std::string& what) { return FromErrno(what, errno); }

Result<void> WriteLine(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return Failed(path);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int why = errno;
  ::close(fd);
  if (!written) return FromErrno(path, why);
  return {};
}

Result<void> NewNameSpace() {
  const auto uid = std::to_string(::geteuid()), gid = std::to_string(::getegid());
  if (::geteuid() == 0 && ::unshare(CLONE_NEWNS) == 0) return {};
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return Failed("this machine gives no mount name space");
  if (auto set = WriteLine("/proc/self/setgroups", "deny"); !set) return set;
  if (auto set = WriteLine("/proc/self/uid_map", uid + " " + uid + " 1"); !set) return set;
  return WriteLine("/proc/self/gid_map", gid + " " + gid + " 1");
}

Result<void> Mount(const std::string& source, const std::string& target, unsigned long flags,
                   const char* type = nullptr) {
  if (::mount(source.c_str(), target.c_str(), type, flags, nullptr) == 0) return {};
  return Failed("mounting at " + target);
}

// Leads from the root that is left to `root`; the old one is at `put_old`, or gone with ".".
Result<void> Pivot(const std::string& root, const std::string& put_old) {
  if (::chdir(root.c_str()) != 0) return Failed("entering " + root);
  if (::syscall(SYS_pivot_root, ".", put_old.c_str()) != 0) return Failed("changing the root");
  return {};
}

class Builder {
 public:
  explicit Builder(std::vector<OwnMount> mounts) : mounts_(std::move(mounts)) {
    std::sort(mounts_.begin(), mounts_.end(), [](const OwnMount& a, const OwnMount& b) {
      return a.target.size() < b.target.size();
    });
  }

  Result<void> Build() {
    Plan();
    if (auto made = Stage(); !made) return made;
    if (auto mirrored = Mirror(""); !mirrored) return mirrored;
    for (const OwnMount& m : mounts_)
      if (auto shown = Show(m); !shown) return Wrap(m.target, shown.error());
    return Finish();
  }

 private:
  // Targets as the machine's links lead to them, and the folders in which something must be added.
  void Plan() {
    cwd_ = fs::current_path();
    mirrors_.insert("");
    for (OwnMount& m : mounts_) {
      std::error_code ignored;
      const fs::path target = fs::weakly_canonical(m.target, ignored);
      m.target = target.string();
      fs::path there = target;
      if (fs::exists(there, ignored)) continue;
      while (there.has_relative_path() && !fs::exists(there, ignored)) there = there.parent_path();
      for (; there.has_relative_path(); there = there.parent_path())
        mirrors_.insert(there.string());
    }
  }

  static Result<void> Stage() {
    if (auto own = Mount("none", "/", MS_REC | MS_PRIVATE); !own) return own;
    if (auto base = Mount("tmpfs", kBase, MS_NOSUID | MS_NODEV, "tmpfs"); !base) return base;
    for (const auto& folder : {kOld, kNew})
      if (::mkdir((kBase + folder).c_str(), 0755) != 0) return Failed("making " + folder);
    if (auto pivoted = Pivot(kBase, kOld.substr(1)); !pivoted) return pivoted;
    if (::chdir("/") != 0) return Failed("entering /");
    return Mount("tmpfs", kNew, MS_NOSUID | MS_NODEV, "tmpfs");
  }

  // A folder of the old root in the new one, with all that is in it, but so that more can be added.
  Result<void> Mirror(const std::string& path) {
    struct stat st {};
    if (::stat((kOld + path + "/.").c_str(), &st) != 0) return Failed(path);
    DIR* dir = ::opendir((kOld + path + "/.").c_str());
    if (dir == nullptr) return Failed("reading " + path);
    Result<void> done;
    int count = 0;
    while (const dirent* entry = done ? ::readdir(dir) : nullptr) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++count > kMostEntries) done = Invalid(path + " holds too much to add a path to it");
      if (done) done = Take(path + "/" + name);
    }
    ::closedir(dir);
    // Both may fail for what is not ours; then it stays as a new folder is.
    if (done && ::chown((kNew + path).c_str(), st.st_uid, st.st_gid) == 0)
      static_cast<void>(::chmod((kNew + path + "/.").c_str(), st.st_mode & 07777));
    return done;
  }

  Result<void> Take(const std::string& path) {
    const std::string from = kOld + path, to = kNew + path;
    struct stat st {};
    if (::lstat(from.c_str(), &st) != 0) return {};  // it has gone meanwhile
    if (S_ISLNK(st.st_mode)) {
      std::error_code error;
      fs::copy_symlink(from, to, error);
      return error ? Result<void>(FromErrno(path, error.value())) : Result<void>();
    }
    if (auto made = Make(to, S_ISDIR(st.st_mode)); !made) return made;
    return mirrors_.contains(path) ? Mirror(path) : Mount(from, to, MS_BIND | MS_REC);
  }

  static Result<void> Make(const std::string& path, bool folder) {
    if (folder) {
      if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return Failed("making " + path);
      return {};
    }
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return Failed("making " + path);
    ::close(fd);
    return {};
  }

  static Result<void> Show(const OwnMount& m) {
    const std::string from = kOld + m.source, to = kNew + m.target;
    struct stat source {
    }, target{};
    if (::stat(from.c_str(), &source) != 0) return Failed(m.source);
    const bool folder = S_ISDIR(source.st_mode);
    if (::stat(to.c_str(), &target) != 0) {
      std::error_code error;
      fs::create_directories(fs::path(to).parent_path(), error);
      if (auto made = Make(to, folder); !made) return made;
    } else if (S_ISDIR(target.st_mode) != folder) {
      return Invalid(folder ? "is a file there, and a folder is to be mounted"
                            : "is a folder there, and a file is to be mounted");
    }
    if (auto bound = Mount(from, to, MS_BIND | MS_REC); !bound) return bound;
    return m.read_only ? ReadOnly(to) : Result<void>();
  }

  // The flags that came with the source must stay: a user name space may not take them away.
  static Result<void> ReadOnly(const std::string& path) {
    struct statvfs vfs {};
    if (::statvfs(path.c_str(), &vfs) != 0) return Failed(path);
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
    if ((vfs.f_flag & ST_NOSUID) != 0) flags |= MS_NOSUID;
    if ((vfs.f_flag & ST_NODEV) != 0) flags |= MS_NODEV;
    if ((vfs.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
    if ((vfs.f_flag & ST_NOATIME) != 0) flags |= MS_NOATIME;
    if ((vfs.f_flag & ST_NODIRATIME) != 0) flags |= MS_NODIRATIME;
    if ((vfs.f_flag & ST_RELATIME) != 0) flags |= MS_RELATIME;
    return Mount("none", path, flags);
  }

  Result<void> Finish() const {
    if (::umount2(kOld.c_str(), MNT_DETACH) != 0) return Failed("leaving the old root");
    if (auto pivoted = Pivot(kNew, "."); !pivoted) return pivoted;
    if (::umount2(".", MNT_DETACH) != 0) return Failed("leaving the old root");
    if (::chdir("/") != 0 || ::chdir(cwd_.c_str()) != 0) return Failed("entering " + cwd_.string());
    return {};
  }

  std::vector<OwnMount> mounts_;
  std::set<std::string> mirrors_;
  fs::path cwd_;
};

}  // namespace

Result<void> EnterOwnMounts(std::vector<OwnMount> mounts) {
  if (auto space = NewNameSpace(); !space) return space;
  return Builder(std::move(mounts)).Build();
}

}  // namespace penstock
