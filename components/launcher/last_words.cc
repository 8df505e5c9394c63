#include "components/launcher/last_words.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kKept = 4 * kMaxLastWords;  // raw; escapes and the like are cut out of it
constexpr std::size_t kMostWaiting = 256 * 1024;  // for the reader
constexpr std::size_t kPiece = 4 * 1024;          // of a write

Result<void> MakePipe(Fd& out, Fd& in) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FromErrno("making a pipe", errno);
  out = Fd(ends[0]);
  in = Fd(ends[1]);
  return {};
}

// May block. What nobody will ever read is lost, as it would have been to the child.
void WriteAll(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(to, bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      pollfd full{to, POLLOUT, 0};
      ::poll(&full, 1, -1);
    } else if (n >= 0 || errno != EINTR) {
      return;
    }
  }
}

}  // namespace

// The queue between the pipe and our standard error. A write to the latter may block for ever (it
// is shared with others, so that it cannot be made not to), which one thread does that nobody
// joins.
class Passing {
 public:
  Passing(int to, milliseconds patience) : to_(to), patience_(patience) {}

  static void Start(const std::shared_ptr<Passing>& self) {
    std::thread([self] {
      sigset_t broken;  // whoever reads our standard error may go
      ::sigemptyset(&broken);
      ::sigaddset(&broken, SIGPIPE);
      ::pthread_sigmask(SIG_BLOCK, &broken, nullptr);
      self->Run();
    }).detach();
  }

  // Takes the bytes, or drops them where there is no room for them in time.
  void Put(std::string_view bytes) {
    std::unique_lock lock(mutex_);
    if (waiting_.empty() && !writing_) moved_ = Clock::now();
    if (!Await(lock, [this] { return waiting_.size() < kMostWaiting; })) {
      lost_ += bytes.size();
      return;
    }
    if (lost_ > 0)
      waiting_ += "\npenstock-launcher: " + std::to_string(lost_) +
                  " bytes of standard error are missing here: nobody took them\n";
    lost_ = 0;
    waiting_ += bytes;
    changed_.notify_all();
  }

  // From now on all is over after so long.
  void EndWithin(milliseconds patience) {
    const std::lock_guard lock(mutex_);
    end_ = Clock::now() + patience;
    changed_.notify_all();
  }

  // Waits until all is written, or the end.
  void Drain() {
    std::unique_lock lock(mutex_);
    static_cast<void>(Await(lock, [this] { return waiting_.empty() && !writing_; }));
    drained_ = true;
    changed_.notify_all();
  }

 private:
  // False where `done` did not come true in time.
  template <typename Done>
  bool Await(std::unique_lock<std::mutex>& lock, Done done) {
    while (!done()) {
      const auto until = end_ ? *end_ : moved_ + patience_;
      if (Clock::now() >= until) return false;
      changed_.wait_until(lock, until);
    }
    return true;
  }

  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return drained_ || !waiting_.empty(); });
      if (drained_) return;
      const std::string piece = waiting_.substr(0, kPiece);
      waiting_.erase(0, piece.size());
      writing_ = true;
      lock.unlock();
      WriteAll(to_, piece);
      lock.lock();
      writing_ = false;
      moved_ = Clock::now();
      changed_.notify_all();
    }
  }

  const int to_;
  const milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;
  std::size_t lost_ = 0;
  Clock::time_point moved_;
  std::optional<Clock::time_point> end_;
  bool writing_ = false;
  bool drained_ = false;
};

Result<std::unique_ptr<ErrorStream>> ErrorStream::Open(int to, ErrorPatience patience) {
  std::unique_ptr<ErrorStream> stream(new ErrorStream(patience));
  if (auto made = MakePipe(stream->out_, stream->in_); !made) return made.error();
  if (auto made = MakePipe(stream->ending_, stream->ending_write_); !made) return made.error();
  stream->passing_ = std::make_shared<Passing>(to, patience.running);
  return stream;
}

ErrorStream::~ErrorStream() {
  if (copier_.joinable()) static_cast<void>(Finish());
}

void ErrorStream::Start() {
  in_ = Fd();
  Passing::Start(passing_);
  copier_ = std::thread([this] { Copy(); });
}

// False at the end of the stream.
bool ErrorStream::CopyOnce() {
  std::array<char, 16 * 1024> buffer{};
  const ssize_t n = ::read(out_.get(), buffer.data(), buffer.size());
  if (n < 0) return errno == EINTR;
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
  tail_ += bytes;
  if (tail_.size() > kKept) tail_.erase(0, tail_.size() - kKept);
  passing_->Put(bytes);
  return n > 0;
}

void ErrorStream::Copy() {
  std::array<pollfd, 2> ready{{{out_.get(), POLLIN, 0}, {ending_.get(), POLLIN, 0}}};
  for (;;) {
    const bool ending = ready[1].revents != 0;
    const int n = ::poll(ready.data(), ready.size(), ending ? 0 : -1);
    if (n < 0 && errno != EINTR) return;
    if (ready[0].revents != 0 && !CopyOnce()) return;
    if (ending && ready[0].revents == 0) return;
  }
}

std::string ErrorStream::Finish() {
  ending_write_ = Fd();
  passing_->EndWithin(patience_.at_end);
  if (copier_.joinable()) copier_.join();
  passing_->Drain();
  return plan::ShownEnd(tail_, kMaxLastWords);
}

void Say(std::string_view text) {
  const auto passing = std::make_shared<Passing>(STDERR_FILENO, ErrorPatience().at_end);
  Passing::Start(passing);
  passing->Put(text);
  passing->Drain();
}

}  // namespace penstock::launcher
