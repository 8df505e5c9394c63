// The commands, apart from their flags (command_line.cc). Each gives the program's exit code.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "operator/cli/objects/session.h"
#include "operator/cli/run_preparation.h"

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
}

namespace penstock::cli {

// penstock run
int RunPipeline(const RunOptions& options, Session& session);

// penstock run on a cluster: makes a PipelineRun of the Pipeline that is named, and follows it.
int RunOnCluster(const RunOptions& options, Session& session);

// penstock validate
struct ValidateOptions {
  std::vector<std::string> files;
};
int Validate(const ValidateOptions& options, Session& session);

// penstock get
struct GetOptions {
  std::string kind;
  std::vector<std::string> names;
  std::string selector;
  std::string output;
  bool all_namespaces = false;
  bool watch = false;
  bool no_headers = false;
};
int Get(const GetOptions& options, Session& session);

// penstock logs
struct LogsOptions {
  std::string run, step;
  bool follow = false;
  bool previous = false;
  int tail = -1;
  std::string gateway, token_file, ca_file;  // for the logs of pods that are gone
};
int Logs(const LogsOptions& options, Session& session);

// penstock describe
struct DescribeOptions {
  std::string run;
  std::string output;
};
int DescribeRun(const DescribeOptions& options, Session& session);

// penstock explain-cache
struct ExplainCacheOptions {
  std::string run, step;
  int runs = 1;  // that it is compared with
  std::string output;
};
int ExplainStepCache(const ExplainCacheOptions& options, Session& session);

// penstock rerun
struct RerunOptions {
  std::string run;
  std::vector<std::string> from;  // steps; empty: what failed
  bool failed = false;
  bool latest = false;
  std::vector<std::string> parameters;  // "name=value"
  std::vector<std::string> files;       // on this machine: Secrets, Components, the newest Pipeline
  std::vector<std::string> approve;
  std::string isolation = "auto";
  std::string output;
  std::string gateway, token_file, ca_file;
};
int Rerun(const RerunOptions& options, Session& session);

// penstock diff
struct DiffOptions {
  std::string before, after;
  std::string output;
};
int DiffTwoRuns(const DiffOptions& options, Session& session);

// penstock cancel
struct CancelOptions {
  std::string run;
  bool now = false;
};
int Cancel(const CancelOptions& options, Session& session);

// penstock approve
struct ApproveOptions {
  std::string run, step;
  bool reject = false;
  std::vector<std::string> values;  // "name=value"
  std::string comment;
};
int Approve(const ApproveOptions& options, Session& session);

struct ArtifactOptions;  // below

// penstock rollout status|report|promote|pause|resume|abort|undo
struct RolloutOptions {
  std::string what;
  std::string name;          // of the ModelDeployment
  std::int64_t to = 0;       // undo: the version; 0: the one before
  std::string output;        // status, report
  std::string comment;       // approve, reject
  std::int64_t version = 0;  // report: of which; 0: the newest
};
int Rollout(const RolloutOptions& options, Session& session);
// What a version was rejected or rolled back for, from its report in the store; `artifact`: the way
// there.
int RolloutReport(const RolloutOptions& options, const ArtifactOptions& artifact, Session& session);
// what is "approve" or "reject": decides the step at which a version waits for people.
int DecideRollout(const RolloutOptions& options, Session& session);

// penstock backfill
struct BackfillOptions {
  std::string pipeline;
  std::string from, to;
  std::string schedule, every;
  std::string reprocess = "none";  // none, failed, completed
  std::vector<std::string> parameters;
  int max_active = 1;
  bool dry_run = false;
};
int RunBackfill(const BackfillOptions& options, Session& session);

// penstock debug
struct DebugOptions {
  std::string run, step;
  bool shell = false;
  bool local = false;
  std::string folder;  // --local: where; empty = <state>/debug/<pod>
  std::string gateway;
};
int Debug(const DebugOptions& options, Session& session);

// penstock artifact put|get|ls|predictions
struct ArtifactOptions {
  std::string source;  // put: file or folder; get: the artifact's name; predictions: the model's
  std::string to;      // get, predictions
  std::string gateway, token_file, ca_file;
  std::string output;
};
int PutArtifact(const ArtifactOptions& options, Session& session);
int GetArtifact(const ArtifactOptions& options, Session& session);
int ListArtifacts(const ArtifactOptions& options, Session& session);
int GetPredictions(const ArtifactOptions& options, Session& session);
// Puts a file or folder where PutArtifact does; `where` gets the place in words.
[[nodiscard]] Result<ArtifactRef> StoreArtifact(const ArtifactOptions& options,
                                                const std::filesystem::path& source,
                                                Session& session, std::string& where);
// A copy of an artifact: from the state folder of this machine, or through the gateway of a
// cluster (artifact_copy.cc). Of `options` its source (sha256:..., RUN/STEP/OUTPUT, PIPELINE/OUTPUT
// or PIPELINE) and the way to the gateway. `to` must not exist; what is there afterwards may be
// deleted by whoever asked.
[[nodiscard]] Result<void> CopyArtifact(const ArtifactOptions& options,
                                        const std::filesystem::path& to, Session& session);
// The same of the cluster's, whatever this machine has.
[[nodiscard]] Result<void> CopyClusterArtifact(const ArtifactOptions& options,
                                               const std::filesystem::path& to, Session& session);

// penstock model sign|verify (model_sign_command.cc)
struct SignOptions {
  std::string model;  // a folder, an artifact as GetArtifact takes it, NAME:ALIAS or NAME:NUMBER
  std::string key;    // a file in PEM: private to sign, public to verify
  std::string signature;  // the file; empty: model.sig in the model
  std::string gateway, token_file, ca_file;
};
// Writes the signature. Without `signature` an artifact is stored anew with it, and a registered
// version so becomes the next one.
int SignModel(const SignOptions& options, Session& session);
int VerifyModel(const SignOptions& options, Session& session);

// penstock look
struct LookOptions {
  std::string dataset;  // a file, a folder or the artifact's name
  std::vector<std::string> columns;
  int rows = 10;
  int width = 0;  // 0: the terminal's
  std::string gateway, token_file, ca_file;
};
int Look(const LookOptions& options, Session& session);

// penstock apply
struct ApplyOptions {
  std::vector<std::string> files;
  std::string gateway, token_file, ca_file;
  bool dry_run = false;
};
int Apply(const ApplyOptions& options, Session& session);

// penstock serve
struct ServeOptions {
  std::string model;
  std::string name;
  std::string address = "127.0.0.1";
  int port = 8080;
  std::vector<std::string> more;  // handed on to penstock-serve
};
int Serve(const ServeOptions& options, Session& session);

// penstock predict
struct PredictOptions {
  std::string url, model, input, output;
};
int Predict(const PredictOptions& options, Session& session);

// penstock version
int Version(const std::string& output, Session& session);

// penstock completion bash|zsh|fish
int Completion(const std::string& shell, Session& session);

// The program under the name kubectl_complete-penstock: which words may follow argv[1..].
int CompleteWords(int argc, const char* const* argv, Session& session);

// Flags of the commands that have most (command_flags.cc).
void AddBackfillFlags(CLI::App& command, BackfillOptions& options);
void AddRerunFlags(CLI::App& command, RerunOptions& options);

// The whole program: parses argv, runs the command. Usage errors are kUsage.
int CommandLine(int argc, const char* const* argv, Session& session);

}  // namespace penstock::cli
