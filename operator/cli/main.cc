// penstock, and kubectl-penstock by its name.
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <thread>

#include "operator/cli/commands.h"
#include "operator/cli/prompt/line_input.h"

namespace {

namespace fs = std::filesystem;
using penstock::cli::Session;

std::map<std::string, std::string> Environment() {
  std::map<std::string, std::string> env;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) env[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return env;
}

int TerminalWidth() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) return size.ws_col;
  return 80;
}

// First Ctrl-C: cancel; second, or SIGTERM: at once; third: away.
void HandleSignals(const sigset_t& signals, std::stop_source& first, std::stop_source& second) {
  for (int count = 0;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGUSR1) return;  // main has ended
    count += signal == SIGTERM ? 2 : 1;
    first.request_stop();
    if (count >= 2) second.request_stop();
    if (count >= 3) _exit(128 + signal);
  }
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  std::stop_source first, second;
  std::thread waiter([&] { HandleSignals(signals, first, second); });

  const penstock::SystemClock clock;
  std::error_code ignored;
  Session session{std::cout,
                  std::cerr,
                  std::cin,
                  clock,
                  Environment(),
                  fs::current_path(),
                  fs::read_symlink("/proc/self/exe", ignored)};
  const std::string called = fs::path(argv[0]).filename();
  if (called == "kubectl-penstock") session.name = "kubectl penstock";
  session.terminal = isatty(STDOUT_FILENO) == 1;
  session.asks = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
  session.width = TerminalWidth();
  session.interrupted = first.get_token();
  session.interrupted_twice = second.get_token();
  session.connect = [&clock](const penstock::cli::GlobalFlags& flags) {
    return penstock::cli::ConnectToCluster(flags, clock);
  };
  penstock::cli::LineInput typed(STDIN_FILENO);
  if (session.asks)
    session.read_line = [&typed](const std::function<bool()>& go_on) { return typed.Read(go_on); };
  int code = penstock::cli::kFailed;
  try {
    code = called == "kubectl_complete-penstock" ? penstock::cli::CompleteWords(argc, argv, session)
                                                 : penstock::cli::CommandLine(argc, argv, session);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
  }
  pthread_kill(waiter.native_handle(), SIGUSR1);
  waiter.join();
  std::cout << std::flush;
  return code;
}
