#include "operator/plan/model/model_history.h"

#include <algorithm>
#include <utility>

#include "operator/base/shown_text.h"
#include "operator/plan/model/model_rollout.h"

namespace penstock::plan {

namespace {
constexpr std::size_t kMostOfReason = 900;

using Indices = std::set<std::size_t>;

// The newest entry that it holds for; none: nothing is added.
template <typename Holds>
void AddNewest(const ModelHistory& history, const Holds& holds, Indices& to) {
  const auto found = std::find_if(history.begin(), history.end(), holds);
  if (found != history.end()) to.insert(std::size_t(found - history.begin()));
}

void AddUndoUnderWay(const ModelHistory& history, std::int64_t stable, Indices& to) {
  const auto undo =
      std::find_if(history.begin(), history.end(), [](const auto& h) { return h.to > 0; });
  if (undo == history.end() || (stable != 0 && undo->version != stable)) return;
  to.insert(std::size_t(undo - history.begin()));
  AddNewest(
      history, [&](const auto& h) { return h.version == undo->to && h.outcome == kPromoted; }, to);
}

Indices NeededOf(const ModelHistory& history, const HistoryNeeds& needs) {
  Indices needed;
  std::int64_t highest = 0;
  for (std::size_t i = 0; i < history.size(); ++i) {
    highest = std::max(highest, history[i].version);
    if (history[i].version != needs.stable && needs.there.contains(history[i].version))
      needed.insert(i);
  }
  const auto add = [&](const auto& holds) { AddNewest(history, holds, needed); };
  add([&](const auto& h) { return h.version == highest; });
  add([&](const auto& h) { return h.version == needs.stable && h.outcome == kPromoted; });
  add([&](const auto& h) {
    return h.version != needs.stable && h.outcome == kPromoted && !WasRefused(history, h.version);
  });
  add([&](const auto& h) { return h.outcome != kPromoted; });
  const auto* refusal = RejectionOf(history, needs.target, needs.template_hash);
  add([&](const auto& h) { return &h == refusal; });
  AddUndoUnderWay(history, needs.stable, needed);
  return needed;
}

}  // namespace

const api::ModelHistoryEntry* RejectionOf(const ModelHistory& history, const std::string& digest,
                                          const std::string& template_hash) {
  const auto it = std::find_if(history.begin(), history.end(), [&](const auto& h) {
    return h.digest == digest && h.outcome != kPromoted && h.template_hash == template_hash;
  });
  return it == history.end() ? nullptr : &*it;
}

bool Has(const ModelHistory& history, std::int64_t version, const char* outcome) {
  return std::any_of(history.begin(), history.end(),
                     [&](const auto& h) { return h.version == version && h.outcome == outcome; });
}

bool WasRefused(const ModelHistory& history, std::int64_t version) {
  return Has(history, version, kRejected) || Has(history, version, kRolledBack);
}

api::ModelHistoryEntry EntryOf(const api::ModelVersionStatus& version, const char* outcome,
                               const std::string& reason, TimePoint now,
                               const std::string& template_hash) {
  api::ModelHistoryEntry e;
  e.version = version.version;
  e.digest = version.digest;
  e.folder = version.folder;
  e.bytes = version.bytes;
  e.source = version.source;
  e.outcome = outcome;
  e.reason = Shown(reason, kMostOfReason);
  e.time = WholeSeconds(now);
  if (e.outcome != kPromoted) e.template_hash = template_hash;
  return e;
}

void Remember(ModelHistory& history, api::ModelHistoryEntry entry) {
  history.insert(history.begin(), std::move(entry));
}

void Bound(ModelHistory& history, std::size_t most, const HistoryNeeds& needs) {
  if (history.size() <= most) return;
  const Indices needed = NeededOf(history, needs);
  most = std::min(std::max(most, needed.size()), std::size_t(api::kMostRemembered));
  Indices gone;
  const auto forget = [&](bool promoted_only) {
    for (std::size_t i = history.size(); i-- > 0 && history.size() - gone.size() > most;)
      if (!needed.contains(i) && (!promoted_only || history[i].outcome == kPromoted))
        gone.insert(i);
  };
  forget(true);
  forget(false);
  for (std::size_t i = history.size(); i-- > 0 && history.size() - gone.size() > most;)
    gone.insert(i);  // more is needed than may be
  for (auto i = gone.rbegin(); i != gone.rend(); ++i)
    history.erase(history.begin() + std::ptrdiff_t(*i));
}

namespace {

// That something tells of still, but for the candidate of the last plan.
std::int64_t HighestOf(const ModelObserved& o, const api::ModelDeploymentStatus& status) {
  std::int64_t highest = std::max(status.last_version, o.service ? o.service->version : 0);
  if (status.stable) highest = std::max(highest, status.stable->version);
  for (const auto& d : o.deployments)
    if (!IsBaseline(d.version)) highest = std::max(highest, d.version);
  for (const auto& h : status.history) highest = std::max(highest, h.version);
  return highest;
}

}  // namespace

const DeploymentFact* CandidateOf(const ModelObserved& o, const api::ModelDeploymentStatus& status,
                                  const std::string& digest) {
  const std::int64_t stable = status.stable ? status.stable->version : 0;
  const DeploymentFact* found = nullptr;
  for (const auto& d : o.deployments)
    if (!d.deleting && !IsBaseline(d.version) && d.version != stable && d.model.digest == digest &&
        !WasRefused(status.history, d.version) && (found == nullptr || d.version > found->version))
      found = &d;
  return found;
}

std::int64_t NextVersion(const ModelObserved& o, const api::ModelDeploymentStatus& status,
                         const std::string& digest) {
  std::int64_t highest = HighestOf(o, status);
  // Of the same model it is the same version, whose Deployment somebody has deleted.
  const auto& was = o.md.status.candidate;
  if (was && was->digest != digest) highest = std::max(highest, was->version);
  return highest + 1;
}

void KeepNumber(const ModelObserved& o, api::ModelDeploymentStatus& status) {
  const auto& was = o.md.status.candidate;
  if (!was || status.candidate) return;
  std::int64_t highest = status.stable ? status.stable->version : 0;
  for (const auto& h : status.history) highest = std::max(highest, h.version);
  if (was->version > highest) status.last_version = std::max(status.last_version, was->version);
}

std::string VersionText(std::int64_t version, const std::string& digest) {
  return "version " + std::to_string(version) + " (" + digest.substr(0, 19) + ")";
}

}  // namespace penstock::plan
