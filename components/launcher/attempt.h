// One attempt of a step, from the task to the termination message:
//
//   load -> join -> workspace -> fetch -> turn -> child -> check outputs, read results -> upload
//
// Of several programs that run in turn (turns.h) the first prepares and fetches, the last collects
// and uploads, and each waits for the one before.
//
// Every way out is a message. A signal ends each stage within a second (the child: within its
// grace). Main thread only; transfers run on a thread that may be left behind, so an Attempt must
// live until the process ends by _exit.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "components/launcher/child.h"
#include "components/launcher/signals.h"
#include "components/launcher/turns.h"
#include "components/launcher/workspace.h"
#include "operator/artifacts/transport.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

struct AttemptOptions {
  std::filesystem::path task;
  std::filesystem::path task_config;  // empty: none
  std::filesystem::path dir;
  std::optional<std::size_t> turn;  // of the task's programs in turn; nothing where it has none
  std::filesystem::path code;  // where it is edited (`penstock debug`); empty: the task's artifact
  std::chrono::milliseconds store_deadline{600'000};
  std::vector<std::string> environment;  // "NAME=value", of the pod
};

// What an error that ends an attempt makes of it: kInfrastructure unless it was stopped, or what
// was given (a task, an output, bytes that are not those of their digest) is wrong.
[[nodiscard]] TaskOutcome OutcomeOf(const Error& error);

class Attempt {
 public:
  Attempt(AttemptOptions options, Signals& signals);

  [[nodiscard]] TerminationMessage Run();
  // Bytes that the message may have; known once Run() has come back.
  [[nodiscard]] std::size_t message_limit() const { return task_.max_message; }

 private:
  // Each gives the message that ends the attempt, or nothing to go on.
  std::optional<TerminationMessage> Load();
  std::optional<TerminationMessage> Join();
  std::optional<TerminationMessage> Prepare();
  std::optional<TerminationMessage> Fetch();
  std::optional<TerminationMessage> AwaitTurn();
  std::optional<TerminationMessage> RunProgram();
  std::optional<TerminationMessage> Collect();
  std::optional<TerminationMessage> Upload();

  [[nodiscard]] TerminationMessage RunStages();
  // With what it says of itself handed on (metrics_tail.h).
  [[nodiscard]] Result<ChildEnd> RunWithMetrics(const ChildCommand& command,
                                                const ChildLimits& limits);
  // To the next in turn.
  [[nodiscard]] Result<void> SayEnd(const TerminationMessage& message);
  [[nodiscard]] std::chrono::milliseconds TimeLeft() const;
  // What did not end the step and should be known all the same.
  void Note(const std::string& text);

  [[nodiscard]] Result<void> FetchOne(const std::string& what, const ArtifactRef& artifact,
                                      const std::filesystem::path& target);
  [[nodiscard]] Result<void> FetchUri(const TaskInput& input);
  [[nodiscard]] Result<void> UploadOutputs();
  [[nodiscard]] TerminationMessage Message(TaskOutcome outcome, std::string text) const;
  [[nodiscard]] TerminationMessage StoreFailure(const Error& error);
  [[nodiscard]] std::string Ending(const std::string& program) const;

  AttemptOptions options_;
  Signals& signals_;
  std::stop_source stop_;
  Workspace ws_;
  TaskDocument task_;
  std::unique_ptr<artifacts::Transport> transport_;
  std::unique_ptr<Turns> turns_;
  TurnEnd before_;         // of all turns before this one
  std::string container_;  // its name, of one of several
  std::string note_;
  bool goes_on_ = false;
  ChildEnd end_;
  bool oom_killed_ = false;
  bool no_space_ = false;
  std::string damaged_;
  Receipt receipt_;
};

}  // namespace penstock::launcher
