// What the servers of a ModelDeployment have to do: requests under way over time, of what its
// routers counted. Kept from one look to the next and lost with the operator. Value type.
//
// A change of the number of servers begins anew: what fewer servers had to do, or these before all
// of them answered, says nothing of what these can do. So does a change of the way that requests
// come: routers past which they go see none of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/base/time.h"
#include "operator/plan/rollout/observation.h"

namespace penstock::scaling {

// What is seen at one look.
struct Sight {
  std::vector<rollout::RouterFact> routers;  // those that answered
  int ready_routers = 0;                     // that could have
  int replicas = 0;                          // servers that are asked for
  bool available = false;                    // all of them answer
  int serving = 0;                           // of them, those that do
  Milliseconds clock{0};                     // steady; only differences mean anything
  bool by_routers = true;                    // false: requests come past them, nothing is heard
};

// The mean of the requests under way, of all versions and routers, until `at`, and those that wait
// for a server then.
struct LoadPoint {
  Milliseconds at{0};
  double in_flight = 0;
  bool whole = true;  // false: a router was silent, and there were so many at least
  int serving = 0;    // servers that answered, at the look since the last point that saw the fewest
};

// Between two points, at least.
inline constexpr Milliseconds kPointEach{8'000};
// Servers that do not come up are waited for so long.
inline constexpr Milliseconds kSettle{120'000};

class Load {
 public:
  void Look(const Sight& sight);

  [[nodiscard]] const std::vector<LoadPoint>& points() const { return points_; }  // ascending
  // Since when points are of these servers; `settled()` false: they come up yet.
  [[nodiscard]] bool settled() const { return settled_; }
  [[nodiscard]] Milliseconds since() const { return since_; }
  // When somebody asked last or servers came up, or the first look.
  [[nodiscard]] Milliseconds active() const { return active_; }
  // Of the last look: every router answered, in a way that tells of load.
  [[nodiscard]] bool heard_all() const { return !unheard_since_; }
  // The first look of those, up to the last, at which a router did not; nothing: heard_all().
  [[nodiscard]] std::optional<Milliseconds> unheard_since() const { return unheard_since_; }
  // Each look after that one, up to the last, heard all; the last one itself where it did not.
  [[nodiscard]] Milliseconds heard_since() const { return heard_since_; }
  // Servers that were asked for at the last look; nothing: there was none.
  [[nodiscard]] std::optional<int> replicas() const {
    return begun_ ? std::optional(replicas_) : std::nullopt;
  }
  [[nodiscard]] int held() const { return held_; }
  // Somebody wants servers, whatever the routers have seen.
  void Wake(Milliseconds clock) { active_ = clock; }

 private:
  struct Counted {
    double sampled = 0;
    double in_flight_seconds = 0;
    std::int64_t asked = 0;
  };
  using Key = std::pair<std::string, std::int64_t>;  // a router's run, a version

  void NoteServers(const Sight& sight);
  void NoteHearing(const Sight& sight);
  void NoteActivity(const Sight& sight);
  void NotePoint(const Sight& sight);

  bool begun_ = false;
  std::map<Key, Counted> asked_;    // as of the last look
  std::map<Key, Counted> counted_;  // as of the last point
  std::vector<LoadPoint> points_;
  int replicas_ = 0;
  bool by_routers_ = true;
  std::optional<int> serving_;  // the fewest since the last point
  bool settled_ = false;
  Milliseconds since_{0};
  Milliseconds counted_at_{0};
  Milliseconds active_{0};
  std::optional<Milliseconds> unheard_since_;
  Milliseconds heard_since_{0};
  int held_ = 0;
};

}  // namespace penstock::scaling
