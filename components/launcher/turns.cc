#include "components/launcher/turns.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <memory>
#include <system_error>

#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
namespace {

constexpr std::size_t kMaxEnd = 1 << 20;
// Where the kernel gives no watch (a node has few for one user), the folder is looked at again.
constexpr auto kLookAgain = std::chrono::milliseconds(200);
constexpr auto kWatched = std::chrono::seconds(5);

class Watch {
 public:
  explicit Watch(const fs::path& folder) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (fd_ >= 0 && ::inotify_add_watch(fd_, folder.c_str(), IN_MOVED_TO) < 0) Close();
  }
  ~Watch() { Close(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  void Drain() const {
    char events[4096];
    while (fd_ >= 0 && ::read(fd_, events, sizeof(events)) > 0) {
    }
  }

 private:
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd_;
};

bool IsThere(const fs::path& file) {
  struct stat st {};
  return ::lstat(file.c_str(), &st) == 0;
}

TurnEnd Decode(const Json& j) {
  TurnEnd end;
  end.goes_on = j.value("goesOn", false);
  end.container = j.value("container", "");
  end.started_ms = j.value("startedMs", std::int64_t{0});
  end.remaining_ms = j.value("remainingMs", std::int64_t{0});
  end.input_digests = j.value("inputDigests", end.input_digests);
  end.note = j.value("note", "");
  end.oom_killed = j.value("oomKilled", false);
  return end;
}

// What the child could have written there: hostile.
std::optional<TurnEnd> ReadEnd(const fs::path& file) {
  const auto text = ReadFile(file, kMaxEnd);
  if (!text) return std::nullopt;
  const auto json = ParseJson(*text, file.string());
  if (!json || !json->is_object()) return std::nullopt;
  try {
    return Decode(*json);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

Turns::Turns(const fs::path& dir, std::size_t own, std::size_t count)
    : folder_(dir / "turns"), own_(own), count_(count) {}

Turns::~Turns() {
  if (lock_ >= 0) ::close(lock_);
}

fs::path Turns::File(std::size_t index) const { return folder_ / std::to_string(index); }

Result<void> Turns::Join() {
  std::error_code ec;
  fs::create_directories(folder_, ec);
  if (ec) return FromErrno("creating folder " + folder_.string(), ec.value());
  fs::remove(File(own_).string() + ".end", ec);
  // Locked before it has its name, so that nobody finds it without.
  const std::string making = File(own_).string() + ".new";
  lock_ = ::open(making.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) return FromErrno("creating " + making, errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) return FromErrno("locking " + making, errno);
  if (::rename(making.c_str(), File(own_).c_str()) != 0)
    return FromErrno("renaming " + making, errno);
  return {};
}

Result<void> Turns::AwaitFile(const fs::path& file, Signals& signals) const {
  const Watch watch(folder_);
  while (!IsThere(file)) {
    const auto until = Clock::now() + (watch.fd() < 0 ? Clock::duration(kLookAgain) : kWatched);
    const int signal = signals.Wait(until, watch.fd());
    if (signal == SIGTERM || signal == SIGINT) return Cancelled("stopped by a signal");
    watch.Drain();
  }
  return {};
}

Result<void> Turns::AwaitAll(Signals& signals) const {
  for (std::size_t i = 0; i < count_; ++i)
    if (auto there = AwaitFile(File(i), signals); !there) return there;
  return {};
}

Result<std::optional<TurnEnd>> Turns::AwaitTurn(Signals& signals) const {
  const fs::path before = File(own_ - 1);
  if (auto there = AwaitFile(before, signals); !there) return there.error();
  const int fd = ::open(before.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno("opening " + before.string(), errno);
  // Left behind after a signal, with its file: the process ends then.
  auto stop = std::make_unique<std::stop_source>();
  auto got = RunInterruptibly(signals, *stop, [fd, before]() -> Result<void> {
    while (::flock(fd, LOCK_SH) != 0)
      if (errno != EINTR) return FromErrno("locking " + before.string(), errno);
    ::close(fd);
    return {};
  });
  if (!got) return got.error();
  return ReadEnd(before.string() + ".end");
}

Result<void> Turns::Say(const TurnEnd& end) const {
  Json j{{"goesOn", end.goes_on},
         {"container", end.container},
         {"startedMs", end.started_ms},
         {"remainingMs", end.remaining_ms}};
  if (!end.input_digests.empty()) j["inputDigests"] = end.input_digests;
  if (!end.note.empty()) j["note"] = end.note;
  if (end.oom_killed) j["oomKilled"] = true;
  const fs::path file = File(own_).string() + ".end";
  std::ofstream out(file.string() + ".new", std::ios::binary | std::ios::trunc);
  out << j.dump(-1, ' ', false, Json::error_handler_t::replace);
  out.close();
  if (!out) return FromErrno("writing " + file.string(), errno);
  std::error_code ec;
  fs::rename(file.string() + ".new", file, ec);
  if (ec) return FromErrno("writing " + file.string(), ec.value());
  return {};
}

}  // namespace penstock::launcher
