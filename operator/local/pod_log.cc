// The runner's log files, read as `kubectl logs` reads a container's.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/pod_status.h"
#include "operator/local/process_runner.h"

namespace penstock::local {
namespace {

constexpr std::chrono::milliseconds kPoll{100};

// Where the last `lines` lines of the file begin.
off_t TailOffset(int fd, int lines) {
  const off_t size = lseek(fd, 0, SEEK_END);
  std::array<char, 8192> block;
  off_t position = size;
  while (position > 0) {
    const off_t start = std::max<off_t>(0, position - static_cast<off_t>(block.size()));
    const ssize_t count =
        pread(fd, block.data(), static_cast<std::size_t>(position - start), start);
    if (count <= 0) return 0;
    for (ssize_t i = count - 1; i >= 0; --i) {
      // A newline at the very end ends the last line; it begins none.
      if (block[static_cast<std::size_t>(i)] != '\n' || start + i + 1 == size) continue;
      if (--lines <= 0) return start + i + 1;
    }
    position = start;
  }
  return 0;
}

}  // namespace

Result<void> ProcessRunner::Logs(const std::string& ns, const std::string& pod,
                                 const kube::LogOptions& options, const kube::LogSink& sink,
                                 std::stop_token stop) {
  if (options.previous) return NotFound("a local pod runs once: there is no previous container");
  const std::filesystem::path path = PathsOf(options_.launch.state, ns, pod).log;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno("log of pod " + pod + ": " + path.string(), errno);
  const struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  off_t offset = 0;
  if (options.tail_lines) {
    offset = *options.tail_lines > 0 ? TailOffset(fd, *options.tail_lines) : lseek(fd, 0, SEEK_END);
  }
  std::int64_t left = options.limit_bytes.value_or(std::numeric_limits<std::int64_t>::max());
  std::array<char, 65536> block;
  const auto ended = [&] {
    const Result<Json> object = client_.Get(kube::kPods, ns, pod, {.stop = stop});
    return !object || HasEnded(*object);
  };
  bool over = !options.follow || ended();
  while (left > 0 && !stop.stop_requested()) {
    const auto wanted = std::min<std::int64_t>(left, static_cast<std::int64_t>(block.size()));
    const ssize_t count = pread(fd, block.data(), static_cast<std::size_t>(wanted), offset);
    if (count < 0) return FromErrno("log of pod " + pod, errno);
    if (count > 0) {
      offset += count;
      left -= count;
      if (!sink(std::string_view(block.data(), static_cast<std::size_t>(count)))) return {};
      continue;
    }
    if (over) return {};
    over = ended();  // then what was written before its end is read once more
    std::unique_lock lock(mutex_);
    if (!over) {
      changed_.wait_for(lock, stop, kPoll, [&] { return stop.stop_requested(); });
    }
  }
  if (stop.stop_requested()) return Cancelled("reading the log of pod " + pod + " was stopped");
  return {};
}

}  // namespace penstock::local
