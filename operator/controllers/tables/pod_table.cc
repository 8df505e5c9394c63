#include "operator/controllers/tables/pod_table.h"

#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/plan/attempt/pod_fact.h"

namespace penstock::controllers {

namespace {

// Of no run yet.
PodEntry DecodeEntry(const Json& pod, const api::ObjectMeta& meta) {
  PodEntry entry;
  entry.fact = plan::DecodePod(pod);
  entry.run.ns = meta.namespace_;
  entry.resource_version = meta.resource_version;
  return entry;
}

std::optional<PodEntry> OwnedEntry(const Json& pod, const api::ObjectMeta& meta) {
  for (const api::OwnerReference& owner : meta.owners) {
    if (!owner.controller || owner.kind != "PipelineRun" ||
        owner.api_version.rfind("penstock.dev/", 0) != 0) {
      continue;
    }
    PodEntry entry = DecodeEntry(pod, meta);
    entry.run.name = owner.name;
    entry.run_uid = owner.uid;
    return entry;
  }
  return std::nullopt;
}

}  // namespace

std::optional<PodEntry> ReadPod(const Json& pod) { return OwnedEntry(pod, api::DecodeMeta(pod)); }

namespace {

// Between a pod's end and its cache entry; then whoever waited for it starts its own.
constexpr std::chrono::seconds kRecordTime{10};

// What a pod was made with. Its object may say otherwise by now.
void KeepIdentity(const PodEntry& known, PodEntry& entry) {
  entry.run = known.run;
  entry.run_uid = known.run_uid;
  plan::PodFact& fact = entry.fact;
  fact.step = known.fact.step;
  fact.item = known.fact.item;
  fact.daemon = known.fact.daemon;
  fact.attempt = known.fact.attempt;
  fact.locks = known.fact.locks;
  fact.spent = known.fact.spent;
  fact.cache_key = known.fact.cache_key;
  fact.settled_key = known.fact.settled_key;
  fact.cache_base = known.fact.cache_base;
  fact.remakes_damage = known.fact.remakes_damage;
  fact.source_uris = known.fact.source_uris;
}

// Of the kubelet's times the first that was seen stands; one that cannot be is the time of the
// sight. `before` is null where the pod was not known.
void KeepTimes(const plan::PodFact* before, TimePoint now, plan::PodFact& fact) {
  const auto hold = [&](std::optional<TimePoint>& time, const std::optional<TimePoint>& seen) {
    if (seen) time = seen;
    const bool wrong = time && (*time > now || (fact.created && *time < *fact.created));
    if (wrong && !seen) time = now;
  };
  static const std::optional<TimePoint> kNever;
  const bool over = fact.exit_code.has_value() || HasEnded(fact);
  if (over && !fact.finished) fact.finished = now;
  hold(fact.started, before == nullptr ? kNever : before->started);
  if (fact.finished) hold(fact.finished, before == nullptr ? kNever : before->finished);
  if (over) fact.end_seen = before != nullptr && before->end_seen ? *before->end_seen : now;
}

}  // namespace

const PodTable::Row* PodTable::Known(const std::string& pod_uid) const {
  const auto known = by_uid_.find(pod_uid);
  if (known == by_uid_.end()) return nullptr;
  return &by_run_.at(known->second.first).at(known->second.second);
}

std::optional<PodEntry> PodTable::Read(const Json& pod) const {
  const api::ObjectMeta meta = api::DecodeMeta(pod);
  auto entry = OwnedEntry(pod, meta);
  const std::lock_guard lock(mutex_);
  const Row* known = Known(meta.uid);
  if (known == nullptr) return entry;
  if (!entry) entry = DecodeEntry(pod, meta);
  KeepIdentity(known->entry, *entry);
  return entry;
}

std::optional<PodEntry> PodTable::ReadLooked(const Json& pod, const ObjectKey& run,
                                             const std::string& run_uid) const {
  auto entry = Read(pod);
  const bool is_owned = entry && entry->run_uid == run_uid;
  if (!entry) entry = DecodeEntry(pod, api::DecodeMeta(pod));
  const std::lock_guard lock(mutex_);
  const auto [step, attempt] = MadeAs(run_uid, entry->fact.name);
  if (attempt == nullptr) return is_owned ? entry : std::nullopt;
  const bool is_it = attempt->uid.empty() || attempt->uid == entry->fact.uid;
  if (!is_it && !is_owned) return std::nullopt;
  entry->run = run;
  entry->run_uid = run_uid;
  entry->fact.step = *step;
  entry->fact.item = attempt->item;
  entry->fact.attempt = attempt->attempt;
  return entry;
}

std::pair<const std::string*, const AttemptMade*> PodTable::MadeAs(const std::string& run_uid,
                                                                   const std::string& pod) const {
  if (const auto made = made_.find(run_uid); made != made_.end())
    for (const auto& [step, attempt] : made->second)
      if (attempt.pod == pod) return {&step, &attempt};
  if (const auto made = made_items_.find(run_uid); made != made_items_.end())
    for (const auto& [step, items] : made->second)
      for (const auto& [item, attempt] : items)
        if (attempt.pod == pod) return {&step, &attempt};
  return {nullptr, nullptr};
}

bool PodTable::Put(PodEntry entry, Source source, const Clock& clock) {
  const std::lock_guard lock(mutex_);
  // The answer to our own create may come in after an informer has told that the pod is gone.
  const std::string& uid = entry.fact.uid;
  if (dead_.Has(uid) || (source == Source::kCreate && gone_.Has(uid))) return false;
  // So may the answer to a look, or an event of another API server, which lags behind.
  if (gone_.Has(uid) && !NewerOrEqualVersion(entry.resource_version, gone_.VersionOf(uid)))
    return false;
  const auto [it, added] = by_run_[entry.run_uid].try_emplace(entry.fact.name);
  Row& row = it->second;
  const bool same = !added && row.entry.fact.uid == entry.fact.uid;
  if (source == Source::kInformer) row.confirmed = true;
  // ... or after it has shown the pod run.
  if (same && !NewerOrEqualVersion(entry.resource_version, row.entry.resource_version)) {
    return false;
  }
  if (!added && Stands(row)) --standing_[row.entry.run.ns];
  if (!same) {
    if (!added) Unlist(row.entry);
    row = Row();
    row.confirmed = source == Source::kInformer;
    row.by_look = source == Source::kLook;
    row.created = clock.Steady();
    List(entry);
  }
  const bool ended = HasEnded(entry.fact) && !(same && HasEnded(row.entry.fact));
  KeepTimes(same ? &row.entry.fact : nullptr, clock.Now(), entry.fact);
  NoteAttemptLocked(entry.run_uid, entry.fact.step,
                    {entry.fact.attempt, entry.fact.name, entry.fact.cache_key, entry.fact.uid,
                     entry.fact.spent, entry.fact.item});
  row.entry = std::move(entry);
  if (Stands(row)) ++standing_[row.entry.run.ns];
  return ended;
}

void PodTable::NoteAttemptLocked(const std::string& run_uid, const std::string& step,
                                 AttemptMade attempt) {
  if (forgotten_.Has(run_uid)) return;
  AttemptMade& newest =
      attempt.item ? made_items_[run_uid][step][*attempt.item] : made_[run_uid][step];
  const bool is_it = attempt.attempt == newest.attempt && attempt.pod == newest.pod;
  if (is_it && !attempt.uid.empty()) newest.uid = attempt.uid;
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
  forgotten_.Add(run_uid);
  made_.erase(run_uid);
  made_items_.erase(run_uid);
}

void PodTable::List(const PodEntry& entry) {
  by_uid_[entry.fact.uid] = {entry.run_uid, entry.fact.name};
  if (entry.fact.cache_key.empty()) return;
  by_cache_key_.emplace(entry.run.ns + "/" + entry.fact.cache_key,
                        std::pair{entry.run_uid, entry.fact.name});
}

void PodTable::Unlist(const PodEntry& entry) {
  by_uid_.erase(entry.fact.uid);
  if (entry.fact.cache_key.empty()) return;
  auto [it, end] = by_cache_key_.equal_range(entry.run.ns + "/" + entry.fact.cache_key);
  for (; it != end; ++it) {
    if (it->second == std::pair{entry.run_uid, entry.fact.name}) {
      by_cache_key_.erase(it);
      return;
    }
  }
}

void PodTable::Drop(const std::string& run_uid, const std::string& pod, const std::string& pod_uid,
                    const std::string& version) {
  const std::lock_guard lock(mutex_);
  gone_.Add(pod_uid, version);
  Remove(run_uid, pod, pod_uid);
}

std::string PodTable::UidOf(const std::string& run_uid, const std::string& pod) const {
  const std::lock_guard lock(mutex_);
  const auto rows = by_run_.find(run_uid);
  if (rows == by_run_.end()) return "";
  const auto row = rows->second.find(pod);
  return row == rows->second.end() ? "" : row->second.entry.fact.uid;
}

void PodTable::DropGone(const std::string& run_uid, const std::string& pod,
                        const std::string& pod_uid) {
  const std::lock_guard lock(mutex_);
  dead_.Add(pod_uid);
  Remove(run_uid, pod, pod_uid);
}

void PodTable::Remove(const std::string& run_uid, const std::string& pod,
                      const std::string& pod_uid) {
  const auto rows = by_run_.find(run_uid);
  if (rows == by_run_.end()) return;
  const auto row = rows->second.find(pod);
  if (row == rows->second.end() || row->second.entry.fact.uid != pod_uid) return;
  Unlist(row->second.entry);
  if (Stands(row->second)) --standing_[row->second.entry.run.ns];
  rows->second.erase(row);
  if (rows->second.empty()) by_run_.erase(rows);
}

bool HasEndedItem(const EndedItems& ended, const std::string& step, std::optional<int> item) {
  if (!item || *item < 0) return false;
  const auto of_step = ended.find(step);
  const auto i = static_cast<std::size_t>(item.value_or(0));
  return of_step != ended.end() && i < of_step->second.size() && of_step->second[i];
}

std::map<std::string, std::map<int, plan::ItemAttempt>> PodTable::UnseenItems(
    const std::string& run_uid, const EndedItems& ended) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::map<int, plan::ItemAttempt>> unseen;
  const auto made = made_items_.find(run_uid);
  if (made == made_items_.end()) return unseen;
  const auto rows = by_run_.find(run_uid);
  for (const auto& [step, items] : made->second) {
    for (const auto& [item, attempt] : items) {
      if (HasEndedItem(ended, step, item)) continue;
      if (rows != by_run_.end() && rows->second.contains(attempt.pod)) continue;
      unseen[step][item] = {attempt.attempt, attempt.pod, attempt.cache_key, attempt.spent};
    }
  }
  return unseen;
}

