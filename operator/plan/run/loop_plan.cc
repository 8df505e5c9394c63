#include "operator/plan/run/loop_plan.h"

#include <algorithm>
#include <utility>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/plan/step/stop.h"

namespace penstock::plan {
namespace {

using api::StepPhase;
using End = LoopState::End;

// Items without an attempt that are looked at in one plan while they wait, for a fact or a place.
constexpr int kItemsAhead = 100;

class LoopPlanner {
 public:
  LoopPlanner(StepState& s, LoopState& loop, const LoopHost& host)
      : s_(s),
        loop_(loop),
        h_(host),
        o_(host.observed),
        spec_(s.step->loop->spec),
        stop_(StopOf(o_, *s.step, host.now)) {}

  void Advance() {
    if (h_.may_list && !FindList()) return;
    if (s_.reopened && loop_.items != nullptr) TakeAsEnded();
    if (stop_) {
      CancelIdle();
    } else if (TotalIsKnown() && OutOfReach()) {
      GiveUpIdle();
    } else if (h_.lost) {
      GiveUpIdle(h_.lost->message);
    } else if (h_.may_start) {
      AdvanceActive();
      if (OutOfReach())
        GiveUpIdle();
      else
        StartFresh();
    }
    if (HasEnded())
      Conclude();
    else
      ShowGoingOn();
    if (loop_.items != nullptr || s_.status.items) WriteItems();
  }

 private:
  // --- the list

  bool FindList() {
    const ResolvedLoop& loop = *s_.step->loop;
    loop_.items = loop.items;
    if (loop_.items == nullptr && !stop_) {
      auto items = ListItems(loop.spec, h_.lookup);
      if (!items) return Refuse(items.error());
      loop_.items = std::make_shared<const std::vector<Json>>(std::move(*items));
      list_digest_ = Sha256Hex(CanonicalJson(Json(*loop_.items)));
      const bool begun = s_.prior != nullptr && s_.prior->items;
      if (begun && s_.prior->items->list_digest != list_digest_) {
        Finish(s_, StepPhase::kFailed, "ListChanged",
               "the list of its items was made anew while they ran, and is another one; what they "
               "gave stays in the cache: start the run again",
               h_.now);
        return false;
      }
    }
    if (loop_.items == nullptr) return true;
    loop_.ends.resize(std::max(loop_.ends.size(), loop_.items->size()));
    for (auto& [index, item] : loop_.active)
      if (static_cast<std::size_t>(index) < loop_.items->size())
        item.item->value = &(*loop_.items)[static_cast<std::size_t>(index)];
    return true;
  }

  bool Refuse(const Error& error) {
    if (error.kind == ErrorKind::kNotFound && h_.result_absent)
      Finish(s_, StepPhase::kSkipped, "ResultAbsent", "forEach." + error.message, h_.now);
    else
      Finish(s_, StepPhase::kFailed, "InvalidList",
             "forEach." + error.message + "; it is not tried again", h_.now);
    return false;
  }

  // --- items

  // Of a loop that has succeeded and has no entry: what its items gave is gathered again, and those
  // of which nothing tells run.
  void TakeAsEnded() {
    for (End& end : loop_.ends)
      if (end == End::kNone) end = End::kSucceeded;
  }

  // Ends the items without a live attempt, nor one that this plan makes, by `finish`.
  template <typename F>
  void EndIdle(F finish) {
    for (auto it = loop_.active.begin(); it != loop_.active.end();) {
      if (it->second.kind == StepState::Kind::kIdle && !it->second.occupies) {
        finish(it->second);
        EndItem(o_, it->first, it->second, h_.plan, loop_);
        it = loop_.active.erase(it);
      } else {
        ++it;
      }
    }
  }

  void CancelIdle() {
    EndIdle([this](StepState& item) {
      Finish(item, StepPhase::kCancelled, stop_.reason, stop_.message, h_.now);
    });
  }

  // Whatever they gave would not help. One that has failed has failed for good.
  void GiveUpIdle(const std::string& why = "too few items can succeed") {
    EndIdle([&](StepState& item) {
      const bool failed = item.status.attempts > 0;
      const api::StepStatus was = item.status;
      Finish(item, failed ? StepPhase::kFailed : StepPhase::kSkipped, was.reason,
             was.message + "; not tried again: " + why, h_.now);
    });
  }

  void AdvanceActive() {
    for (auto it = loop_.active.begin(); it != loop_.active.end();) {
      StepState& item = it->second;
      if (item.kind == StepState::Kind::kIdle && item.item->value != nullptr && h_.advance(item))
        item.occupies = true;
      const bool over = item.kind == StepState::Kind::kFinal;
      if (over) EndItem(o_, it->first, item, h_.plan, loop_);
      it = over ? loop_.active.erase(it) : std::next(it);
    }
  }

