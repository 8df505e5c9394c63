#include "operator/plan/locks/run_locks.h"

#include <algorithm>
#include <utility>

#include "operator/base/shown_text.h"
#include "operator/plan/locks/lock_check.h"

namespace penstock::plan {
namespace {

// Steps and items of one run that ask at a time; the others ask when these have theirs.
constexpr std::size_t kMostWaiting = 100;
constexpr std::size_t kMostShown = 3;  // holders, in a sentence

TimePoint Seconds(TimePoint t) { return std::chrono::floor<std::chrono::seconds>(t); }

std::string Describe(const LockUse& use) {
  std::string text = "run " + use.run;
  if (!use.step.empty()) text += ", step " + use.step;
  if (use.item) text += ", item " + std::to_string(*use.item);
  return text;
}

}  // namespace

RunLocks::RunLocks(const api::PipelineRun& run, const LockFacts& facts,
                   std::vector<api::LockRef> of_run, TimePoint now)
    : run_(run),
      facts_(facts),
      of_run_(std::move(of_run)),
      now_(now),
      order_(facts.sizes),
      own_(run.status.locks) {}

const std::vector<api::RunLock>& RunLocks::Begin(const GoesOn& goes_on) {
  std::erase_if(own_, [&](const auto& lock) { return !lock.step.empty() && !goes_on(lock); });
  const std::vector<LockUse> all = All();
  const std::string mine = run_.meta.uid + "/";
  for (const LockUse* use : order_.Serve(all))
    if (use->by.starts_with(mine)) served_.push_back(use->by);
  for (const LockUse& use : all) next_turn_ = std::max(next_turn_, use.turn + 1);
  for (const api::RunLock& lock : own_) waiting_ += lock.held ? 0 : 1;
  for (const LockUse& use : facts_.others)
    for (const std::string& name : use.names) {
      Crowd& crowd = crowds_[name];
      if (use.held)
        crowd.held.push_back(&use);
      else
        crowd.waiting.push_back(use.turn);
    }
  for (auto& [name, crowd] : crowds_) std::sort(crowd.waiting.begin(), crowd.waiting.end());
  return own_;
}

void RunLocks::Others::Hold(const LockUse& use) {
  if (++held <= kMostShown) holders += (holders.empty() ? "" : "; ") + Describe(use);
}

RunLocks::Others RunLocks::OthersOf(const std::string& name, const LockUse& mine) const {
  Others others;
  if (const auto crowd = crowds_.find(name); crowd != crowds_.end()) {
    const auto& waiting = crowd->second.waiting;
    others.before = static_cast<std::size_t>(
        std::lower_bound(waiting.begin(), waiting.end(), mine.turn) - waiting.begin());
    for (const LockUse* use : crowd->second.held)
      if (use->by != mine.by) others.Hold(*use);
  }
  for (const api::RunLock& lock : own_) {
    if (std::find(lock.names.begin(), lock.names.end(), name) == lock.names.end()) continue;
    if (lock.held)
      others.Hold(UseOf(lock));
    else
      others.before += lock.turn < mine.turn ? 1 : 0;
  }
  if (others.held > kMostShown)
    others.holders += "; " + std::to_string(others.held - kMostShown) + " more";
  return others;
}

bool RunLocks::HasOfRun() const {
  return of_run_.empty() || std::any_of(own_.begin(), own_.end(), [](const api::RunLock& lock) {
           return lock.step.empty() && lock.held;
         });
}

std::vector<LockUse> RunLocks::All() const {
  std::vector<LockUse> all = facts_.others;
  for (const api::RunLock& lock : own_) all.push_back(UseOf(lock));
  return all;
}

LockUse RunLocks::UseOf(const api::RunLock& lock) const {
  return {LockUser(run_.meta.uid, lock.step, lock.item),
          run_.meta.name,
          lock.step,
          lock.item,
          lock.names,
          lock.turn,
          lock.held};
}

api::RunLock* RunLocks::Find(const std::string& step, std::optional<int> item) {
  const auto it = std::find_if(own_.begin(), own_.end(),
                               [&](const auto& l) { return l.step == step && l.item == item; });
  return it == own_.end() ? nullptr : &*it;
}

api::RunLock& RunLocks::Enter(const std::string& step, std::optional<int> item,
                              const std::vector<api::LockRef>& locks) {
  api::RunLock& asks = own_.emplace_back();
  asks.step = step;
  asks.item = item;
  for (const api::LockRef& lock : locks) asks.names.push_back(lock.name);
  std::sort(asks.names.begin(), asks.names.end());
  asks.turn = next_turn_++;
  asks.since = Seconds(now_);
  ++waiting_;
  asked_ = true;
  const LockUse use = UseOf(asks);
  if (order_.ServeLast(use)) served_.push_back(use.by);
  return asks;
}

const RunLocks::Answer& RunLocks::OfRun() {
  if (!run_answer_) run_answer_ = OfStep("", std::nullopt, of_run_);
  return *run_answer_;
}

RunLocks::Answer RunLocks::OfStep(const std::string& step, std::optional<int> item,
                                  const std::vector<api::LockRef>& locks) {
  if (locks.empty()) return {true, "", ""};
  if (std::string never = WhyNever(locks); !never.empty())
    return {false, kLockOrder, std::move(never)};
  api::RunLock* entry = Find(step, item);
  if (entry == nullptr) {
    if (waiting_ >= kMostWaiting || own_.size() >= api::kMaxRunLocks)
      return {false, kLocked,
              std::to_string(waiting_) + " of this run wait for their locks before it"};
    entry = &Enter(step, item, locks);
  }
  if (entry->held) return {true, "", ""};
  const std::string user = LockUser(run_.meta.uid, step, item);
  asking_.insert(user);
  if (std::find(served_.begin(), served_.end(), user) == served_.end()) return WhyNot(*entry);
  entry->held = true;
  entry->since = Seconds(now_);
  --waiting_;
  asked_ = true;
  return {true, "", ""};
}

// One of them may not be asked for under what is held above this run.
std::string RunLocks::WhyNever(const std::vector<api::LockRef>& locks) const {
  std::string above;
  for (const HeldLock& held : facts_.above) above = std::max(above, held.name);
  if (above.empty()) return "";
  for (const api::LockRef& lock : locks)
    if (const std::string why = WhyNotUnder(lock.name, above); !why.empty())
      return "the lock " + lock.name + ": " + why;
  return "";
}

// The first of its locks, by name, that it cannot have.
RunLocks::Answer RunLocks::WhyNot(const api::RunLock& lock) const {
  const LockUse mine = UseOf(lock);
  for (const std::string& name : lock.names) {
    const LockSize size = LockSizeOf(name, facts_.sizes);
    if (!size.wrong.empty())
      return {false, kLockInvalid, "the lock " + name + " cannot be had: " + size.wrong};
    const Others others = OthersOf(name, mine);
    if (others.held + others.before < static_cast<std::size_t>(size.size)) continue;
    std::string text = "waits for the lock " + name;
    if (size.size > 1) text += " (" + std::to_string(size.size) + " may hold it)";
    if (!others.holders.empty()) text += ", held by " + others.holders;
    if (size.size == 0)
      text += ": the ConfigMap " + std::string(api::kLockSizes) + " says 0 for it";
    if (others.before > 0) text += "; " + std::to_string(others.before) + " asked before";
    return {false, kLocked, Shown(text)};
  }
  return {false, kLocked, "waits for its locks"};
}

std::vector<HeldLock> RunLocks::Around(const std::string& step, std::optional<int> item,
                                       const std::vector<api::LockRef>& locks) const {
  std::vector<HeldLock> around = facts_.above;
  for (const api::LockRef& lock : of_run_)
    around.push_back({lock.name, LockUser(run_.meta.uid, "", std::nullopt)});
  for (const api::LockRef& lock : locks)
    around.push_back({lock.name, LockUser(run_.meta.uid, step, item)});
  return around;
}

std::vector<api::RunLock> RunLocks::Kept(const GoesOn& goes_on, Waiting waiting) const {
  std::vector<api::RunLock> kept;
  for (const api::RunLock& lock : own_) {
    const bool asks =
        waiting.may_ask_again || asking_.contains(LockUser(run_.meta.uid, lock.step, lock.item));
    if (!lock.held && (waiting.suspended || !asks)) continue;
    // The run itself waits as long as a step of it asks.
    const bool wanted = lock.step.empty() ? lock.held || run_answer_.has_value() : goes_on(lock);
    if (wanted) kept.push_back(lock);
  }
  return kept;
}

}  // namespace penstock::plan
