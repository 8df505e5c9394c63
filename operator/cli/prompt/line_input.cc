#include "operator/cli/prompt/line_input.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace penstock::cli {
namespace {

constexpr int kLookMilliseconds = 200;

}  // namespace

Result<std::string> LineInput::Read(const std::function<bool()>& go_on) {
  while (true) {
    if (const auto end = read_.find('\n'); end != std::string::npos) {
      std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    if (ended_ && !read_.empty()) return std::exchange(read_, "");
    if (ended_) return NotFound("the input has ended");
    if (!go_on()) return Cancelled("nobody waits for the line any more");
    pollfd look{descriptor_, POLLIN, 0};
    const int ready = poll(&look, 1, kLookMilliseconds);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    if (ready < 0) return Transient(std::string("the terminal: ") + std::strerror(errno));
    char piece[4096];
    const ssize_t got = read(descriptor_, piece, sizeof piece);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return Transient(std::string("the terminal: ") + std::strerror(errno));
    ended_ = got == 0;
    read_.append(piece, static_cast<std::size_t>(got));
  }
}

}  // namespace penstock::cli
