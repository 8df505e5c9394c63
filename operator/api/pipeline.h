// Pipeline: a parameterised DAG of steps. Shapes only; what they mean stands in crds/ and in
// operator/plan. Value types.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/gate.h"
#include "operator/api/meta.h"
#include "operator/api/schedule.h"
#include "operator/base/json.h"

namespace penstock::api {

enum class ValueType : std::uint8_t { kString, kInteger, kNumber, kBoolean, kList, kObject };
[[nodiscard]] const char* Name(ValueType type);  // "string", "integer", ...

// A declared parameter of a Pipeline or Component.
struct ParameterSpec {
  std::string name;
  ValueType type = ValueType::kString;
  std::string description;
  std::optional<Json> default_value;  // absent: must be given, unless `optional`
  Json value_from{};  // of a Pipeline, in place of a default: core::kParameterSource; null: none
  bool optional = false;
  bool untyped = false;  // of a Pipeline in place, before a run gives it a value; never written
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::optional<std::int64_t> max_length;
  std::string pattern;            // RE2, for strings; the whole must match
  std::vector<Json> enum_values;  // JSON name "enum"
  Json items{};                   // of a list: ValueSchema of each, as JSON; null: any
  std::optional<std::int64_t> min_items{}, max_items{};
  Json properties{};  // of an object: name -> ValueSchema, as JSON; null: any
  std::vector<std::string> required{};
  bool additional_properties = true;
};

// What an item of a list or a field of an object must be.
struct ValueSchema {
  ValueType type = ValueType::kString;
  std::string description;
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::optional<std::int64_t> max_length;
  std::string pattern;
  std::vector<Json> enum_values;
  Json items;
  std::optional<std::int64_t> min_items, max_items;
  Json properties;
  std::vector<std::string> required;
  bool additional_properties = true;
};

struct RetryBudget {
  std::optional<int> limit;             // retries, not attempts
  std::optional<Milliseconds> backoff;  // before the first retry
  std::optional<Milliseconds> max_backoff;
  std::optional<double> backoff_factor;  // of each wait to the one before it
};
struct UserRetryBudget : RetryBudget {
  std::vector<Json> on_exit_codes;  // integers; empty: every failure of the program is tried again
};
struct MemoryRetryBudget : RetryBudget {
  std::optional<double> memory_factor;  // of requests and limits, once a retry of this class
};
// Takes the place of the step's own nodeSelector and tolerations in the last attempt.
struct LastAttemptSpec {
  std::map<std::string, std::string> node_selector;
  std::vector<Json> tolerations;
};
struct RetrySpec {
  UserRetryBudget user;
  MemoryRetryBudget out_of_memory;  // JSON name "outOfMemory"
  RetryBudget infrastructure;
  RetryBudget timeout;
  std::optional<LastAttemptSpec> last_attempt;
  std::optional<Milliseconds>
      max_duration;  // no retry begins later, from the first attempt's start
};

struct TimeoutSpec {
  std::optional<Milliseconds> attempt;  // of the child, from its start
  std::optional<Milliseconds> pending;  // from the pod's creation to its start
  // In place of a time, a text with references to the pipeline's parameters.
  std::string attempt_text{};
  std::string pending_text{};
};

struct CacheSpec {
  bool enabled = true;
  bool trust_tag = false;  // the image's tag is taken as its identity
  std::string salt;        // makes a step with secrets or mounts cacheable
};

struct OutputSpec {
  std::string name;
  std::string type = "file";  // dataset statistics schema transform model metrics report file
  bool optional = false;
  std::string description;
};
struct ResultSpec {
  std::string name;
  ValueType type = ValueType::kString;
  std::string description;
  // As of a parameter:
  std::optional<double> minimum{};
  std::optional<double> maximum{};
  std::optional<std::int64_t> max_length{};
  std::string pattern{};
  std::vector<Json> enum_values{};
  Json items{};
  std::optional<std::int64_t> min_items{}, max_items{};
  Json properties{};
  std::vector<std::string> required{};
  bool additional_properties = true;
  bool untyped = false;  // of a Pipeline: what it will be is not known; never written
};
struct InputSpec {  // of a Component or a Pipeline
  std::string name;
  std::string type = "file";
  bool optional = false;
  std::string description;
};

struct ComponentRef {
  std::string name;
  std::string version;   // "1" is the highest 1.x.y; "1.4.0" exactly that
  bool library = false;  // look in the operator's namespace
};

struct CodeSpec {
  std::string path;  // a folder beside the manifest: `penstock run` and `penstock apply` upload it
  std::string artifact;  // "sha256:...", as `penstock artifact put` printed it
  struct Git {
    std::string url;
    std::string revision;
    std::string path;
    std::optional<std::string> secret_ref{};  // JSON: secretRef: {name}
  };
  std::optional<Git> git;
  std::optional<std::string> config_map;  // JSON: configMap: {name}
  // Python packages, installed once for all steps with this lock and image. Exactly one of:
  struct Requirements {
    std::string file;  // the lock file in the folder
    std::string text;  // the lock itself
  };
  std::optional<Requirements> requirements;
  [[nodiscard]] bool HasFolder() const {
    return !path.empty() || !artifact.empty() || git || config_map;
  }
};

struct ContainerSpec {
  std::string image;
  std::string image_pull_policy;
  std::string launcher;  // "InImage", or "" (an init container copies it)
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<Json> env;       // core/v1 EnvVar; values are templates
  std::vector<Json> env_from;  // core/v1 EnvFromSource
  std::vector<Json> volume_mounts;
  std::optional<CodeSpec> code;
};

enum class ErrorPolicy : std::uint8_t { kFail, kContinue };

// One of several programs that run in turn in a step's pod.
struct StepContainer {
  std::string name;
  ContainerSpec program;  // its fields stand in the entry itself; without launcher and code
  Json resources;         // over the step's
  ErrorPolicy on_error = ErrorPolicy::kFail;
};

// Runs beside the step's program, from before it starts until it has ended.
struct SidecarSpec {
  std::string name;
  ContainerSpec program;  // as StepContainer's; no command: the image's own. No references
  Json resources;
  Json readiness;  // exactly one of tcp: PORT, http: {port, path}, exec: [word]
};

// The step is a server for those that depend on it: they start once it is ready, and it is ended
// when they all have ended.
struct DaemonSpec {
  Json readiness;  // exactly one of tcp: PORT, http: {port, path}, exec: [word]
};

// A volume that is made for a run and deleted with it.
struct ClaimSpec {
  std::string size;  // a quantity
  std::string storage_class_name;
  std::vector<std::string> access_modes;  // empty: ReadWriteOnce
};
struct RunVolume {
  std::string name;                // as volumeMounts call it
  std::optional<ClaimSpec> claim;  // required
};

// Where and as whom the pod runs: core/v1 shapes, passed through.
struct SchedulingSpec {
  std::string service_account_name;
  std::vector<Json> image_pull_secrets;
  std::map<std::string, std::string> node_selector;
  std::vector<Json> tolerations;
  Json affinity;
  std::string priority_class_name;
  std::string runtime_class_name;
  std::string scheduler_name;
};

// What stands in for a step that has failed.
enum class FailureUse : std::uint8_t {
  kLastGood,  // what it gave in the newest run of the same Pipeline in which it succeeded
};
struct OnFailureSpec {
  FailureUse use = FailureUse::kLastGood;
  std::optional<Milliseconds> max_age;  // since it succeeded; required
};

// How a dependency must have ended for the step to run. A step that was skipped because one before
// it failed (reason DependencyFailed) counts as skipped for kAny only; one that was cancelled, or
// stopped by the run's deadline, for kAny only.
enum class DependencyOutcome : std::uint8_t {
  kSucceeded,  // Succeeded, or Failed where it may (allowFailure)
  kFailed,     // Failed, whether it may or not
  kSkipped,    // Skipped by its `when`, an absent value, or a dependency that went otherwise
  kSucceededOrSkipped,  // as the two above
  kAny,                 // however it ended
};
struct Dependency {
  std::string step;
  DependencyOutcome outcome = DependencyOutcome::kSucceeded;
};

// Runs a step once for each item of a list. Exactly one of in, range, matrix and include says
// which; include and exclude go with matrix. A reference stands for a whole value:
// $(parameters.x) or $(steps.s.results.r).
struct RangeSpec {  // from, from + step, ... before `to`
  Json from;        // an integer or a reference; null: 0
  Json to;
  Json step;  // null: 1
};
struct ForEachSpec {
  Json in;  // a list or a reference; null: not given
  std::optional<RangeSpec> range;
  std::map<std::string, Json> matrix;  // axis -> its values, or a reference to them
  std::vector<Json> exclude;           // objects: combinations that agree with one are left out
  std::vector<Json> include;           // objects: items that come after the combinations
  std::optional<int> parallelism;      // items at a time
  Json min_success;  // a count, or "95%" of those that were not skipped; null: all
};
inline constexpr std::size_t kMaxItems = 10'000;  // of a loop

// A value that a run gives beside its artifacts.
struct PipelineResult {
  std::string name;
  std::optional<Json> value;  // its strings are templates
  std::string description;
};

struct StepSpec;
// The Pipeline that a step is: another one by its name, or one written in place, in which
// $(parameters.x) and $(inputs.x) are the step's own, and then the parameters around it.
struct NestedPipeline {
  std::string name;      // exactly one of name and steps
  bool library = false;  // look in the operator's namespace
  std::vector<StepSpec> steps;
  std::map<std::string, std::string> outputs;  // of steps: name -> $(steps.s.outputs.o)
  std::vector<PipelineResult> results;         // of steps
};

// Where a step's input comes from. Written as one text, or as {firstOf: [...], optional: true}.
struct InputSource {
  std::vector<std::string> first_of;  // references, digests or URIs; the first that is there
  bool optional = false;              // of a container step: the program takes it for absent
  InputSource() = default;
  InputSource(std::string only) : first_of{std::move(only)} {}  // NOLINT(*-explicit-*)
  InputSource(const char* only) : first_of{only} {}             // NOLINT(*-explicit-*)
};

struct StepSpec {
  std::string name;
  std::string description;
  // Exactly one of component, container, containers, pipeline, approval and wait.
  std::optional<ComponentRef> component;
  std::optional<ContainerSpec> container;
  std::vector<StepContainer> containers;  // in turn, in one pod, over one workspace
  std::optional<ForEachSpec> for_each;
  std::optional<NestedPipeline> pipeline;
  std::optional<ApprovalStep> approval;
  std::optional<WaitStep> wait;
  std::vector<LockRef> locks;  // held from before its first pod until it has ended
  std::vector<SidecarSpec> sidecars;
  std::optional<DaemonSpec> daemon;
  std::string when;            // a condition in a subset of CEL (plan/expression); empty: always
  bool allow_failure = false;  // its failure is no failure of the run
  std::optional<OnFailureSpec> on_failure;
  std::map<std::string, InputSource> inputs;
  std::map<std::string, Json> parameters;  // values; strings are templates
  std::vector<Dependency> depends_on;
  std::vector<OutputSpec> outputs;  // of a container step
  std::vector<ResultSpec> results;  // of a container step
  Json resources;                   // core/v1 ResourceRequirements
  RetrySpec retry;
  TimeoutSpec timeouts;
  std::optional<CacheSpec> cache;
  SchedulingSpec scheduling;  // its fields stand in the step itself
  Json pod;                   // core::kPod: what else of the pod may be said
  std::vector<Json> env;      // of a component step
  std::vector<Json> env_from;
  std::vector<Json> volumes;
  std::vector<Json> volume_mounts;  // of a component step
};

struct StepDefaults {
  Json resources;
  RetrySpec retry;
  TimeoutSpec timeouts;
  std::optional<CacheSpec> cache;
  SchedulingSpec scheduling;
  Json pod;
};

enum class RunPolicy : std::uint8_t { kOnChange, kManual };
enum class ConcurrencyPolicy : std::uint8_t { kQueue, kAllow, kForbid, kReplace };

inline constexpr std::size_t kMaxSteps = 5000;
inline constexpr std::size_t kMaxFinallySteps = 100;

// Each new content of an output becomes the next version of a registered model.
struct RegisterSpec {
  std::string model;
  std::string output;  // of the Pipeline's outputs
};
inline constexpr std::size_t kMaxRegisters = 20;

struct PipelineSpec {
  std::string description;
  RunPolicy run_policy = RunPolicy::kOnChange;
  struct {
    ConcurrencyPolicy policy = ConcurrencyPolicy::kQueue;
    int max = 1;
  } concurrency;
  struct {
    int succeeded = 10;
    int failed = 10;
  } history_limits;
  std::optional<int> parallelism;                 // steps of one run at a time
  std::map<std::string, std::string> run_labels;  // of its runs; values may hold $(parameters.x)
  bool suspend = false;                           // starts no runs
  std::vector<ScheduleSpec> schedules;
  SchedulePolicy schedule_policy;
  std::vector<TriggerSpec> triggers;
  FinishedTtl ttl_after_finished;
  FreshnessSpec freshness;
  std::vector<ParameterSpec> parameters;
  std::vector<InputSpec> inputs;
  StepDefaults defaults;
  std::vector<RunVolume> volumes;
  std::vector<LockRef> locks;  // held from before the run's first step until the run has ended
  struct {
    std::optional<Milliseconds> run;  // from the run's start; then its steps are stopped
  } timeouts;
  std::vector<StepSpec> steps;
  std::vector<StepSpec> finally;  // run when all of `steps` have ended, however they did
  std::map<std::string, std::string> outputs;  // name -> $(steps.s.outputs.o)
  std::vector<PipelineResult> results;
  std::vector<RegisterSpec> registers;
};

// Calls `f(step, path)` for each step of a list, and after it for those within it where it is a
// Pipeline in place. `path` is the list's own.
template <typename Steps, typename F>
void ForEachOf(Steps& steps, const std::string& path, const F& f) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string at = ItemPath(path, i);
    f(steps[i], at);
    if (steps[i].pipeline) ForEachOf(steps[i].pipeline->steps, at + ".pipeline.steps", f);
  }
}

