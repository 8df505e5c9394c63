#include "operator/plan/model/model_history.h"

#include <algorithm>
#include <utility>

namespace penstock::plan {

namespace {

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

std::string VersionText(std::int64_t version, const std::string& digest) {
  return "version " + std::to_string(version) + " (" + digest.substr(0, 19) + ")";
}

}  // namespace penstock::plan
