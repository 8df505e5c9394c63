#include "operator/main/store_collection.h"

namespace penstock::main {

CollectedWords WordsOf(const artifacts::Collected& collected) {
  const artifacts::Amount removed = collected.Removed();
  std::uint64_t entries = 0;
  std::size_t failed = 0;
  for (const artifacts::NamespaceUse& use : collected.namespaces) {
    entries += use.cache_entries;
    if (!use.error.empty()) ++failed;
  }
  CollectedWords words;
  words.text = "collected the artifact store: " + std::to_string(removed.files) + " files, " +
               std::to_string(removed.bytes) + " bytes, and " + std::to_string(entries) +
               " cache entries removed";
  if (const std::string* error = collected.FirstError()) {
    words.failed = true;
    words.text += "; of " + std::to_string(collected.namespaces.size()) + " namespaces " +
                  std::to_string(failed) + " were not collected: " + *error;
  }
  return words;
}

std::string WordsOf(const artifacts::QuotaUse& use) {
  const std::string amounts = artifacts::Gibibytes(use.bytes) + " of the " +
                              artifacts::Gibibytes(use.quota) +
                              " of artifacts that it may hold (store.quota)";
  switch (use.Level()) {
    case artifacts::QuotaLevel::kRoom:
      return "namespace " + use.ns + " has room again: it holds " + amounts;
    case artifacts::QuotaLevel::kNearlyFull:
      return "namespace " + use.ns + " holds " + amounts + "; beyond that its uploads are refused";
    case artifacts::QuotaLevel::kFull:
      break;
  }
  return "namespace " + use.ns + " holds " + amounts + ": its uploads are refused";
}

std::vector<runtime::QuotaGauge> GaugesOf(const std::vector<artifacts::QuotaUse>& uses) {
  std::vector<runtime::QuotaGauge> gauges;
  for (const artifacts::QuotaUse& use : uses) gauges.push_back({use.ns, use.bytes, use.quota});
  return gauges;
}

runtime::StoreCounts CountsOf(const artifacts::Collected& collected, TimePoint now) {
  runtime::StoreCounts counts;
  for (const artifacts::NamespaceUse& use : collected.namespaces) {
    counts.in_use_bytes += use.in_use.bytes;
    counts.cached_bytes += use.cached.bytes;
    counts.recent_bytes += use.recent.bytes;
  }
  counts.removed_bytes = collected.Removed().bytes;
  counts.removed_files = collected.Removed().files;
  counts.at = now;
  counts.failed = collected.FirstError() != nullptr;
  return counts;
}

}  // namespace penstock::main
