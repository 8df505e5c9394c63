#include "operator/cli/run_start.h"

#include <ostream>

#include "operator/base/json.h"
#include "operator/cli/objects/await_object.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/run_report.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReasonsShown = 5;

void SayWhy(const RunChange& change, const Session& session) {
  session.err << "note: it starts, since "
              << (change.since.empty() ? "" : "run " + change.since + ": ");
  for (std::size_t i = 0; i < change.why.size() && i < kReasonsShown; ++i) {
    session.err << (i == 0 ? "" : "; ") << change.why[i];
  }
  if (change.why.size() > kReasonsShown) {
    session.err << "; and " << change.why.size() - kReasonsShown << " more";
  }
  session.err << "\n";
}

Result<RunChange> Compare(const SuspendedRun& run, const Json& object, const RunArchive& history,
                          const Session& session) {
  Result<KnownRun> candidate = ReadRun(object);
  if (!candidate) return candidate.error();
  if (auto read = RunArchive(run.client, run.ns).ReadSpec(*candidate); !read) return read.error();
  Result<std::vector<KnownRun>> older = history.Before(*candidate);
  if (!older) return older.error();
  KnownRun* last = LastSucceeded(*candidate, *older);
  if (last != nullptr) {
    if (Result<void> read = history.ReadSpec(*last); !read) return read.error();
  }
  return WhatChanged(*candidate, last, [&](const std::string& uri) {
    sources::FingerprintOptions options;
    options.local_files = run.local_files;
    options.stop = session.interrupted;
    return sources::TakeFingerprint(uri, options);
  });
}

Result<RunChange> Resume(const SuspendedRun& run, RunChange change) {
  const Result<Json> resumed = run.client.MergePatch(kube::kPipelineRuns, run.ns, run.name,
                                                     {{"spec", {{"suspend", false}}}});
  if (!resumed) return resumed.error();
  return change;
}

}  // namespace

std::string PipelinesNameIn(const RunOptions& options, const Session& session) {
  if (options.files.size() != 1) return "";
  const std::string& word = options.files[0];
  std::error_code ignored;
  const bool path = word == "-" || word.find_first_of("./") != std::string::npos;
  return path || fs::exists(session.directory / word, ignored) ? "" : word;
}

bool HasEnded(const Json& run) {
  return ConditionStatus(run, "Finished") == "True" || WasRefused(run);
}

Result<RunChange> StartIfChanged(const SuspendedRun& run, const RunArchive& history,
                                 const Session& session) {
  const auto pinned = [](const Json& object) {
    return HasEnded(object) ||
           !object.value("status", Json::object()).value("revision", "").empty();
  };
  Result<RunChange> change = RunChange();
  const Result<Json> object = ReadUntil(
      run.client, kube::kPipelineRuns, run.ns, run.name, pinned,
      {.stop = session.interrupted,
       .say = [&](const std::string& what) { session.err << "note: run " << what << "\n"; }});
  if (object && HasEnded(*object)) return Resume(run, {"", {"it is refused"}});
  if (object) {
    change = Compare(run, *object, history, session);
  } else {
    change = object.error();
  }
  if (change && !change->why.empty()) {
    SayWhy(*change, session);
    return Resume(run, *std::move(change));
  }
  const Result<void> deleted = run.client.Delete(kube::kPipelineRuns, run.ns, run.name);
  if (!change) return change.error();
  if (!deleted) return deleted.error();
  return change;
}

}  // namespace penstock::cli
