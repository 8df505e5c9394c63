#include "operator/cli/ui/local_place.h"

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/cli/objects/object_table.h"
#include "operator/kube/resources.h"
#include "operator/kube/selector.h"
#include "operator/local/pod_launch.h"
#include "operator/metadata/sqlite_file.h"
#include "operator/views/cluster_place.h"

namespace penstock::cli {
namespace {

std::filesystem::path DatabaseOf(const State& state) { return state.root() / "metadata.sqlite"; }

// Names become paths here, and they come from whoever asks.
Result<void> CheckName(const std::string& ns, const std::string& name) {
  const bool good = !name.empty() && name.size() <= 253 && name[0] != '.' &&
                    name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == name.npos;
  if (good && ns == kLocalNamespace) return {};
  return NotFound("there is no '" + plan::Shown(name, 80) + "' in namespace '" +
                  plan::Shown(ns, 80) + "'; what is on this machine is in " + kLocalNamespace);
}

bool HasNotEnded(const Json& run) {
  return ConditionStatus(run, "Finished") != "True" && ConditionStatus(run, "Stalled") != "True";
}

}  // namespace

LocalPlace::LocalPlace(const State& state, const Clock& clock)
    : state_(state), clock_(clock), history_(DatabaseOf(state)), store_(state.store()) {}

Result<std::unique_ptr<LocalPlace>> LocalPlace::Open(const State& state, const Clock& clock) {
  PENSTOCK_TRY(state.Create());
  PENSTOCK_ASSIGN(const std::string warning,
                  metadata::PrepareDatabase(DatabaseOf(state), clock.Now()));
  if (!warning.empty()) return Internal(warning);
  return std::unique_ptr<LocalPlace>(new LocalPlace(state, clock));
}

Result<Json> LocalPlace::Get(const kube::ResourceType& type, const std::string& ns,
                             const std::string& name, const std::stop_token& /*stop*/) const {
  PENSTOCK_TRY(CheckName(ns, name));
  if (type == kube::kPods) {
    const auto file = local::PathsOf(state_.root(), ns, name).folder / "pod.json";
    PENSTOCK_ASSIGN(const std::string text, ReadFile(file));
    return ParseJson(text, file.string());
  }
  PENSTOCK_ASSIGN(Json object, state_.Get(type, name));
  // Of a process that was killed: as State::Load gives it.
  if (type == kube::kPipelineRuns && HasNotEnded(object) && state_.RunningProcess() == 0)
    return ClosedRun(std::move(object), clock_.Now());
  return object;
}

Result<std::vector<Json>> LocalPlace::List(const kube::ResourceType& type, const std::string& ns,
                                           const std::string& labels,
                                           const std::stop_token& /*stop*/) const {
  if (ns != kLocalNamespace) return std::vector<Json>();
  PENSTOCK_ASSIGN(const auto selector, kube::LabelSelector::Parse(labels));
  PENSTOCK_ASSIGN(auto objects, state_.Load(type));
  std::erase_if(objects, [&](const Json& object) { return !selector.Matches(object); });
  return objects;
}

Result<std::vector<Json>> LocalPlace::Events(const std::string& /*ns*/, const std::string& /*name*/,
                                             const std::stop_token& /*stop*/) const {
  return std::vector<Json>();  // nobody keeps them here
}

Result<views::LogPiece> LocalPlace::Log(const views::LogAsk& ask,
                                        const std::stop_token& /*stop*/) const {
  PENSTOCK_TRY(CheckName(ask.ns, ask.pod));
  auto piece = views::PieceOfFile(local::PathsOf(state_.root(), ask.ns, ask.pod).log, ask);
  if (!piece && piece.error().kind == ErrorKind::kNotFound)
    return NotFound("no log of " + ask.pod + " is kept");
  return piece;
}

std::optional<bool> LocalPlace::Settle(metadata::RunRecord& run) const {
  if (run.outcome.empty() && state_.RunningProcess() == 0) {
    run.phase = "Failed";
    run.reason = "Interrupted";
    run.message = "the process that ran it ended before the run did";
    run.counts.running = 0;
  }
  return !state_.Has(kube::kPipelineRuns, run.name);
}

std::string LocalPlace::Flags(const std::string& /*ns*/) const {
  return "--state " + state_.root().string();
}

}  // namespace penstock::cli
