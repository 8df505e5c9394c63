// How many servers a load needs. Pure: the same sights give the same numbers.
//
// The busy share is the mean of the requests under way (by Little's law their rate times their
// time, waiting included), of what the servers are full with. Requests that wait count, so that the
// share falls by more than in proportion when servers are added, most of all between one server and
// two. Were servers taken away as soon as the rest seemed to do, they would come back at once. So:
//
//   more    the share of the last half minute is above the target by a tenth, or that of the last
//           look is above three times the target: as many as bring it to the target, at most twice
//           as many as there are (or four more) at a time, and not before the last ones answer
//   fewer   for five minutes not one look saw more than the fewer would do below the target, with
//           those that would wait for them then; each of them heard every router, and saw as many
//           servers answer as are to stay
//   none    nobody has asked for idle_after, and every router answers: one that is silent for ten
//           seconds may hold a request, which needs a server
//
// Of what a silent router leaves out there is more, never less: servers are added all the same.
#pragma once

#include <optional>
#include <string>

#include "operator/plan/scaling/load.h"

namespace penstock::scaling {

struct Rules {
  int min = 1;  // 0: none while nobody asks
  int max = 1;
  double target = 0.7;  // busy share, above 0
  int concurrency = 1;  // requests under way that one server is full with
  Milliseconds idle_after{600'000};
};

struct Decision {
  int replicas = 0;
  std::string why;                         // of a change, as a sentence about the servers goes on
  std::optional<Milliseconds> look_again;  // none: a request that is held is told
};

// `replicas`: servers that are asked for now. `may_be_none` false: one stays, whatever nobody asks.
[[nodiscard]] Decision Decide(const Rules& rules, const Load& load, int replicas, bool may_be_none,
                              Milliseconds clock);

}  // namespace penstock::scaling
