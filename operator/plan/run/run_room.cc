#include "operator/plan/run/run_room.h"

#include <algorithm>
#include <climits>

namespace penstock::plan {
namespace {

constexpr int kMaxCreates = 50;

}  // namespace

bool RunRoom::IsFull(const StepState& s) const {
  // Those that wait for a daemon could wait for its place: it takes none.
  if (s.step->daemon) return false;
  if (places_.Has(s)) return false;
  if (s.item && steps_.LoopOf(s.step->name).IsFull(*s.step, places_.OfStep(s.step->name)))
    return true;
  const auto& own = o_.resolved->parallelism;
  const auto& most = settings_.max_parallelism;
  const int places = std::min(own.value_or(INT_MAX), most.value_or(INT_MAX));
  return steps_.occupied + places_.all() >= places;
}

bool RunRoom::HasRoom(const StepState& s) const {
  // What a step with a Pipeline runs has pods of its own; a daemon must not wait for those that use
  // it.
  return !o_.pods_left || s.step->nested || s.step->daemon || pods_made_ < *o_.pods_left;
}

bool RunRoom::HasPlace(const StepState& s) const {
  return !IsFull(s) && creates_ < kMaxCreates && HasRoom(s);
}

void RunRoom::CountMade(StepState& s, bool is_pod) {
  s.made = true;
  ++made_;
  ++creates_;
  if (is_pod && !s.step->daemon) ++pods_made_;
  Occupy(s);
}

void RunRoom::KeepFor(const StepState& s, const Error& why) {
  Occupy(s);
  // What is wrong with this pod holds up no other. What passes by itself (a quota, a webhook)
  // would meet the others too: they stay queued, and their timeouts.pending do not begin.
  if (PassesByItself(why.kind)) ++creates_;
}

}  // namespace penstock::plan
