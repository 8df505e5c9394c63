#include "operator/os/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "operator/base/file.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPiece = 64 << 10;
constexpr int kPiecesOfAPipe = 16;  // the largest pipe of Linux holds 1 MiB

// What a child writes into a pipe.
struct Stream {
  Fd read_end, write_end;
  std::string text;

  Result<void> Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return FromErrno("pipe", errno);
    read_end = Fd(ends[0]);
    write_end = Fd(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return {};
  }

  // One piece of what is there; false where there is none.
  bool Read(std::size_t most) {
    char piece[kPiece];
    const ssize_t count = read(read_end.get(), piece, sizeof piece);
    if (count < 0) return errno == EINTR;
    if (count == 0) read_end.Close();
    text.append(piece, std::min(static_cast<std::size_t>(count), most - text.size()));
    return count > 0;
  }
};

std::string LastLine(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);  // npos + 1 is 0
}

}  // namespace

Result<CommandEnd> RunCommand(ChildOptions options, const CommandLimits& limits,
                              StartFailure* failure) {
  Stream output, error;
  for (Stream* stream : {&output, &error}) {
    if (stream == &output && limits.pass_output) continue;
    if (auto opened = stream->Open(); !opened) return opened.error();
  }
  if (!limits.pass_output) options.output = output.write_end.get();
  options.error = error.write_end.get();
  options.log.clear();
  auto child = ChildProcess::Start(options, failure);
  if (!child) return child.error();
  output.write_end.Close();
  error.write_end.Close();

  const Fd stopped(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (stopped.get() < 0) return FromErrno("eventfd", errno);
  const std::stop_callback on_stop(limits.stop, [&] {
    const std::uint64_t one = 1;
    while (write(stopped.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
  });

  CommandEnd end;
  const auto start = Clock::now();
  while (!end.exit && !limits.stop.stop_requested()) {
    milliseconds left = milliseconds::max();
    if (limits.time) {
      left = *limits.time - std::chrono::duration_cast<milliseconds>(Clock::now() - start);
    }
    if (left <= milliseconds(0)) break;  // the destructor kills
    pollfd fds[] = {{output.read_end.get(), POLLIN, 0},
                    {error.read_end.get(), POLLIN, 0},
                    {child->pid_fd(), POLLIN, 0},
                    {stopped.get(), POLLIN, 0}};
    const milliseconds most(child->pid_fd() < 0 ? 20 : 1'000'000);
    poll(fds, std::size(fds), static_cast<int>(std::min(left, most).count()));
    // Looked at first: all that an ended child wrote is in the pipes now.
    end.exit = child->Wait(milliseconds(0));
    for (Stream* stream : {&output, &error}) {
      const int pieces = end.exit ? kPiecesOfAPipe : 1;
      for (int i = 0; i < pieces && stream->Read(limits.bytes); ++i) {
      }
    }
  }
  end.output = std::move(output.text);
  end.error = std::move(error.text);
  return end;
}

Result<std::string> AskCommand(const std::vector<std::string>& argv, milliseconds limit,
                               std::stop_token stop) {
  ChildOptions options;
  options.argv = argv;
  options.environment = OwnEnvironment();
  options.directory = "/";
  auto end = RunCommand(std::move(options), {.time = limit, .stop = stop});
  if (!end) return end.error();
  if (!end->exit && stop.stop_requested()) return Cancelled(argv[0] + " was stopped");
  if (!end->exit) return Transient(argv[0] + " did not answer within its time");
  if (end->exit->ExitCode() == 0) return std::move(end->output);
  return Internal(argv[0] + " ended with " + std::to_string(end->exit->ExitCode()) + ": " +
                  LastLine(end->error.empty() ? end->output : end->error));
}

}  // namespace penstock
