// A request to one server of a version, by its pod's address: for checks before traffic, of which
// clients see nothing. Blocks, ten seconds at most.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/plan/rollout/observation.h"

namespace penstock::rollouts {

struct ServerRequest {
  std::string target;         // path and query
  std::string body;           // JSON, by POST; empty: a GET
  Milliseconds most{10'000};  // until it has answered
};
struct ServerAnswer {
  int status = 0;
  std::string body;
};
using AskServer =
    std::function<Result<ServerAnswer>(const rollout::ServerAddress&, const ServerRequest&)>;

// An answer of whatever status. Transient where there is no address, for the network and for time;
// kTooLarge above 8 MiB.
[[nodiscard]] Result<ServerAnswer> AskOverHttp(const rollout::ServerAddress& server,
                                               const ServerRequest& request, std::stop_token stop);

}  // namespace penstock::rollouts
