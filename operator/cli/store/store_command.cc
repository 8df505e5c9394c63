#include "operator/cli/store/store_command.h"

#include <filesystem>
#include <optional>
#include <ostream>

#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/base/try.h"
#include "operator/cli/gateway/artifact_upload.h"
#include "operator/cli/objects/state.h"
#include "operator/cli/store/report_text.h"
#include "operator/cli/store/state_references.h"

namespace penstock::cli {
namespace {

using retention::StoreJob;

constexpr std::chrono::milliseconds kLook{500};

// What is removed is removed while no run is at work: objects of one that is are in its own memory,
// and refer to artifacts there.
Result<Json> DoHere(const State& state, StoreJob job, const StoreOptions& options,
                    Session& session) {
  std::error_code error;
  if (!std::filesystem::exists(state.root(), error))
    return NotFound("there is no state folder " + state.root().string());
  std::optional<StateLock> lock;
  if (job != StoreJob::kUsage) {
    PENSTOCK_ASSIGN(StateLock taken, StateLock::Take(state));
    lock.emplace(std::move(taken));
  }
  const artifacts::Store store = state.store();
  StateReferences references(state, session.clock, artifacts::kKeepCache);
  retention::KeeperSettings settings;
  settings.collector = [&](const std::stop_token&) -> Result<artifacts::Collector> {
    PENSTOCK_ASSIGN(std::string id, state.Id());
    return artifacts::Collector{std::move(id), "the state folder " + state.root().string()};
  };
  retention::StoreKeeper keeper(store, references, session.clock, std::move(settings),
                                [](const artifacts::Collected&) {});
  return keeper.Do(job, {options.dry_run, options.take_over}, session.interrupted);
}

// The job goes on when nobody waits for it any more.
Result<Json> AwaitJob(const Gateway& gateway, const Json& begun, const Session& session) {
  while (true) {
    PENSTOCK_ASSIGN(Json job, gateway.Ask("/api/v1/store/job"));
    if (job.value("id", 0) != begun.value("id", -1))
      return Transient("another job was begun, and its report took this one's place");
    if (job.value("state", "") != "running") {
      if (job.contains("report")) return job.at("report");
      return Internal(job.value("error", "the job has no report"));
    }
    if (!Pause(kLook, session.interrupted))
      return Cancelled("interrupted; the operator goes on with it");
  }
}

Result<Json> DoThere(StoreJob job, const StoreOptions& options, Session& session) {
  PENSTOCK_ASSIGN(const Cluster cluster, session.connect(session.flags));
  PENSTOCK_ASSIGN(
      const auto gateway,
      Gateway::Open({options.gateway, options.token_file, options.ca_file}, cluster, session));
  const char* const path = job == StoreJob::kUsage     ? "usage"
                           : job == StoreJob::kCollect ? "collect"
                                                       : "verify";
  Json body = Json::object();
  if (job == StoreJob::kCollect)
    body = {{"dryRun", options.dry_run}, {"takeOver", options.take_over}};
  const auto begun = gateway->Tell(std::string("/api/v1/store/") + path, body);
  if (!begun && begun.error().kind == ErrorKind::kForbidden)
    return Wrap("it takes the ClusterRole <release>-store and a token of who has it (--token-file)",
                begun.error());
  if (!begun) return begun.error();
  return AwaitJob(*gateway, *begun, session);
}

}  // namespace

int StoreCommand(StoreJob job, const StoreOptions& options, Session& session) {
  if (!options.output.empty() && options.output != "json")
    return session.Fail(kUsage, "output \"" + options.output + "\" is not known; choose json");
  const std::optional<State> state = State::IfLocal(session);
  const Result<Json> report =
      state ? DoHere(*state, job, options, session) : DoThere(job, options, session);
  if (!report) return session.Fail(kFailed, report.error().message);
  if (options.output == "json") {
    session.out << report->dump(2) << "\n";
  } else {
    const ReportText text = TextOf(*report, job, static_cast<std::size_t>(session.width));
    session.out << text.out;
    session.err << text.err;
  }
  return retention::TroubleOf(*report).empty() ? kOk : kFailed;
}

}  // namespace penstock::cli
