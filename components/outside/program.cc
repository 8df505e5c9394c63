#include "components/outside/program.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <thread>

#include "operator/base/try.h"

namespace penstock::outside {
namespace {

// Takes the signals that end a process as a stop, on a thread that waits for them.
class StopSignals {
 public:
  StopSignals() {
    sigset_t all;
    sigemptyset(&all);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&all, signal);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    waiter_ = std::thread([this, all] {
      int got = 0;
      if (sigwait(&all, &got) == 0 && got != SIGUSR1) stop_.request_stop();
    });
  }
  ~StopSignals() {
    pthread_kill(waiter_.native_handle(), SIGUSR1);
    waiter_.join();
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::thread waiter_;
};

std::map<std::string, std::string> Environment() {
  std::map<std::string, std::string> all;
  for (char** one = environ; one != nullptr && *one != nullptr; ++one)
    if (const char* equals = std::strchr(*one, '='))
      all.emplace(std::string(*one, static_cast<std::size_t>(equals - *one)), equals + 1);
  return all;
}

Result<void> Run(const std::vector<std::string>& arguments, const Program& program) {
  const StopSignals signals;
  PENSTOCK_ASSIGN(sdk::Step step, sdk::Step::FromEnvironment());
  PENSTOCK_TRY(step.AddArguments(arguments));
  return program(step, Environment(), signals.token());
}

}  // namespace

int RunProgram(const std::string& name, const std::vector<std::string>& arguments,
               const Program& program) {
  std::string problem;
  try {
    const auto done = Run(arguments, program);
    if (done) return 0;
    problem = done.error().message;
  } catch (const std::exception& e) {
    problem = e.what();
  }
  std::fflush(stdout);
  for (char& c : problem)
    if (c == '\n' || c == '\r') c = ' ';
  std::fprintf(stderr, "%s: %s\n", name.c_str(), problem.c_str());
  return 1;
}

}  // namespace penstock::outside
