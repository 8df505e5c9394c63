// What the API server would not take of an object's plan: told all the time, tried again with
// growing pauses, logged once. Counts by a steady clock, from first sight. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/base/error.h"
#include "operator/base/time.h"
#include "operator/plan/step/world.h"

namespace penstock::controllers {

// How long something has lasted, but for its pauses. A value; all times are of a steady clock.
class CountedTime {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // From now on it counts, if it did not.
  void Count(Instant now) {
    if (!from_) from_ = now;
  }
  void Rest(Instant now) {
    counted_ = At(now);
    from_.reset();
  }
  [[nodiscard]] Milliseconds At(Instant now) const {
    return counted_ + std::chrono::duration_cast<Milliseconds>(now - from_.value_or(now));
  }

 private:
  Milliseconds counted_{0};
  std::optional<Instant> from_;  // while it counts
};

// One thing that the API server would not do: why, when it is tried again, and for how long it has
// been refused. A value; not thread-safe; all times are of a steady clock.
class RefusedTry {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // Another try has failed: the next comes 1 s later, doubled each time up to `longest`, or when
  // the API server says if that is later.
  void Note(const Error& why, Instant now, Milliseconds longest);
  // Nobody asks for it now: until the next refusal no time is counted.
  void Rest(Instant now) { counted_.Rest(now); }
  // What is asked for is another thing now: the pauses begin anew.
  void ForgetTries() { tries_ = 0; }

  [[nodiscard]] const Error& why() const { return why_; }
  [[nodiscard]] Instant next() const { return next_; }
  // Since the first try, whatever happened in between.
  [[nodiscard]] Milliseconds Age(Instant now) const;
  // For how long it has been refused: from an answer that says so on, but for the API server's own
  // trouble and for what Rest leaves out.
  [[nodiscard]] Milliseconds Refused(Instant now) const { return counted_.At(now); }

 private:
  Error why_;
  int tries_ = 0;
  std::optional<Instant> first_;
  Instant next_{};
  CountedTime counted_;
};

// Waits before the n-th try after a failure: 1 s, doubled each time, up to `longest`.
[[nodiscard]] Milliseconds PauseAfter(int tries, Milliseconds longest);

// What became of one plan's actions.
struct RefusalReport {
  std::vector<plan::Refusal> refusals;
  std::optional<Error> news;         // what the log has not had yet, or is no refusal
  std::optional<Milliseconds> next;  // when to try again
};

class Refusals {
 public:
  explicit Refusals(const Clock& clock) : clock_(clock) {}

  // True when the object was refused under this spec and is not to be tried yet; then the report
  // has it.
  [[nodiscard]] bool Waits(const std::string& key, const std::string& object,
                           std::int64_t generation, RefusalReport& report) const;
  // An error of the API server: a refusal, or news only where there is nothing to tell a user.
  void Note(const std::string& key, const std::string& object, std::int64_t generation,
            const Error& why, RefusalReport& report);
  void Forget(const std::string& key, const std::string& object);
  void Forget(const std::string& key);

 private:
  struct Refused {
    RefusedTry tried;
    std::int64_t generation = 0;
  };

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, Refused>> refused_;  // by key and object
};

// What a run asked of the API server for its pods, and would not get.
class PodTries {
 public:
  explicit PodTries(const Clock& clock) : clock_(clock) {}

  // A pod, or the ConfigMap that it mounts, could not be created: that stands until the pod is
  // there; tries are spaced, 1 s doubling to 30 s, or as the API server says.
  void RefuseCreate(const std::string& pod, const Error& why);
  void NoteCreated(const std::string& pod);
  // It was taken, without these fields.
  void NoteLeftOut(const std::string& step, std::vector<std::string> fields);
  // Nobody asks for the refused pods but for these now (the run is suspended, another has their
  // place): that time is not counted.
  void RestAllBut(const std::set<std::string>& wanted_pods);

  // A DELETE of the pod was sent, and taken (no error) or refused. It is not sent again before a
  // pause: 1 s doubling to 30 s, or as the API server says; of one that was taken, its grace.
  void NoteDelete(const plan::DeletePod& sent, const std::optional<Error>& refused);

  void CopyTo(plan::RunObserved& observed) const;

 private:
  struct Deletion {
    std::optional<Error> refused;
    int times = 0;
    int grace_seconds = 0;
    std::chrono::steady_clock::time_point next;
  };

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, RefusedTry> refusals_;                // by pod name
  std::map<std::string, Deletion> deletions_;                 // by pod UID
  std::map<std::string, std::vector<std::string>> left_out_;  // by step
};

}  // namespace penstock::controllers
