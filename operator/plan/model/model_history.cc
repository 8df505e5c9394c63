#include "operator/plan/model/model_history.h"

#include <algorithm>
#include <utility>

namespace penstock::plan {

namespace {
constexpr std::size_t kMaxHistory = 20;
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
  while (history.size() > kMaxHistory) {
    const auto drop = std::find_if(history.rbegin(), history.rend(),
                                   [](const auto& h) { return h.outcome == kPromoted; });
    history.erase(drop == history.rend() ? std::prev(history.end()) : std::prev(drop.base()));
  }
}

std::string VersionText(std::int64_t version, const std::string& digest) {
  return "version " + std::to_string(version) + " (" + digest.substr(0, 19) + ")";
}

}  // namespace penstock::plan