// As ForEachOf for those of `steps`, then for those of `finally`; `prefix` is the spec's own path.
// Spec is PipelineSpec or const PipelineSpec.
template <typename Spec, typename F>
void ForEachStep(Spec& spec, const std::string& prefix, const F& f) {
  ForEachOf(spec.steps, prefix + ".steps", f);
  ForEachOf(spec.finally, prefix + ".finally", f);
}

struct PublishedOutput {
  std::string name;
  std::string type;
  std::string digest;
  bool folder = false;
  std::uint64_t bytes = 0;
  std::string run;
  std::optional<TimePoint> run_created{};  // of a Pipeline's only
  bool operator==(const PublishedOutput&) const = default;
};

// The version of a model that an output is.
struct RegisteredStatus {
  std::string model;
  std::int64_t version = 0;
  std::string digest;
  std::string run;  // that published it
  bool operator==(const RegisteredStatus&) const = default;
};

struct PipelineStatus {
  std::int64_t observed_generation = 0;
  std::string observed_run_hash;
  struct LastRun {
    std::string name;
    std::string outcome;  // Succeeded, Failed, Cancelled; empty while it runs
    std::optional<TimePoint> finish_time;
  };
  std::optional<LastRun> last_run;
  int active_runs = 0;
  std::vector<PublishedOutput> outputs;
  std::vector<ScheduleStatus> schedules;
  std::optional<TimePoint> next_schedule;  // the earliest of them
  std::vector<TriggerStatus> triggers;
  std::map<std::string, Json> results;  // of the run that published last
  std::vector<RegisteredStatus> registered;
  std::optional<TimePoint> last_success;  // end of the last run that succeeded, for freshness
  std::vector<Condition> conditions;
};

struct Pipeline {
  ObjectMeta meta;
  PipelineSpec spec;
  PipelineStatus status;
};

}  // namespace penstock::api
