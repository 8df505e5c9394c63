// Pipeline: a parameterised DAG of steps. Shapes only; what they mean stands in crds/ and in
// operator/plan. Value types.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/meta.h"
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
  bool optional = false;
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::optional<std::int64_t> max_length;
  std::string pattern;            // RE2, for strings; the whole must match
  std::vector<Json> enum_values;  // JSON name "enum"
};

struct RetryBudget {
  std::optional<int> limit;             // retries, not attempts
  std::optional<Milliseconds> backoff;  // before the first retry; doubles
  std::optional<Milliseconds> max_backoff;
};
struct RetrySpec {
  RetryBudget user;
  RetryBudget out_of_memory;  // JSON name "outOfMemory"
  RetryBudget infrastructure;
  RetryBudget timeout;
};

struct TimeoutSpec {
  std::optional<Milliseconds> attempt;  // of the child, from its start
  std::optional<Milliseconds> pending;  // from the pod's creation to its start
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
};
struct InputSpec {  // of a Component
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

enum class DependencyOutcome : std::uint8_t { kSucceeded, kFailed, kAny };
struct Dependency {
  std::string step;
  DependencyOutcome outcome = DependencyOutcome::kSucceeded;
};

struct StepSpec {
  std::string name;
  std::string description;
  std::optional<ComponentRef> component;  // exactly one of component and container
  std::optional<ContainerSpec> container;
  std::map<std::string, std::string> inputs;  // name -> reference or URI
  std::map<std::string, Json> parameters;     // values; strings are templates
  std::vector<Dependency> depends_on;
  std::vector<OutputSpec> outputs;  // of a container step
  std::vector<ResultSpec> results;  // of a container step
  Json resources;                   // core/v1 ResourceRequirements
  RetrySpec retry;
  TimeoutSpec timeouts;
  std::optional<CacheSpec> cache;
  SchedulingSpec scheduling;  // its fields stand in the step itself
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
};

enum class RunPolicy : std::uint8_t { kOnChange, kManual };
enum class ConcurrencyPolicy : std::uint8_t { kQueue, kAllow, kForbid, kReplace };

inline constexpr std::size_t kMaxSteps = 5000;

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
  std::optional<int> parallelism;  // steps of one run at a time
  bool suspend = false;            // starts no runs
  std::vector<ParameterSpec> parameters;
  StepDefaults defaults;
  std::vector<StepSpec> steps;
  std::map<std::string, std::string> outputs;  // name -> $(steps.s.outputs.o)
};

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
  std::vector<Condition> conditions;
};

struct Pipeline {
  ObjectMeta meta;
  PipelineSpec spec;
  PipelineStatus status;
};

}  // namespace penstock::api
