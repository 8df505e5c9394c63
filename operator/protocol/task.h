// The protocol between operator and launcher: the task document, the receipt and the termination
// message. Version 1; either side accepts its own version and the one before.
//
// The document holds everything that a parameter touched: nothing of it stands in the pod's
// command, args or env, because the kubelet expands $(NAME) there. Value types; pure.
//
//   operator --TaskDocument--> launcher --Receipt--> store
//                                       --TerminationMessage--> pod status --> operator
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock {

inline constexpr int kTaskProtocol = 1;
inline constexpr std::size_t kMaxTaskBytes = 32 * 1024;         // in the pod's annotation
inline constexpr std::size_t kMaxTaskConfigBytes = 900 * 1024;  // in the step's ConfigMap
inline constexpr std::size_t kMaxReceiptBytes = 256 * 1024;
// Of one attempt, as JSON: they stand in the run's status, which is at most 256 KiB.
inline constexpr std::size_t kMaxResultsBytes = 64 * 1024;
inline constexpr std::size_t kMaxTerminationMessage = 4096;  // Kubernetes' own limit
// Of all containers of a pod together, in equal shares; a kubelet cuts what is longer in the
// middle.
inline constexpr std::size_t kMaxTerminationMessages = 12 * 1024;
inline constexpr std::size_t kMaxLastWords = 1024;
// Results of an attempt that failed, as JSON: they have the termination message only.
inline constexpr std::size_t kMaxFailedResults = 2048;
inline constexpr std::size_t kMaxNotReusable = 512;  // Receipt::not_reusable, as it is shown

// An immutable file or folder in the store.
struct ArtifactRef {
  std::string digest;  // "sha256:<64 hex>" of the file's bytes, or of the folder's manifest
  bool folder = false;
  std::uint64_t bytes = 0;  // content, without the manifest
  bool operator==(const ArtifactRef&) const = default;
};

struct TaskInput {
  std::string name;
  std::string type;                     // dataset, model, file, ...; empty when not declared
  std::optional<ArtifactRef> artifact;  // an artifact of the store, or
  std::string uri;                      // an outside source: file, http(s), s3
  std::string fingerprint;              // what the operator saw of the URI; empty = not known
};

struct TaskOutput {
  std::string name;
  std::string type;
  bool optional = false;  // the child may leave it out: then it is absent, not a failure
};

struct TaskResult {
  std::string name;
  std::string type;  // string, integer, number, boolean, list, object
};

struct TaskEnv {
  std::string name;
  std::string value;  // a template; $(...) are the launcher's references
};

// One of several programs that run in turn, each in a container of its own (launcher run --turn i).
struct TaskTurn {
  std::string name;
  std::vector<std::string> command;  // templates, as those of the task
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<TaskEnv> env;
  bool goes_on = false;  // the next one runs whatever this one's exit code is
};

// The fingerprint of an http source by its answer's headers, as the operator and
// the step that reads it both tell it; empty when they identify nothing: no version, no strong
// ETag.
[[nodiscard]] std::string HttpFingerprint(const std::string& amz_version_id,
                                          const std::string& etag,
                                          const std::string& content_length);

// Where artifacts are. Either the gateway over HTTPS or, for local runs, a folder.
struct TaskStore {
  std::string url;         // "https://penstock.penstock-system.svc:8443"; empty with `folder`
  std::string ca_pem;      // trusted for `url`
  std::string token_file;  // bearer token, re-read at every use
  std::string folder;      // a store's root on this machine; empty with `url`
};

struct TaskDocument {
  int protocol = kTaskProtocol;
  std::string namespace_;
  std::string run;  // name of the PipelineRun
  std::string run_uid;
  std::string step;
  std::optional<int> item_index;     // of a looped step
  int attempt = 1;                   // counts from 1
  std::string pod;                   // the pod's name: the receipt's name
  std::vector<std::string> command;  // templates: $(inputs.i.path) $(outputs.o.path)
  std::vector<std::string> args;     //   $(results.r.path) $(parameters.x) $(parameters.x.path)
  std::string working_dir;           //   $(code.path) $(run.name) $(each.value)
  std::vector<TaskEnv> env;
  std::vector<TaskTurn> turns;       // instead of command, args, working_dir and env; empty: one
  Json parameters = Json::object();  // resolved values by name; null values are left out
  // Of $(run.*) and $(each.*) what the texts ask for: {"run": {"uid": ...}, "each": {"value":
  // ...}}.
  Json values = Json::object();
  std::vector<TaskInput> inputs;
  std::vector<TaskOutput> outputs;
  std::vector<TaskResult> results;
  std::optional<ArtifactRef> code;      // unpacked, read-only, at $(code.path)
  std::optional<ArtifactRef> packages;  // Python's, unpacked, read-only, in front of PYTHONPATH
  std::int64_t timeout_ms = 0;          // of this attempt, from the child's start; 0 = none
  std::int64_t grace_ms = 20'000;       // from SIGTERM to SIGKILL
  std::size_t max_message = kMaxTerminationMessage;  // bytes of the termination message
  TaskStore store;
};

// How an attempt ended, as the launcher saw it.
enum class TaskOutcome : std::uint8_t {
  kSucceeded,
  kFailed,          // the child's exit code or signal, or an output it did not write: user class
  kTimedOut,        // timeout_ms passed
  kCancelled,       // SIGTERM came from outside
  kInfrastructure,  // store, network or disk failed the launcher; the child is not to blame
  kInvalid,         // the task cannot be carried out as written (bad document, missing program)
};
[[nodiscard]] const char* Name(TaskOutcome outcome);

struct OutputRecord {
  std::string name;
  std::string type;
  ArtifactRef artifact;
};

// Written to the store when outputs are there; proves that the attempt succeeded.
struct Receipt {
  int protocol = kTaskProtocol;
  std::string run;  // name of the PipelineRun; empty in receipts of older launchers
  std::string run_uid;
  std::string step;
  std::string pod;
  std::optional<int> item_index;  // of a looped step
  int attempt = 1;
  std::vector<OutputRecord> outputs;
  Json results = Json::object();
  std::map<std::string, std::string> input_fingerprints;  // of URI inputs, as they were read
  std::map<std::string, std::string> input_digests;       // of those that the launcher fetched
  // Why no other run may take these outputs for its own, as the step said; empty: it may.
  std::string not_reusable;
  std::int64_t started_ms = 0;  // of the child, Unix milliseconds
  std::int64_t finished_ms = 0;
};

// At most 4096 bytes in the pod's status; parsed as hostile input.
struct TerminationMessage {
  int protocol = kTaskProtocol;
  TaskOutcome outcome = TaskOutcome::kInfrastructure;
  int exit_code = 0;    // of the child; 128 + n for signal n
  std::string message;  // one line for people; names the file, the output, the limit
  // The cgroup counted an OOM kill during the attempt. Of one that succeeded: `message` says so,
  // the program went on without what was killed.
  bool oom_killed = false;
  bool no_space = false;  // the disk that the attempt writes to was full
  // The end of what the child wrote to its standard error, of an attempt that did not succeed: one
  // line of valid UTF-8 of at most kMaxLastWords bytes.
  std::string last_words;
  // The digest of an input whose bytes did not match it (outcome kInfrastructure): its producer is
  // run again. Empty otherwise.
  std::string damaged;
  // Of an attempt that failed or ran out of time: the results that it had written, each whole and
  // of its type, as many in the order of their names as kMaxFailedResults and the message hold.
  Json results = Json::object();
  // Present when all of it fits; otherwise the operator reads the receipt.
  std::optional<Receipt> receipt;
};

void to_json(Json& j, const ArtifactRef& a);
void from_json(const Json& j, ArtifactRef& a);
void to_json(Json& j, const TaskDocument& t);
void to_json(Json& j, const Receipt& r);
void to_json(Json& j, const TerminationMessage& m);

// The store as it stands on a command line: {"url": ..., "ca": ..., "tokenFile": ...} or
// {"folder": ...}. Invalid begins with `what`.
[[nodiscard]] Json ToJson(const TaskStore& store);
[[nodiscard]] Result<TaskStore> ParseTaskStore(const std::string& text, const std::string& what);

// Parse what the other side wrote. Unknown fields are ignored; a wrong type, a bad digest, a
// protocol above kTaskProtocol or text over the limit is Invalid and says which field.
[[nodiscard]] Result<TaskDocument> ParseTask(const std::string& text);
[[nodiscard]] Result<Receipt> ParseReceipt(const std::string& text);
[[nodiscard]] Result<TerminationMessage> ParseTerminationMessage(const std::string& text);

// The message's text, with the receipt left out, then results from the last name on, and then the
// message and the last words cut until it fits: of the last words the end is kept.
[[nodiscard]] std::string FormatTerminationMessage(TerminationMessage m,
                                                   std::size_t limit = kMaxTerminationMessage);

// The exit code that the launcher ends with for an outcome: the child's own when it failed, 0 when
// it succeeded, and fixed codes otherwise (124 timed out, 125 infrastructure, 126 invalid,
// 143 cancelled), so that `kubectl get pod` says something too.
[[nodiscard]] int LauncherExitCode(const TerminationMessage& m);

// True when a result's value has the declared type; "" type accepts all.
[[nodiscard]] bool HasType(const Json& value, const std::string& type);

}  // namespace penstock
