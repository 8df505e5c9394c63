// How a new version of a model takes over: what people say (spec.rollout) and what the operator and
// the routers say (status). Shapes only; what they mean stands in crds/, docs/serving.md and
// operator/plan/rollout. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/gate.h"
#include "operator/base/time.h"

namespace penstock::api {

enum class RolloutStrategy : std::uint8_t {
  kBlueGreen,  // all traffic at once, after what shadow, gates and a preview say
  kCanary,     // by steps, judged under traffic
  kRecreate,   // the old version ends first
};

// What becomes of a step whose gates have not all passed progressDeadline after its hold.
enum class OnInconclusive : std::uint8_t { kPause, kRollback, kPromote };

// Requests that are answered by the stable version are copied to the candidate; its answers are
// compared and thrown away.
struct ShadowSpec {
  std::string percent;  // of the requests; empty: 100%
  Milliseconds hold{0};
  struct Compare {
    std::string output;     // of the model; empty: the first
    std::string threshold;  // a decision is output > threshold; empty: what the router takes for it
    // Gates of the shadow; at least one of them.
    std::string max_flips;  // share of rows whose decision is another
    std::string max_shift;  // mean absolute difference of the output's numbers
  };
  std::optional<Compare> compare;
};

// Before all else: as many new servers of the stable version, the baseline, beside the candidate's,
// and copies of requests for both, half each. Nobody is answered by either; gates of a metric hold
// the candidate against the baseline, as their servers tell.
struct ExperimentSpec {
  std::string percent;  // of the requests are copied; empty: 100%
  Milliseconds hold{0};
};

// Without end: until a person resumes (kAnnotationResume) or promotes.
struct PauseStep {
  std::string message;  // what to look at, for those who resume
};
// Until people have decided, each by an object of the kind Approval.
struct RolloutApproval {
  std::string message;              // for those who decide
  std::vector<Approver> approvers;  // empty: who may create Approvals in the namespace
  int need = 1;                     // different people
  bool not_by_submitter = false;    // who started the run that made the model does not count
  std::optional<Milliseconds> timeout;
  ApprovalTimeout on_timeout = ApprovalTimeout::kFail;  // or kApprove
};
// One of a weight with its hold, a pause and an approval.
struct RolloutStep {
  std::string weight;  // of the traffic, "5%"; empty: it stays
  Milliseconds hold{0};
  std::optional<PauseStep> pause;
  std::optional<RolloutApproval> approval = std::nullopt;
};

// Of GateSpec::metric.
inline constexpr const char* kErrorRate = "errorRate";
inline constexpr const char* kClientErrorRatio = "clientErrorRatioToStable";
inline constexpr const char* kLatencyP50 = "latencyP50";
inline constexpr const char* kLatencyP95 = "latencyP95";
inline constexpr const char* kLatencyP99 = "latencyP99";
// Of what the routers call latency, the part in the servers' queue and that of the computation.
inline constexpr const char* kQueueP50 = "queueP50";
inline constexpr const char* kQueueP95 = "queueP95";
inline constexpr const char* kQueueP99 = "queueP99";
inline constexpr const char* kComputeP50 = "computeP50";
inline constexpr const char* kComputeP95 = "computeP95";
inline constexpr const char* kComputeP99 = "computeP99";
// How far requests and answers are from those of the version's training.
inline constexpr const char* kDrift = "drift";
inline constexpr const char* kDecisionFlips = "decisionFlips";  // made by shadow.compare
inline constexpr const char* kOutputShift = "outputShift";      // the same

struct PrometheusGate {
  std::string url;    // of the server, such as http://prometheus.monitoring.svc:9090
  std::string query;  // PromQL; $(candidate.version), $(stable.version), $(name), $(namespace)
  std::string min;    // decimals; at least one of them
  std::string max;
};
struct HttpGate {
  std::string url;
  int status = 200;      // that the answer must have
  std::string contains;  // text that its first 64 KiB must have; empty: any
};
// What recorded requests are held against.
enum class RowsExpect : std::uint8_t {
  kRecorded,  // the answers that stand beside them
  kStable,    // what the stable version answers now
};
// Recorded requests, sent to a candidate before it has any traffic.
struct RowsGate {
  std::string config_map;  // of the namespace
  std::string key;         // of its data: JSON Lines of {"request", "response"} as V2 has them
  RowsExpect expect = RowsExpect::kRecorded;
  std::string tolerance;   // of a number; empty: kRowsTolerance
  int max_mismatches = 0;  // rows that may be answered otherwise
};
inline constexpr const char* kRowsKey = "rows.jsonl";  // where none is said
inline constexpr const char* kRowsTolerance = "0.00001";

// One of metric, prometheus, http and rows; a metric has one of its bounds.
struct GateSpec {
  std::string name;                      // for status; empty: the metric's
  std::string metric;                    // told by the routers, or the servers
  std::string max;                       // errorRate: percent; a time: duration; others: decimal
  std::string max_ratio_to_stable;       // of a time, of drift: decimal
  std::string max_difference_to_stable;  // errorRate: percent
  std::optional<PrometheusGate> prometheus;
  std::optional<HttpGate> http;
  std::optional<RowsGate> rows;
  Milliseconds interval{30'000};  // between two measurements of prometheus, http, rows and drift
  int failures = 3;               // of them in a row fail the gate

  [[nodiscard]] const std::string& Name() const { return name.empty() ? metric : name; }
  // In every stage. Rows are asked once, before all of them.
  [[nodiscard]] bool IsAsked() const { return prometheus.has_value() || http.has_value(); }
};

struct RolloutSpec {
  RolloutStrategy strategy = RolloutStrategy::kBlueGreen;
  bool auto_promote = true;  // BlueGreen: false waits for kAnnotationPromote
  bool paused = false;       // holds any candidate where it is
  std::optional<ExperimentSpec> experiment;
  std::optional<ShadowSpec> shadow;
  std::vector<RolloutStep> steps;
  std::vector<GateSpec> gates;
  Milliseconds progress_deadline{600'000};
  OnInconclusive on_inconclusive = OnInconclusive::kPause;
  // A candidate may lack or change what the stable version accepts and answers.
  bool allow_signature_change = false;
  bool undo_by_steps = false;  // what an undo brings back goes through the stages, too
};

// What people tell a rollout, as annotations of the ModelDeployment. Each names the version that it
// is meant for: on any other it does nothing, so that one left behind harms nobody. The operator
// never writes spec and never takes them away.
inline constexpr const char* kAnnotationPromote = "penstock.dev/promote";  // "8": take all traffic
inline constexpr const char* kAnnotationAbort = "penstock.dev/abort";      // "8": roll it back
inline constexpr const char* kAnnotationPause = "penstock.dev/pause";      // "8": while it stands
inline constexpr const char* kAnnotationResume = "penstock.dev/resume";    // "8/2": past step 2
// "8": back to the version before the stable 8; "8/5": back to version 5.
inline constexpr const char* kAnnotationUndo = "penstock.dev/undo";

// What a gate says of the candidate.
struct GateStatus {
  std::string name;
  std::string metric;
  std::string value;  // measured; lower and upper are its interval, valid at any time
  std::string lower;
  std::string upper;
  std::string verdict;       // Pass, Fail, Inconclusive
  std::int64_t samples = 0;  // of the candidate, in this step
  std::string message;
};

// ModelVersionStatus::phase of a candidate.
inline constexpr const char* kPhaseStarting = "Starting";      // its servers come up
inline constexpr const char* kPhaseExperiment = "Experiment";  // beside a baseline, copies only
inline constexpr const char* kPhaseShadow = "Shadow";          // copies only
inline constexpr const char* kPhaseStep = "Step";              // judged under traffic
inline constexpr const char* kPhasePaused = "Paused";          // waits for a person
inline constexpr const char* kPhasePreview = "Preview";        // BlueGreen that waits for a person
inline constexpr const char* kPhasePromoting = "Promoting";    // takes all traffic

// What the routers do. Written by the operator, and all that they go by.
struct RouterStatus {
  int port = 0;       // the routers listen on it for this ModelDeployment; 0: none yet
  int grpc_port = 0;  // the same for gRPC; 0: none
};
struct TrafficStatus {
  std::int64_t version = 0;
  std::string weight;          // "95%"; all of them add up to 100%
  std::string shadow;          // share of the requests that are copied to it; empty: none
  std::string max_error_rate;  // routers take its weight away beyond it; empty: never
  std::string compare_output;  // of the shadows' answers; empty: the first
  std::string compare_threshold;
};

}  // namespace penstock::api
