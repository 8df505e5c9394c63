#include "operator/controllers/pod_table.h"

#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/plan/attempt/pod_fact.h"

namespace penstock::controllers {

std::optional<PodEntry> ReadPod(const Json& pod) {
  const auto meta = api::DecodeMeta(pod);
  for (const api::OwnerReference& owner : meta.owners) {
    if (!owner.controller || owner.kind != "PipelineRun" ||
        owner.api_version.rfind("penstock.dev/", 0) != 0) {
      continue;
    }
    PodEntry entry;
    entry.fact = plan::DecodePod(pod);
    entry.run = {meta.namespace_, owner.name};
    entry.run_uid = owner.uid;
    entry.resource_version = meta.resource_version;
    return entry;
  }
  return std::nullopt;
}

// Between a pod's end and its cache entry; then whoever waited for it starts its own.
constexpr std::chrono::seconds kRecordTime{10};

bool PodTable::Put(PodEntry entry, Source source, const Clock& clock) {
  const std::lock_guard lock(mutex_);
  if (gone_.Has(entry.fact.uid)) return false;
  Rows& rows = by_run_[entry.run_uid];
  const auto [it, added] = rows.try_emplace(entry.fact.name);
  Row& row = it->second;
  if (source == Source::kInformer) row.confirmed = true;
  // The answer to our own create may come in after an informer has shown the pod run.
  const bool same = !added && row.entry.fact.uid == entry.fact.uid;
  if (same && !NewerOrEqualVersion(entry.resource_version, row.entry.resource_version)) {
    return false;
  }
  if (added || !same) {
    if (!added) Unlist(row.entry);
    row.confirmed = source == Source::kInformer;
    row.created = clock.Steady();
    if (!entry.fact.cache_key.empty()) {
      by_cache_key_.emplace(entry.run.ns + "/" + entry.fact.cache_key,
                            std::pair{entry.run_uid, entry.fact.name});
    }
  }
  const bool ended = HasEnded(entry.fact) && !(same && HasEnded(row.entry.fact));
  if (HasEnded(entry.fact) && !entry.fact.finished) {
    entry.fact.finished = ended ? clock.Now() : row.entry.fact.finished;
  }
  NoteAttemptLocked(entry.run_uid, entry.fact.step,
                    {entry.fact.attempt, entry.fact.name, entry.fact.cache_key});
  row.entry = std::move(entry);
  return ended;
}

void PodTable::NoteAttemptLocked(const std::string& run_uid, const std::string& step,
                                 AttemptMade attempt) {
  AttemptMade& newest = made_[run_uid][step];
  if (attempt.attempt > newest.attempt) newest = std::move(attempt);
}

void PodTable::NoteAttempt(const std::string& run_uid, const std::string& step,
                           AttemptMade attempt) {
  const std::lock_guard lock(mutex_);
  NoteAttemptLocked(run_uid, step, std::move(attempt));
}

std::map<std::string, AttemptMade> PodTable::NewestAttempts(const std::string& run_uid) const {
  const std::lock_guard lock(mutex_);
  const auto made = made_.find(run_uid);
  return made == made_.end() ? std::map<std::string, AttemptMade>() : made->second;
}

void PodTable::ForgetRun(const std::string& run_uid) {
  const std::lock_guard lock(mutex_);
  made_.erase(run_uid);
}

void PodTable::Unlist(const PodEntry& entry) {
  if (entry.fact.cache_key.empty()) return;
  auto [it, end] = by_cache_key_.equal_range(entry.run.ns + "/" + entry.fact.cache_key);
  for (; it != end; ++it) {
    if (it->second == std::pair{entry.run_uid, entry.fact.name}) {
      by_cache_key_.erase(it);
      return;
    }
  }
}

void PodTable::Drop(const std::string& run_uid, const std::string& pod,
                    const std::string& pod_uid) {
  const std::lock_guard lock(mutex_);
  gone_.Add(pod_uid);
  const auto rows = by_run_.find(run_uid);
  if (rows == by_run_.end()) return;
  const auto row = rows->second.find(pod);
  if (row == rows->second.end()) return;
  if (!pod_uid.empty() && row->second.entry.fact.uid != pod_uid) return;
  Unlist(row->second.entry);
  rows->second.erase(row);
  if (rows->second.empty()) by_run_.erase(rows);
}

std::vector<plan::PodFact> PodTable::OfRun(const std::string& run_uid) const {
  const std::lock_guard lock(mutex_);
  std::vector<plan::PodFact> facts;
  const auto rows = by_run_.find(run_uid);
  if (rows == by_run_.end()) return facts;
  facts.reserve(rows->second.size());
  for (const auto& [name, row] : rows->second) facts.push_back(row.entry.fact);
  return facts;
}

std::vector<std::string> PodTable::Unconfirmed(const std::string& run_uid,
                                               SteadyTime before) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  const auto rows = by_run_.find(run_uid);
  if (rows == by_run_.end()) return names;
  for (const auto& [name, row] : rows->second) {
    if (!row.confirmed && row.created < before) names.push_back(name);
  }
  return names;
}

std::optional<std::string> PodTable::MakerOf(const std::string& ns, const std::string& cache_key,
                                             const std::string& not_run_uid, TimePoint now) const {
  const std::lock_guard lock(mutex_);
  auto [it, end] = by_cache_key_.equal_range(ns + "/" + cache_key);
  for (; it != end; ++it) {
    const auto& [run_uid, pod] = it->second;
    if (run_uid == not_run_uid) continue;
    const Row& row = by_run_.at(run_uid).at(pod);
    const plan::PodFact& fact = row.entry.fact;
    const bool works = fact.phase == plan::PodPhase::kRunning && !fact.deleting;
    const bool is_recorded_now = fact.phase == plan::PodPhase::kSucceeded && !row.recorded &&
                                 fact.finished && now - *fact.finished < kRecordTime;
    if (works || is_recorded_now) return row.entry.run.name + "/" + fact.step;
  }
  return std::nullopt;
}

void PodTable::NoteRecorded(const std::string& run_uid, const std::string& pod) {
  const std::lock_guard lock(mutex_);
  const auto rows = by_run_.find(run_uid);
  if (rows == by_run_.end()) return;
  if (const auto row = rows->second.find(pod); row != rows->second.end()) {
    row->second.recorded = true;
  }
}

std::size_t PodTable::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [uid, rows] : by_run_) count += rows.size();
  return count;
}

}  // namespace penstock::controllers
