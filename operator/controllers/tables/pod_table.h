// The pods of all runs as facts, by the run that owns them: what a plan needs of a pod, a few
// hundred bytes instead of the whole object.
//
// Informers, the controllers' own creates and their looks at single pods feed it; the newer
// resourceVersion wins. A pod is known by its UID and name: what it was made with (its run, step,
// attempt, keys) is read once, and whatever somebody does to its labels, annotations and owners
// afterwards changes nothing. One that no informer shows, because it is new or has lost its label,
// stays unconfirmed, and is looked at now and then. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/time.h"
#include "operator/controllers/tables/object_table.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/step/world.h"

namespace penstock::controllers {

using SteadyTime = std::chrono::steady_clock::time_point;

struct PodEntry {
  plan::PodFact fact;
  ObjectKey run;  // the owner
  std::string run_uid;
  std::string resource_version;
};

// nullopt for a pod that no PipelineRun controls.
[[nodiscard]] std::optional<PodEntry> ReadPod(const Json& pod);

// The newest attempt of a step that was ever made, whether its pod stands or not.
struct AttemptMade {
  int attempt = 0;
  std::string pod;
  std::string cache_key;
  std::string uid = {};          // of the pod; empty: not known
  plan::Spent spent = {};        // by the attempts before it
  std::optional<int> item = {};  // of a looped step
};

// By step: the items that have ended, as a run's status has it.
using EndedItems = std::map<std::string, std::vector<bool>>;
[[nodiscard]] bool HasEndedItem(const EndedItems& ended, const std::string& step,
                                std::optional<int> item);

class PodTable {
 public:
  enum class Source : std::uint8_t { kInformer, kCreate, kLook };

  // The pod as ReadPod gives it, but with what was known of it before. nullopt: not known, and no
  // PipelineRun controls it.
  [[nodiscard]] std::optional<PodEntry> Read(const Json& pod) const;
  // Of a pod that was looked at by its name, as an attempt of this run: one whose references are
  // gone counts all the same. nullopt: another pod has that name.
  [[nodiscard]] std::optional<PodEntry> ReadLooked(const Json& pod, const ObjectKey& run,
                                                   const std::string& run_uid) const;

  // True when the pod has just been seen to end: it had not before. A pod that ended without a
  // finish time (evicted before its containers ran) is given the time of that sight; so is one
  // whose kubelet's clock is off: a container starts and ends after its pod was created, and before
  // now.
  bool Put(PodEntry entry, Source source, const Clock& clock);
  // Told by an informer, which may mean that it has lost its label: a look brings it back, or an
  // event, that shows it as it was then or later. What shows it as it was before comes too late.
  void Drop(const std::string& run_uid, const std::string& pod, const std::string& pod_uid,
            const std::string& version);
  // The pod that is known under that name; "": none.
  [[nodiscard]] std::string UidOf(const std::string& run_uid, const std::string& pod) const;
  // A look found no pod of that name, or another one: nothing brings back the one that was known
  // when it began (UidOf). Of one that was made meanwhile it says nothing.
  void DropGone(const std::string& run_uid, const std::string& pod, const std::string& pod_uid);

  // An attempt of which something else than its pod tells: a receipt.
  void NoteAttempt(const std::string& run_uid, const std::string& step, AttemptMade attempt);
  // By step. A status that has not been written yet does not know of an attempt whose pod came and
  // went in between; this does. Not of looped steps.
  [[nodiscard]] std::map<std::string, AttemptMade> NewestAttempts(const std::string& run_uid) const;
  // Of items of looped steps, whose pods are not known any more; not of those that have ended.
  [[nodiscard]] std::map<std::string, std::map<int, plan::ItemAttempt>> UnseenItems(
      const std::string& run_uid, const EndedItems& ended) const;
  void ForgetRun(const std::string& run_uid);

  // But for pods that have ended, of items that have.
  [[nodiscard]] std::vector<plan::PodFact> OfRun(const std::string& run_uid,
                                                 const EndedItems& ended = {}) const;
  // Pods that no informer shows: those that a create made before `before`, and those that only a
  // look has found.
  [[nodiscard]] std::vector<std::string> Unconfirmed(const std::string& run_uid,
                                                     SteadyTime before) const;
  // "run/step" of another run's pod that makes what `cache_key` names: one that runs, or that has
  // just succeeded and whose cache entry is still being written.
  [[nodiscard]] std::optional<std::string> MakerOf(const std::string& ns,
                                                   const std::string& cache_key,
                                                   const std::string& not_run_uid,
                                                   TimePoint now) const;
  // The pod's cache entry stands, or never will.
  void NoteRecorded(const std::string& run_uid, const std::string& pod);
  [[nodiscard]] std::size_t size() const;
  // Of a namespace: those that have not ended, but for daemons.
  [[nodiscard]] int Standing(const std::string& ns) const;

 private:
  struct Row {
    PodEntry entry;
    bool confirmed = false;  // an informer shows it
    bool by_look = false;
    bool recorded = false;
    SteadyTime created;
  };
  static bool Stands(const Row& row) {
    return !row.entry.fact.daemon && !row.entry.fact.uid.empty() && !HasEnded(row.entry.fact);
  }
  using Rows = std::map<std::string, Row>;  // by pod name

  // Which step's or item's newest attempt the pod of that name is; null: of none.
  [[nodiscard]] std::pair<const std::string*, const AttemptMade*> MadeAs(
      const std::string& run_uid, const std::string& pod) const;
  void List(const PodEntry& entry);
  void Unlist(const PodEntry& entry);
  [[nodiscard]] const Row* Known(const std::string& pod_uid) const;
  void Remove(const std::string& run_uid, const std::string& pod, const std::string& pod_uid);
  void NoteAttemptLocked(const std::string& run_uid, const std::string& step, AttemptMade attempt);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Rows> by_run_;                              // by run UID
  std::unordered_map<std::string, std::map<std::string, AttemptMade>> made_;  // by run UID, step
  std::unordered_map<std::string, std::map<std::string, std::map<int, AttemptMade>>>
      made_items_;  // by run UID, step, item
  std::unordered_map<std::string, std::pair<std::string, std::string>>
      by_uid_;                                     // pod UID -> run UID, pod name
  std::unordered_map<std::string, int> standing_;  // by namespace
  Tombstones gone_;                                // pods that no informer shows any more
  Tombstones dead_;                                // pods that are not there any more
  Tombstones forgotten_;  // runs: what their pods do is of no interest any more
  // namespace/key -> run UID, pod name
  std::multimap<std::string, std::pair<std::string, std::string>> by_cache_key_;
};

}  // namespace penstock::controllers
