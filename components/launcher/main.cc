// penstock-launcher: runs inside every step. See README.md for its sub-commands.

#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "components/launcher/attempt.h"
#include "components/launcher/delivery.h"
#include "components/launcher/last_words.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/version.h"
#include "operator/os/own_mounts.h"
#include "operator/protocol/model_source.h"

namespace penstock::launcher {
namespace {

[[noreturn]] void End(int code) {
  ::_exit(code);  // threads of a transfer, or of a reader who takes nothing, may be left behind
}

int Fail(const Error& error) {
  Say("penstock-launcher: " + error.message + "\n");
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
    Say("penstock-launcher: writing the termination message to " + path + ": " +
        std::strerror(errno) + "\n");
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
  WriteMessage(log, FormatTerminationMessage(message, attempt->message_limit()));
  if (message.outcome != TaskOutcome::kSucceeded)
    Say("penstock-launcher: " + std::string(Name(message.outcome)) + ": " + message.message + "\n");
  return LauncherExitCode(message);
}

// Does not come back but with an error.
Error RunWithin(const std::string& mounts_json, std::vector<std::string> command) {
  const auto list = ParseJson(mounts_json, "--mounts");
  if (!list) return list.error();
  std::vector<OwnMount> mounts;
  for (const Json& m : *list)
    mounts.push_back({m.value("source", ""), m.value("target", ""), m.value("readOnly", false)});
  if (auto entered = EnterOwnMounts(std::move(mounts)); !entered) return entered.error();
  // A user name space of one's own takes the wish away to end with the parent.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  return FromErrno("starting " + command[0], errno);
}

struct FetchFlags {
  std::string store_file;
  std::string ca_file;
  bool is_signed = false;
  std::string log;
  FetchOptions options;
};

int RunFetch(FetchFlags flags, Signals& signals) {
  TaskStore& store = flags.options.store;
  if (!flags.store_file.empty()) {
    auto text = ReadFile(flags.store_file, 1 << 20);
    if (!text) return Fail(text.error());
    auto parsed = ParseTaskStore(*text, "--task-store " + flags.store_file);
    if (!parsed) return Fail(parsed.error());
    store = *parsed;
  }
  if (!flags.ca_file.empty()) {
    auto pem = ReadFile(flags.ca_file, 1 << 20);
    if (!pem) return Fail(pem.error());
    store.ca_pem = *pem;
  }
  if (flags.is_signed) {
    const char* key = std::getenv(kModelKeyVariable);
    if (key == nullptr || *key == '\0')
      return Fail(
          Invalid(std::string(kModelKeyVariable) + " holds no key: name one in spec.verify"));
    flags.options.signed_by = key;
  }
  flags.options.model.digest = flags.options.artifact.digest;
  bool not_signed = false;
  auto done = FetchArtifact(flags.options, signals, &not_signed);
  if (done) return 0;
  if (!not_signed) return Fail(done.error());
  Say("penstock-launcher: " + done.error().message + "\n");
  if (!flags.log.empty()) WriteMessage(flags.log, done.error().message);
  return kNotSignedExit;
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
  run->add_option("--code", attempt.code,
                  "A folder that is the step's code in place of the task's");
  run->add_option("--turn", attempt.turn, "Which of the task's programs in turn, from 0");
  run->add_option("--store-deadline-ms", deadline_ms, "How long to retry a store that fails");

  std::string target;
  auto* install = app.add_subcommand("install", "Copy this program to TARGET.");
  install->add_option("target", target, "A file or folder")->required();

  FetchFlags flags;
  auto* fetch = app.add_subcommand("fetch", "Fetch one artifact, verified.");
  fetch->add_option("--task-store", flags.store_file,
                    "A file that says where the store is, as a task document does");
  fetch->add_option("--url", flags.options.store.url, "The gateway: https://host:port");
  fetch->add_option("--store-folder", flags.options.store.folder,
                    "A store's folder on this machine");
  fetch->add_option("--ca", flags.ca_file, "PEM file of the gateway's authority");
  fetch->add_option("--token", flags.options.store.token_file, "File of the bearer token");
  fetch->add_option("--namespace", flags.options.namespace_, "For a store's folder");
  fetch->add_option("--digest", flags.options.artifact.digest, "sha256:<64 hex>")->required();
  fetch->add_flag("--folder", flags.options.artifact.folder, "The artifact is a folder");
  fetch->add_option("--to", flags.options.to, "Where it is written; replaced")->required();
  auto* is_signed = fetch->add_flag("--signed", flags.is_signed,
                                    "Only as the key in PENSTOCK_MODEL_KEY (PEM) has signed it");
  fetch->add_option("--termination-log", flags.log, "Where it is said what is not signed");
  auto* from = fetch
                   ->add_option("--from", flags.options.from,
                                "Nothing is fetched: this file or folder, copied")
                   ->needs(is_signed);
  auto* source =
      fetch->add_option("--source", flags.options.model.source,
                        "Not from the store: http[s]://, oci://, s3://, gs://, az://, ...");
  source->excludes(from);
  fetch->add_flag("--verify", flags.options.verify, "Fetch nothing: --to must have the digest")
      ->excludes(source)
      ->excludes(from)
      ->excludes(is_signed);
  fetch->add_option("--claim", flags.options.claim,
                    "A folder that is shared and stays: kept there by digest, not in --to");
  fetch->add_option("--registry-auth", flags.options.model.registry_auth,
                    "A folder of dockerconfigjson files, for oci://");
  fetch->add_option("--max-bytes", flags.options.model.limits.bytes,
                    "The most that a model from outside may have, unpacked");
  fetch->add_option("--store-deadline-ms", deadline_ms, "How long to retry a store that fails");

  std::string mounts;
  std::vector<std::string> command;
  auto* within = app.add_subcommand(
      "within", "Run a program in a view of the files of its own (local runs' volumes).");
  within->add_option("--mounts", mounts, R"([{"source": ..., "target": ..., "readOnly": ...}])")
      ->required();
  within->add_option("command", command, "The program and its arguments, after --")->required();

  CLI11_PARSE(app, argc, argv);
  if (within->parsed()) return Fail(RunWithin(mounts, command));
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
    penstock::launcher::Say(std::string("penstock-launcher: ") + e.what() + "\n");
    ::_exit(125);  // as End
  }
}
