#include "operator/plan/scaling/load.h"

#include <algorithm>

namespace penstock::scaling {
namespace {

constexpr Milliseconds kKept{310'000};  // points older than what any decision looks at

}  // namespace

void Load::Look(const Sight& sight) {
  NoteServers(sight);
  NoteHearing(sight);
  NoteActivity(sight);
  NotePoint(sight);
  begun_ = true;
}

void Load::NoteServers(const Sight& sight) {
  const auto begin_anew = [&] {
    points_.clear();
    counted_.clear();
    serving_.reset();
    since_ = counted_at_ = heard_since_ = sight.clock;
  };
  if (!begun_ || sight.replicas != replicas_ || sight.by_routers != by_routers_) {
    begin_anew();
    settled_ = false;
    replicas_ = sight.replicas;
    by_routers_ = sight.by_routers;
  }
  if (settled_ || (!sight.available && sight.clock - since_ < kSettle)) return;
  settled_ = true;
  begin_anew();
}

void Load::NoteHearing(const Sight& sight) {
  // An earlier release's says nothing of load.
  const bool all =
      sight.by_routers && sight.ready_routers > 0 &&
      std::cmp_greater_equal(sight.routers.size(), sight.ready_routers) &&
      std::all_of(sight.routers.begin(), sight.routers.end(),
                  [](const rollout::RouterFact& router) { return router.sampled_seconds > 0; });
  if (all) return unheard_since_.reset();
  if (!unheard_since_) unheard_since_ = sight.clock;
  heard_since_ = sight.clock;
}

void Load::NoteActivity(const Sight& sight) {
  // Servers that come up are let go no sooner than a while after they could have answered.
  bool active = !begun_ || (sight.replicas > 0 && sight.serving == 0);
  held_ = 0;
  std::map<Key, Counted> now;
  for (const rollout::RouterFact& router : sight.routers) {
    held_ += router.held;
    for (const rollout::VersionCounters& version : router.versions) {
      const Key key{router.run, version.version};
      const auto before = asked_.find(key);
      active |= version.in_flight > 0;
      active |= version.asked > (before == asked_.end() ? 0 : before->second.asked);
      now[key] = {router.sampled_seconds, version.in_flight_seconds, version.asked};
    }
  }
  // One that is silent for a look is not new at the next.
  for (auto& [key, counted] : now) asked_.insert_or_assign(key, counted);
  if (heard_all()) asked_ = std::move(now);
  if (active || held_ > 0) active_ = sight.clock;
}

// Each router's mean is by its own clock: answers are not of one age.
void Load::NotePoint(const Sight& sight) {
  serving_ = std::min(serving_.value_or(sight.serving), sight.serving);
  if (!counted_.empty() && sight.clock - counted_at_ < kPointEach) return;
  const bool first = counted_.empty();
  double in_flight = 0;
  std::map<Key, Counted> now;
  for (const rollout::RouterFact& router : sight.routers) {
    if (!sight.by_routers || router.sampled_seconds <= 0) continue;
    in_flight += router.held;
    for (const rollout::VersionCounters& version : router.versions) {
      const Key key{router.run, version.version};
      const Counted counted{router.sampled_seconds, version.in_flight_seconds, 0};
      now[key] = counted;
      const auto before = counted_.find(key);
      if (before == counted_.end()) continue;
      const double seconds = counted.sampled - before->second.sampled;
      if (seconds > 0)
        in_flight +=
            std::max(0.0, (counted.in_flight_seconds - before->second.in_flight_seconds) / seconds);
    }
  }
  for (auto& [key, counted] : now) counted_.insert_or_assign(key, counted);
  if (heard_all()) counted_ = std::move(now);
  counted_at_ = sight.clock;
  if (first) return;
  points_.push_back({sight.clock, in_flight, heard_all(), *serving_});
  serving_.reset();
  std::erase_if(points_, [&](const LoadPoint& p) { return sight.clock - p.at > kKept; });
}

}  // namespace penstock::scaling