  void StartFresh() {
    if (loop_.items == nullptr) return;
    int waiting = 0;
    for (std::size_t i = 0; i < loop_.items->size() && waiting < kItemsAhead; ++i) {
      const int index = static_cast<int>(i);
      if (loop_.ends[i] != End::kNone || loop_.active.contains(index)) continue;
      StepState item;
      item.step = s_.step;
      item.status.name = s_.status.name;
      item.item = LoopItem{index, &(*loop_.items)[i]};
      const bool occupies = h_.advance(item);
      if (item.kind == StepState::Kind::kFinal) {
        EndItem(o_, index, item, h_.plan, loop_);
        if (loop_.ends[i] != End::kSucceeded && OutOfReach()) return GiveUpIdle();
        continue;
      }
      item.occupies = occupies;
      if (!occupies) ++waiting;
      if (item.wake) Wake(*item.wake);
      if (occupies || IsInTrouble(item))
        loop_.active.emplace(index, std::move(item));
      else if (!waits_)
        waits_ = std::pair(item.status.reason, item.status.message);
    }
  }

  void Wake(TimePoint at) { s_.wake = std::min(s_.wake.value_or(at), at); }

  // --- the end

  [[nodiscard]] int Total() const {
    return static_cast<int>(loop_.items != nullptr ? loop_.items->size() : loop_.ends.size());
  }
  [[nodiscard]] bool TotalIsKnown() const {
    return loop_.items != nullptr || (s_.prior != nullptr && s_.prior->items);
  }
  [[nodiscard]] int Count(End end) const { return static_cast<int>(loop_.Count(end)); }
  [[nodiscard]] int Needed() const {
    const int counted = Total() - Count(End::kSkipped);
    auto needed = NeededSuccesses(spec_.min_success, counted);
    return needed ? *needed : counted;  // checked when the run was resolved
  }
  // Whatever items do that have not ended: too few can succeed.
  [[nodiscard]] bool OutOfReach() const {
    return Total() - Count(End::kSkipped) - Count(End::kFailed) < Needed();
  }

  [[nodiscard]] bool HasEnded() const {
    if (!loop_.active.empty()) return false;
    if (stop_ || h_.lost) return true;
    if (loop_.items == nullptr) return false;
    return Count(End::kNone) == 0 || OutOfReach();
  }

  void Conclude() {
    if (stop_) return Finish(s_, StepPhase::kCancelled, stop_.reason, stop_.message, h_.now);
    const bool reached = !OutOfReach();
    if (h_.lost && reached && Count(End::kNone) > 0) return BreakOff();
    for (End& end : loop_.ends)
      if (end == End::kNone) end = End::kSkipped;
    const int skipped = Count(End::kSkipped);
    if (reached && skipped == Total() && Total() > 0)
      return Finish(s_, StepPhase::kSkipped, "ItemsSkipped",
                    "all " + std::to_string(Total()) + " items were skipped", h_.now);
    if (reached) return Gather();
    const std::string wanted = CanonicalText(spec_.min_success);
    std::string message = Failures();
    if (message.empty())
      message = "minSuccess is " + wanted + ", and there are " + std::to_string(Total()) + " items";
    if (skipped > 0)
      message += "; " + std::to_string(skipped) + " were not run, as " +
                 (wanted.empty() ? "all" : wanted) + " must succeed";
    Finish(s_, StepPhase::kFailed, "ItemsFailed", message, h_.now);
  }

  // What it depended on while it ran is gone.
  void BreakOff() {
    const int rest = Count(End::kNone);
    for (End& end : loop_.ends)
      if (end == End::kNone) end = End::kSkipped;
    Finish(s_, StepPhase::kSkipped, h_.lost->reason,
           h_.lost->message + "; " + std::to_string(rest) + " of " + std::to_string(Total()) +
               " items were not run",
           h_.now);
  }

  // "2 of 10 items failed: item 4 (ExitCode): ..."; empty: none.
  [[nodiscard]] std::string Failures() const {
    const int failed = Count(End::kFailed);
    if (failed == 0) return "";
    std::string text = std::to_string(failed) + " of " + std::to_string(Total()) + " items failed";
    for (std::size_t i = 0; i < loop_.first_failures.size(); ++i)
      text += (i == 0 ? ": " : "; ") + Shown(loop_.first_failures[i], 600);
    return text;
  }

