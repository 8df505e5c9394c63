#include "operator/plan/model/model_history.h"

#include <algorithm>
#include <utility>

#include "operator/base/shown_text.h"
#include "operator/plan/model/model_rollout.h"

namespace penstock::plan {

namespace {
constexpr std::size_t kMostOfReason = 900;

// The oldest that `may` be forgotten; none: history.end().
template <typename May>
ModelHistory::iterator Oldest(ModelHistory& history, const May& may) {
  const auto found = std::find_if(history.rbegin(), history.rend(), may);
  return found == history.rend() ? history.end() : std::prev(found.base());
}

// What the newest undo is carried out by: its own entry, and the version that comes back. Null
// where there is none.
struct WayBack {
  const api::ModelHistoryEntry* undo = nullptr;
  const api::ModelHistoryEntry* back = nullptr;
  explicit WayBack(const ModelHistory& history) {
    for (const auto& h : history)
      if (undo == nullptr && h.to > 0) undo = &h;
    if (undo == nullptr) return;
    for (const auto& h : history)
      if (back == nullptr && h.version == undo->to && h.outcome == kPromoted) back = &h;
  }
  [[nodiscard]] bool Needs(const api::ModelHistoryEntry& h) const {
    return &h == undo || &h == back;
  }
};

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
  Bound(history, api::kMostRemembered);
}

void Bound(ModelHistory& history, std::size_t most) {
  while (history.size() > most) {
    const WayBack way(history);
    const auto may = [&](const auto& h) { return !way.Needs(h); };
    auto drop = Oldest(history, [&](const auto& h) { return h.outcome == kPromoted && may(h); });
    if (drop == history.end()) drop = Oldest(history, may);
    if (drop == history.end()) return;  // these two are left
    history.erase(drop);
  }
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