std::vector<plan::PodFact> PodTable::OfRun(const std::string& run_uid,
                                           const EndedItems& ended) const {
  const std::lock_guard lock(mutex_);
  std::vector<plan::PodFact> facts;
  const auto rows = by_run_.find(run_uid);
  if (rows == by_run_.end()) return facts;
  if (ended.empty()) facts.reserve(rows->second.size());
  for (const auto& [name, row] : rows->second) {
    const plan::PodFact& fact = row.entry.fact;
    if (HasEnded(fact) && !fact.outlived && HasEndedItem(ended, fact.step, fact.item)) continue;
    facts.push_back(fact);
  }
  return facts;
}

std::vector<std::string> PodTable::Unconfirmed(const std::string& run_uid,
                                               SteadyTime before) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  const auto rows = by_run_.find(run_uid);
  if (rows == by_run_.end()) return names;
  for (const auto& [name, row] : rows->second) {
    if (!row.confirmed && (row.by_look || row.created < before)) names.push_back(name);
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
    const Row& row = by_run_.at(run_uid).at(pod);  // listed as long as it is there
    const plan::PodFact& fact = row.entry.fact;
    const bool works = fact.phase == plan::PodPhase::kRunning && !fact.deleting;
    const bool is_recorded_now = fact.phase == plan::PodPhase::kSucceeded && !row.recorded &&
                                 fact.end_seen && now - *fact.end_seen < kRecordTime;
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

int PodTable::Standing(const std::string& ns) const {
  const std::lock_guard lock(mutex_);
  const auto standing = standing_.find(ns);
  return standing == standing_.end() ? 0 : standing->second;
}

std::size_t PodTable::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [uid, rows] : by_run_) count += rows.size();
  return count;
}

}  // namespace penstock::controllers
