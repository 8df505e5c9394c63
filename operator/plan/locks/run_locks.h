// The locks of one run while it is planned: what it, its steps and their items hold, what they ask
// for, and whether they get it now. What is granted is in what Kept() gives, and is written before
// anything is made under it. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/base/time.h"
#include "operator/plan/locks/held_locks.h"
#include "operator/plan/locks/lock_words.h"

namespace penstock::plan {

inline constexpr const char* kLocked = "Locked";
inline constexpr const char* kLockInvalid = "LockInvalid";  // its size is not known
inline constexpr const char* kLockOrder = "LockOrder";

class RunLocks {
 public:
  // Whether a step or an item that an entry is of still needs it: it has not ended, or a pod of it
  // goes on.
  using GoesOn = std::function<bool(const api::RunLock&)>;

  // Borrows run and facts; `of_run` are the run's own locks.
  RunLocks(const api::PipelineRun& run, const LockFacts& facts, std::vector<api::LockRef> of_run,
           TimePoint now);

  // Before anything is asked: what has ended gives its locks back, and who is next gets them. Gives
  // the entries of the status that are left.
  const std::vector<api::RunLock>& Begin(const GoesOn& goes_on);

  struct Answer {
    bool held = false;
    // Where it is not: Locked, LockInvalid, LockOrder; the last for good.
    std::string reason;
    std::string message;
  };
  // Of the run's own locks.
  [[nodiscard]] const Answer& OfRun();
  // Whether the run has its own locks, or none.
  [[nodiscard]] bool HasOfRun() const;
  // Of a step or an item that could start now.
  [[nodiscard]] Answer OfStep(const std::string& step, std::optional<int> item,
                              const std::vector<api::LockRef>& locks);

  // What a pod or run of this step runs under.
  [[nodiscard]] std::vector<HeldLock> Around(const std::string& step, std::optional<int> item,
                                             const std::vector<api::LockRef>& locks) const;

  // The entries of the status. Of those that wait: who is suspended asks for nothing, and who has
  // not asked now (it waits for something else) only where it may ask again in a moment.
  struct Waiting {
    bool suspended = false;
    bool may_ask_again = false;
  };
  [[nodiscard]] std::vector<api::RunLock> Kept(const GoesOn& goes_on, Waiting waiting) const;
  // Whether somebody asked, or got something.
  [[nodiscard]] bool asked() const { return asked_; }

 private:
  // Those who use a lock, as somebody sees them who asks for it.
  struct Others {
    std::size_t held = 0;
    std::size_t before = 0;  // who asked before
    std::string holders;     // the first of them, for people
    void Hold(const LockUse& use);
  };
  [[nodiscard]] api::RunLock* Find(const std::string& step, std::optional<int> item);
  [[nodiscard]] api::RunLock& Enter(const std::string& step, std::optional<int> item,
                                    const std::vector<api::LockRef>& locks);
  [[nodiscard]] LockUse UseOf(const api::RunLock& lock) const;
  [[nodiscard]] std::string WhyNever(const std::vector<api::LockRef>& locks) const;
  [[nodiscard]] Answer WhyNot(const api::RunLock& lock) const;
  [[nodiscard]] std::vector<LockUse> All() const;
  [[nodiscard]] Others OthersOf(const std::string& name, const LockUse& mine) const;

  const api::PipelineRun& run_;
  const LockFacts& facts_;
  const std::vector<api::LockRef> of_run_;
  TimePoint now_;
  LockOrder order_;
  std::vector<api::RunLock> own_;
  std::vector<std::string> served_;  // LockUser of those of own_ that ask and get theirs
  std::set<std::string> asking_;     // LockUser of those that asked now
  std::int64_t next_turn_ = 1;
  std::size_t waiting_ = 0;
  bool asked_ = false;
  std::optional<Answer> run_answer_;

  struct Crowd {  // of other runs, around a lock
    std::vector<const LockUse*> held;
    std::vector<std::int64_t> waiting;  // their turns, sorted
  };
  std::map<std::string, Crowd> crowds_;  // by lock; point into facts_
};

}  // namespace penstock::plan
