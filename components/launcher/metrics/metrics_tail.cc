#include "components/launcher/metrics/metrics_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace penstock::launcher {
namespace {

constexpr std::size_t kMostAtOnce = 8 << 20;  // of the file, in one look
constexpr int kLastLooks = 8;

std::int64_t UnixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void MetricsTail::Start() {
  thread_ = std::thread([this] { Run(); });
}

void MetricsTail::Finish() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void MetricsTail::Run() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      ended_.wait_for(lock, every_, [this] { return ending_; });
      last = ending_;
    }
    for (int look = 0; look < (last ? kLastLooks : 1); ++look) ReadNew();
    if (last && !line_.empty() && !skipping_) {  // the last one, without its end
      metrics_.AddLine(line_, UnixMs());
      dirty_ = true;
    }
    Tell();
  }
  Tell();  // once more what did not come through
}

// The program may put anything in the file's place: only a regular file is read, and never a link.
void MetricsTail::ReadNew() {
  if (open_.get() < 0) {
    Fd file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat st {};
    if (file.get() < 0 || ::fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode)) return;
    open_ = std::move(file);
  }
  std::array<char, 64 * 1024> piece{};
  const std::int64_t now = UnixMs();
  for (std::size_t read = 0; read < kMostAtOnce;) {
    const ssize_t n = ::read(open_.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    read += static_cast<std::size_t>(n);
    for (const char c : std::string_view(piece.data(), static_cast<std::size_t>(n))) {
      if (c == '\n') {
        metrics_.AddLine(skipping_ ? "(too long)" : line_, now);
        line_.clear();
        skipping_ = false;
        dirty_ = true;
      } else if (line_.size() < kMaxMetricLine) {
        line_ += c;
      } else {
        skipping_ = true;
      }
    }
  }
}

void MetricsTail::Tell() {
  if (!dirty_ || metrics_.empty()) return;
  if (auto put = put_(metrics_.Format()); put) {
    dirty_ = false;
  } else if (!std::exchange(said_, true)) {
    say_("metrics are not shown for now: " + put.error().message);
  }
}

}  // namespace penstock::launcher