  void Gather() {
    const std::string succeeded = loop_.Indexes(End::kSucceeded);
    const auto found = o_.gathered.find(s_.status.name);
    const GatherAnswer* answer = found == o_.gathered.end() ? nullptr : found->second.get();
    if (answer == nullptr || answer->succeeded != succeeded || answer->taken_up) {
      h_.plan.requests.gathers.push_back({s_.status.name, o_.resolved, Total(), succeeded});
      s_.kind = StepState::Kind::kLive;
      s_.status.phase = StepPhase::kRunning;
      s_.status.reason = "Gathering";
      s_.status.message = Failures();
      ShowStoreTrouble(s_, "what its items gave is put together", o_, s_.status.name);
      return;
    }
    if (!answer->missing.empty()) return Reopen(*answer);
    if (!answer->failed.empty())
      return Finish(s_, StepPhase::kFailed, "CannotGather",
                    "what its items gave cannot be put together: " + answer->failed, h_.now);
    Receipt receipt;
    receipt.outputs = answer->outputs;
    for (const auto& [name, list] : answer->results) receipt.results[name] = list;
    Succeed(s_, receipt, h_.now);
    s_.status.message = Shown(Failures(), kMaxStepMessage);
    s_.status.cached = Total() > 0 && loop_.cached == Total();
  }

  // Nothing tells what these gave: their pods are asked, the store, the cache; or they run again.
  void Reopen(const GatherAnswer& answer) {
    for (const std::size_t i : answer.missing)
      if (i < loop_.ends.size()) loop_.ends[i] = End::kNone;
    loop_.cached = std::min(loop_.cached, Count(End::kSucceeded));
    h_.plan.requests.taken_up.push_back(s_.status.name);
    h_.plan.urgent_status = true;
    s_.kind = StepState::Kind::kLive;
    s_.status.phase = StepPhase::kRunning;
    Wake(h_.now);
  }

  // --- what is said

  void ShowGoingOn() {
    int running = 0, pending = 0;
    const StepState* troubled = nullptr;
    for (const auto& [index, item] : loop_.active) {
      running += item.status.phase == StepPhase::kRunning ? 1 : 0;
      pending += item.occupies && item.status.phase != StepPhase::kRunning ? 1 : 0;
      if (troubled == nullptr && IsInTrouble(item)) troubled = &item;
      if (item.wake) Wake(*item.wake);
      if (item.kind == StepState::Kind::kIdle && item.not_before && *item.not_before > h_.now)
        Wake(*item.not_before);
    }
    if (!loop_.active.empty()) s_.kind = StepState::Kind::kLive;
    if (!loop_.active.empty() && !s_.status.start_time) s_.status.start_time = WholeSeconds(h_.now);
    if (!h_.may_start && loop_.active.empty()) return;  // Dependencies
    s_.status.reason.clear();
    s_.status.retry_at = troubled != nullptr ? troubled->status.retry_at : std::nullopt;
    s_.status.message = Failures();
    s_.status.phase = running > 0                  ? StepPhase::kRunning
                      : !loop_.active.empty()      ? StepPhase::kPending
                      : Count(End::kSucceeded) > 0 ? StepPhase::kRunning
                                                   : StepPhase::kWaiting;
    if (troubled != nullptr)
      Say(troubled->status.reason, TextOfItem(*troubled));
    else if (!loop_.trouble.empty())
      Say("", loop_.trouble);
    else if (pending > 0 && running == 0)
      Say(kStarting, "");
    else if (waits_ && running == 0)
      Say(waits_->first, waits_->second);
    if (stop_) s_.status.reason = "Cancelling";
  }

  static std::string TextOfItem(const StepState& item) {
    return "item " + std::to_string(item.item->index) + ": " + item.status.message;
  }

  void Say(const std::string& reason, const std::string& message) {
    s_.status.reason = reason;
    std::string& text = s_.status.message;
    if (!message.empty())
      text = Shown(message + (text.empty() ? "" : "; " + text), kMaxStepMessage);
  }

  void WriteItems() {
    const std::string before =
        s_.prior != nullptr && s_.prior->items ? s_.prior->items->failed_indexes : "";
    if (!s_.status.items) s_.status.items.emplace();
    api::ItemsStatus& items = *s_.status.items;
    items.total = Total();
    items.succeeded_indexes = loop_.Indexes(End::kSucceeded);
    items.failed_indexes = loop_.Indexes(End::kFailed);
    items.skipped_indexes = loop_.Indexes(End::kSkipped);
    items.cached = loop_.cached;
    items.running =
        static_cast<int>(std::count_if(loop_.active.begin(), loop_.active.end(),
                                       [](const auto& entry) { return entry.second.occupies; }));
    if (!list_digest_.empty()) items.list_digest = list_digest_;
    items.first_failures = loop_.first_failures;
    // The first failure is told at once, others within a second.
    if (before.empty() && !items.failed_indexes.empty()) h_.plan.urgent_status = true;
  }

  StepState& s_;
  LoopState& loop_;
  const LoopHost& h_;
  const RunObserved& o_;
  const api::ForEachSpec& spec_;
  const Stop stop_;
  std::string list_digest_;
  std::optional<std::pair<std::string, std::string>> waits_;  // what the next item waits for
};

}  // namespace

void AdvanceLoop(StepState& s, LoopState& loop, const LoopHost& host) {
  LoopPlanner(s, loop, host).Advance();
}

}  // namespace penstock::plan
