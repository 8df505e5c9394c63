#include "operator/plan/model/model_history.h"

#include <algorithm>
#include <utility>

namespace penstock::plan {

namespace {

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

std::string VersionText(std::int64_t version, const std::string& digest) {
  return "version " + std::to_string(version) + " (" + digest.substr(0, 19) + ")";
}

}  // namespace penstock::plan
