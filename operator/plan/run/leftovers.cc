#include "operator/plan/run/leftovers.h"

#include <algorithm>

#include "operator/plan/step/child_fact.h"
#include "operator/plan/step/step_facts.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kCleanUpAgain{100};

// Whether a child that `counts` has not ended.
template <typename F>
bool HasChildren(const RunObserved& o, F counts) {
  return std::any_of(o.children.begin(), o.children.end(), [&](const ChildFact& c) {
    return c.outcome == RunOutcome::kActive && counts(c);
  });
}

Leftovers UnendedOf(const RunObserved& o, TimePoint now) {
  Leftovers left;
  left.any = HasChildren(o, [](const ChildFact&) { return true; });
  for (const PodFact& p : o.pods) {
    const auto over = LookAgainAt(p);
    if (HasEnded(p) || (over && now >= *over)) continue;
    if (over) left.look_again = std::min(left.look_again.value_or(*over), *over);
    left.any = true;
  }
  return left;
}

}  // namespace

Leftovers LeftoversOf(const RunObserved& o, const RunSteps& steps, TimePoint now) {
  if (o.resolved == nullptr) return UnendedOf(o, now);
  if (HasChildren(o, [&](const ChildFact& c) { return steps.IsFinal(c.step); })) return {true, {}};
  for (const PodFact& p : o.pods) {
    if (p.deleting || (HasEnded(p) && !p.outlived)) continue;
    if (!steps.IsFinal(p.step)) continue;
    const auto tried = o.deletes.find(p.uid);
    const bool due = tried == o.deletes.end() || tried->second.next_try <= now;
    return {true, due ? std::optional(now + kCleanUpAgain) : std::nullopt};
  }
  return {};
}

}  // namespace penstock::plan
