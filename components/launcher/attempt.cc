#include "components/launcher/attempt.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

#include "components/launcher/command.h"
#include "components/launcher/last_words.h"
#include "components/launcher/metrics/metrics_tail.h"
#include "components/launcher/results.h"
#include "components/launcher/source_fetch.h"
#include "components/launcher/task_file.h"
#include "operator/base/time.h"
#include "operator/os/cgroup.h"

namespace penstock::launcher {
namespace fs = std::filesystem;

TaskOutcome OutcomeOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kCancelled:
      return TaskOutcome::kCancelled;
    case ErrorKind::kInvalid:
    case ErrorKind::kTooLarge:
    case ErrorKind::kDamaged:
      return TaskOutcome::kInvalid;
    default:
      return TaskOutcome::kInfrastructure;
  }
}

namespace {

constexpr std::chrono::milliseconds kMetricsEvery{2'000};
constexpr std::chrono::milliseconds kMetricsDeadline{3'000};  // a state that is late is old
constexpr std::uint64_t kFull = 1 << 20;                      // less is no room for anything

bool IsFull(const fs::path& folder) {
  std::error_code ec;
  const fs::space_info space = fs::space(folder, ec);
  return !ec && space.available < kFull;
}

// One line, so that `kubectl get pod` and a table of steps can show it.
std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return text;
}

}  // namespace

Attempt::Attempt(AttemptOptions options, Signals& signals)
    : options_(std::move(options)),
      signals_(signals),
      ws_(fs::absolute(options_.dir), options_.code.empty() ? "" : fs::absolute(options_.code)) {}

TerminationMessage Attempt::Run() {
  TerminationMessage message = RunStages();
  if (!turns_) return message;
  auto said = SayEnd(message);
  if (said || turns_->last()) return message;
  // The next one takes this launcher for killed, so that the step fails: not without a word.
  if (message.outcome == TaskOutcome::kSucceeded)
    return Message(
        TaskOutcome::kInfrastructure,
        "it has succeeded, and the next container could not be told: " + said.error().message);
  Say("penstock-launcher: " + said.error().message + "\n");
  return message;
}

TerminationMessage Attempt::RunStages() {
  for (auto stage :
       {&Attempt::Load, &Attempt::Join, &Attempt::Prepare, &Attempt::Fetch, &Attempt::AwaitTurn,
        &Attempt::RunProgram, &Attempt::Collect, &Attempt::Upload})
    if (auto message = (this->*stage)()) return *message;
  TerminationMessage message = Message(TaskOutcome::kSucceeded, note_);
  if (!turns_ || turns_->last()) message.receipt = receipt_;
  return message;
}

TerminationMessage Attempt::Message(TaskOutcome outcome, std::string text) const {
  TerminationMessage m;
  m.outcome = outcome;
  m.exit_code = end_.exit_code;
  if (!container_.empty() && !text.empty() && outcome != TaskOutcome::kSucceeded)
    text = "container '" + container_ + "': " + text;
  m.message = OneLine(std::move(text));
  m.oom_killed = oom_killed_;
  m.damaged = damaged_;
  m.no_space = no_space_;
  const bool of_child = outcome == TaskOutcome::kFailed || outcome == TaskOutcome::kTimedOut ||
                        outcome == TaskOutcome::kCancelled;
  if (of_child) m.last_words = end_.last_words;
  if (outcome != TaskOutcome::kFailed && outcome != TaskOutcome::kTimedOut) return m;
  auto [kept, too_large] = ReadResultsOfFailure(task_, ws_);
  m.results = std::move(kept);
  for (std::size_t i = 0; i < too_large.size(); ++i)
    m.message += (i == 0 ? "; of a failure " + std::to_string(kMaxFailedResults) +
                               " bytes of results are kept, without "
                         : ", ") +
                 too_large[i];
  return m;
}

std::optional<TerminationMessage> Attempt::Load() {
  auto task = LoadTask(options_.task, options_.task_config);
  if (!task) return Message(TaskOutcome::kInvalid, task.error().message);
  task_ = std::move(*task);
  artifacts::TransportOptions transport;
  transport.namespace_ = task_.namespace_;
  transport.deadline = options_.store_deadline;
  transport.stop = stop_.get_token();
  auto made = artifacts::MakeTransport(task_.store, transport);
  if (!made) return Message(TaskOutcome::kInvalid, made.error().message);
  transport_ = std::move(*made);
  if (options_.turn.has_value() != !task_.turns.empty() ||
      (options_.turn && *options_.turn >= task_.turns.size()))
    return Message(TaskOutcome::kInvalid,
                   "the task has " + std::to_string(task_.turns.size()) +
                       " programs in turn; --turn says which of them, counted from 0");
  if (options_.turn) {
    const TaskTurn& turn = task_.turns[*options_.turn];
    container_ = turn.name;
    task_.command = turn.command;
    task_.args = turn.args;
    task_.working_dir = turn.working_dir;
    task_.env = turn.env;
    goes_on_ = turn.goes_on;
  }
  return std::nullopt;
}

std::optional<TerminationMessage> Attempt::Join() {
  if (!options_.turn) return std::nullopt;
  turns_ = std::make_unique<Turns>(ws_.dir(), *options_.turn, task_.turns.size());
  if (auto joined = turns_->Join(); !joined)
    return Message(OutcomeOf(joined.error()), joined.error().message);
  return std::nullopt;
}

// Not before the others can see how it ends: they would wait for it for ever.
std::optional<TerminationMessage> Attempt::Prepare() {
  if (turns_ && !turns_->first()) return std::nullopt;
  if (auto ready = ws_.Prepare(task_); !ready) {
    no_space_ = ready.error().kind == ErrorKind::kNoSpace;
    return Message(TaskOutcome::kInfrastructure, ready.error().message);
  }
  return std::nullopt;
}

std::optional<TerminationMessage> Attempt::AwaitTurn() {
  if (!turns_) return std::nullopt;
  if (turns_->first()) {
    auto all = turns_->AwaitAll(signals_);
    if (!all)
      return Message(OutcomeOf(all.error()), "its turn had not come: " + all.error().message);
    return std::nullopt;
  }
  auto end = turns_->AwaitTurn(signals_);
  if (!end) return Message(OutcomeOf(end.error()), "its turn had not come: " + end.error().message);
  // What went wrong is told by the container in which it did.
  if (!*end) return Message(TaskOutcome::kCancelled, "not run: the container before it was killed");
  before_ = **end;
  if (!before_.goes_on)
    return Message(TaskOutcome::kCancelled,
                   "not run: container '" + before_.container + "' did not succeed");
  receipt_.input_digests = before_.input_digests;
  note_ = before_.note;
  oom_killed_ = before_.oom_killed;
  return std::nullopt;
}

Result<void> Attempt::SayEnd(const TerminationMessage& message) {
  TurnEnd end;
  end.goes_on = message.outcome == TaskOutcome::kSucceeded;
  end.container = end.goes_on || before_.container.empty() || end_.started_ms != 0
                      ? container_
                      : before_.container;  // of one that was not run: whose fault it is
  end.started_ms = turns_->first() ? end_.started_ms : before_.started_ms;
  const auto left = TimeLeft().count();
  if (left > 0)
    end.remaining_ms = std::max<std::int64_t>(1, left - (end_.finished_ms - end_.started_ms));
  end.input_digests = receipt_.input_digests;
  end.note = note_;
  end.oom_killed = oom_killed_;
  return turns_->Say(end);
}

std::chrono::milliseconds Attempt::TimeLeft() const {
  const bool later = turns_ && !turns_->first();
  return std::chrono::milliseconds(later ? before_.remaining_ms : task_.timeout_ms);
}

void Attempt::Note(const std::string& text) {
  note_ += (note_.empty() ? "" : "; ") +
           (container_.empty() ? "" : "container '" + container_ + "': ") + text;
}

Result<void> Attempt::FetchOne(const std::string& what, const ArtifactRef& artifact,
                               const fs::path& target) {
  auto done = transport_->Fetch(artifact, target);
  if (done) return done;
  // Gone or damaged: either way its producer must make it again.
  if (done.error().kind == ErrorKind::kDamaged || done.error().kind == ErrorKind::kNotFound) {
    damaged_ = artifact.digest;
    Error e = done.error();
    e.kind = ErrorKind::kTransient;
    return Wrap(what, e);
  }
  return Wrap(what, done.error());
}

Result<void> Attempt::FetchUri(const TaskInput& input) {
  const auto program = MakeCommand(task_, ws_, options_.environment, 1);
  if (!program) return program.error();
  SourceOptions options;
  options.deadline = options_.store_deadline;
  options.trust = {program->Variable("SSL_CERT_FILE"), program->Variable("SSL_CERT_DIR")};
  for (const auto& variable : program->env) {
    const auto equals = variable.find('=');
    options.environment[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  options.stop = stop_.get_token();
  auto fetched = FetchSource(input.uri, ws_.Input(input.name), options);
  if (!fetched) return Wrap("input '" + input.name + "'", fetched.error());
  receipt_.input_digests[input.name] = fetched->digest;
  return ws_.WriteFingerprint(input.name, fetched->fingerprint);
}

std::optional<TerminationMessage> Attempt::Fetch() {
  if (turns_ && !turns_->first()) return std::nullopt;
  auto done = RunInterruptibly(signals_, stop_, [this]() -> Result<void> {
    const auto by_path = InputsAskedByPath(task_);
    for (const auto& input : task_.inputs) {
      Result<void> one;
      if (input.artifact)
        one = FetchOne("input '" + input.name + "'", *input.artifact, ws_.Input(input.name));
      else if (by_path.contains(input.name))
        one = FetchUri(input);
      if (!one) return one;
    }
    if (task_.packages) {
      auto got = FetchOne("the step's packages", *task_.packages, ws_.packages());
      if (!got) return got;
    }
    if (!task_.code || !options_.code.empty()) return {};
    return FetchOne("the step's code", *task_.code, ws_.code());
  });
  if (!done) return StoreFailure(done.error());
  return std::nullopt;
}

TerminationMessage Attempt::StoreFailure(const Error& error) {
  // After a signal the transfer's own thread may still run: nothing of it is read.
  if (error.kind == ErrorKind::kCancelled) {
    TerminationMessage m;
    m.outcome = TaskOutcome::kCancelled;
    m.exit_code = end_.exit_code;
    m.message = error.message;
    return m;
  }
  // It may be the store's volume that is full, which is not ours.
  no_space_ = error.kind == ErrorKind::kNoSpace && IsFull(ws_.dir());
  return Message(OutcomeOf(error), error.message);
}

// How the program ended, of one that failed.
std::string Attempt::Ending(const std::string& program) const {
  std::string text =
      program + (end_.signal != 0 ? " was killed by signal " + std::to_string(end_.signal) + " (" +
                                        ::strsignal(end_.signal) + ")"
                                  : " exited with code " + std::to_string(end_.exit_code));
  if (oom_killed_) text += "; the container ran out of memory";
  if (no_space_) text += "; the disk of " + options_.dir.string() + " is full";
  return text;
}

Result<ChildEnd> Attempt::RunWithMetrics(const ChildCommand& command, const ChildLimits& limits) {
  // Of its own: the attempt's is another thread's.
  artifacts::TransportOptions options;
  options.namespace_ = task_.namespace_;
  options.deadline = kMetricsDeadline;
  options.stop = stop_.get_token();
  auto transport = artifacts::MakeTransport(task_.store, options);
  if (!transport) return transport.error();
  MetricsTail tail(
      ws_.metrics(),
      [&](const std::string& text) {
        return (*transport)->PutMetrics(task_.run_uid, task_.pod, text);
      },
      [](const std::string& text) { Say("penstock-launcher: " + text + "\n"); }, kMetricsEvery);
  tail.Start();
  return RunChild(command, limits, signals_);
}

std::optional<TerminationMessage> Attempt::RunProgram() {
  auto command = MakeCommand(task_, ws_, options_.environment, UsableCpus());
  if (!command) return Message(TaskOutcome::kInvalid, command.error().message);
  const ChildLimits limits{TimeLeft(), std::chrono::milliseconds(task_.grace_ms)};
  const auto kills_before = OomKills();
  auto end = RunWithMetrics(*command, limits);
  if (!end) return Message(OutcomeOf(end.error()), end.error().message);
  end_ = *end;
  const auto kills = OomKills().value_or(0) - kills_before.value_or(0);
  const bool carried = std::exchange(oom_killed_, kills > 0);
  const std::string program = command->argv[0];
  if (end_.cancelled) return Message(TaskOutcome::kCancelled, program + " was stopped by a signal");
  if (end_.timed_out)
    return Message(TaskOutcome::kTimedOut,
                   program + " ran longer than its time-out of " +
                       FormatDuration(std::chrono::milliseconds(task_.timeout_ms)));
  if (end_.exit_code != 0 && !goes_on_) {
    no_space_ = IsFull(ws_.dir());
    return Message(TaskOutcome::kFailed, Ending(program));
  }
  if (end_.exit_code != 0)
    Note(Ending(program) + ", and the step went on (onError: Continue)");
  else if (kills > 0)
    Note(program + " succeeded, but " + std::to_string(kills) +
         (kills == 1 ? " of its processes was" : " of its processes were") +
         " killed for lack of memory");
  end_.exit_code = 0;
  oom_killed_ = oom_killed_ || carried;
  return std::nullopt;
}

std::optional<TerminationMessage> Attempt::Collect() {
  if (turns_ && !turns_->last()) return std::nullopt;
  for (const auto& output : task_.outputs) {
    struct stat st {};
    if (output.optional || ::lstat(ws_.Output(output.name).c_str(), &st) == 0) continue;
    return Message(TaskOutcome::kFailed, "output '" + output.name + "' was not written to " +
                                             ws_.Output(output.name).string());
  }
  auto results = ReadResults(task_, ws_);
  if (!results) return Message(TaskOutcome::kFailed, results.error().message);
  auto fingerprints = ReadFingerprints(task_, ws_);
  if (!fingerprints) return Message(TaskOutcome::kFailed, fingerprints.error().message);
  auto not_reusable = ReadNotReusable(ws_);
  if (!not_reusable) return Message(TaskOutcome::kFailed, not_reusable.error().message);
  receipt_.run = task_.run;
  receipt_.run_uid = task_.run_uid;
  receipt_.step = task_.step;
  receipt_.pod = task_.pod;
  receipt_.attempt = task_.attempt;
  receipt_.item_index = task_.item_index;
  receipt_.results = std::move(*results);
  receipt_.input_fingerprints = std::move(*fingerprints);
  receipt_.not_reusable = std::move(*not_reusable);
  receipt_.started_ms = turns_ && !turns_->first() ? before_.started_ms : end_.started_ms;
  receipt_.finished_ms = end_.finished_ms;
  return std::nullopt;
}

Result<void> Attempt::UploadOutputs() {
  for (const auto& output : task_.outputs) {
    struct stat st {};
    const fs::path path = ws_.Output(output.name);
    if (output.optional && ::lstat(path.c_str(), &st) != 0) continue;
    auto artifact = transport_->Upload(path);
    if (!artifact) return Wrap("output '" + output.name + "'", artifact.error());
    receipt_.outputs.push_back({output.name, output.type, *artifact});
  }
  auto put = transport_->PutReceipt(receipt_);
  // The child has no part in the receipt: whatever is wrong with it is not the child's fault.
  if (!put && OutcomeOf(put.error()) == TaskOutcome::kInvalid) {
    Error e = put.error();
    e.kind = ErrorKind::kInternal;
    return Wrap("the receipt", e);
  }
  if (!put) return Wrap("the receipt", put.error());
  return {};
}

std::optional<TerminationMessage> Attempt::Upload() {
  if (turns_ && !turns_->last()) return std::nullopt;
  auto done = RunInterruptibly(signals_, stop_, [this] { return UploadOutputs(); });
  if (done) return std::nullopt;
  // A link or device in an output, or one that the store will not take, is the child's doing.
  if (OutcomeOf(done.error()) == TaskOutcome::kInvalid)
    return Message(TaskOutcome::kFailed, done.error().message);
  return StoreFailure(done.error());
}

}  // namespace penstock::launcher
