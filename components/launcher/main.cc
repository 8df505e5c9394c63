// penstock-launcher: runs inside every step. See README.md for its sub-commands.

#include <fcntl.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "components/launcher/attempt.h"
#include "components/launcher/delivery.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/version.h"

namespace penstock::launcher {
namespace {

[[noreturn]] void End(int code) {
  std::cout.flush();
  std::cerr.flush();
  ::_exit(code);  // a transfer's thread may have been left behind
}

int Fail(const Error& error) {
  std::cerr << "penstock-launcher: " << error.message << "\n";
  TerminationMessage m;
  m.outcome = OutcomeOf(error);
  return LauncherExitCode(m);
}

// The kubelet has made the file; locally it may be absent. Neither is worth a failed step.
void WriteMessage(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written)
    std::cerr << "penstock-launcher: writing the termination message to " << path << ": "
              << std::strerror(errno) << "\n";
  if (fd >= 0) ::close(fd);
}

int RunTask(AttemptOptions options, const std::string& log, Signals& signals) {
  for (char** e = environ; *e != nullptr; ++e) options.environment.emplace_back(*e);
  auto* attempt = new Attempt(std::move(options), signals);  // lives until _exit, by contract
  TerminationMessage message;
  try {
    message = attempt->Run();
  } catch (const std::exception& e) {
    message.outcome = TaskOutcome::kInfrastructure;
    message.message = std::string("the launcher failed: ") + e.what();
  }
  if (message.outcome != TaskOutcome::kSucceeded)
    std::cerr << "penstock-launcher: " << Name(message.outcome) << ": " << message.message << "\n";
  WriteMessage(log, FormatTerminationMessage(message));
  return LauncherExitCode(message);
}

struct FetchFlags {
  std::string store_json;
  std::string ca_file;
  FetchOptions options;
};

int RunFetch(FetchFlags flags, Signals& signals) {
  TaskStore& store = flags.options.store;
  if (!flags.store_json.empty()) {
    auto parsed = ParseTaskStore(flags.store_json, "--task-store-json");
    if (!parsed) return Fail(parsed.error());
    store = *parsed;
  }
  if (!flags.ca_file.empty()) {
    auto pem = ReadFile(flags.ca_file, 1 << 20);
    if (!pem) return Fail(pem.error());
    store.ca_pem = *pem;
  }
  auto done = FetchArtifact(flags.options, signals);
  return done ? 0 : Fail(done.error());
}

int Main(int argc, char** argv) {
  CLI::App app("Runs a Penstock step: fetches, verifies, runs, uploads.", "penstock-launcher");
  app.set_version_flag("--version", PenstockVersion());
  app.require_subcommand(1);

  AttemptOptions attempt;
  std::string log = "/dev/termination-log";
  std::int64_t deadline_ms = 600'000;
  auto* run = app.add_subcommand("run", "Carry out one attempt of a step.");
  run->add_option("--task", attempt.task, "The task document")->required();
  run->add_option("--task-config", attempt.task_config, "Fields too large for the task document");
  run->add_option("--dir", attempt.dir, "The attempt's folder (an emptyDir)")->required();
  run->add_option("--termination-log", log, "Where the termination message goes");
  run->add_option("--store-deadline-ms", deadline_ms, "How long to retry a store that fails");

  std::string target;
  auto* install = app.add_subcommand("install", "Copy this program to TARGET.");
  install->add_option("target", target, "A file or folder")->required();

  FetchFlags flags;
  auto* fetch = app.add_subcommand("fetch", "Fetch one artifact, verified.");
  fetch->add_option("--task-store-json", flags.store_json, "The store, as in a task document");
  fetch->add_option("--url", flags.options.store.url, "The gateway: https://host:port");
  fetch->add_option("--store-folder", flags.options.store.folder,
                    "A store's folder on this machine");
  fetch->add_option("--ca", flags.ca_file, "PEM file of the gateway's authority");
  fetch->add_option("--token", flags.options.store.token_file, "File of the bearer token");
  fetch->add_option("--namespace", flags.options.namespace_, "For a store's folder");
  fetch->add_option("--digest", flags.options.artifact.digest, "sha256:<64 hex>")->required();
  fetch->add_flag("--folder", flags.options.artifact.folder, "The artifact is a folder");
  fetch->add_option("--to", flags.options.to, "Where it is written; replaced")->required();
  fetch->add_option("--store-deadline-ms", deadline_ms, "How long to retry a store that fails");

  CLI11_PARSE(app, argc, argv);
  attempt.store_deadline = flags.options.deadline = std::chrono::milliseconds(deadline_ms);
  if (install->parsed()) {
    auto done = Install(target);
    return done ? 0 : Fail(done.error());
  }
  Signals signals;
  if (fetch->parsed()) End(RunFetch(std::move(flags), signals));
  End(RunTask(std::move(attempt), log, signals));
}

}  // namespace
}  // namespace penstock::launcher

int main(int argc, char** argv) {
  // The image's openssl.cnf may name modules to load, which a static program cannot.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  try {
    return penstock::launcher::Main(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "penstock-launcher: " << e.what() << "\n";
    return 125;
  }
}
