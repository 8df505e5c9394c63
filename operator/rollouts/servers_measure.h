// Looks at what Penstock's own servers tell of themselves. Blocks as `ask` does, two seconds a
// server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/plan/rollout/observation.h"
#include "operator/rollouts/server_ask.h"

namespace penstock::rollouts {

struct ServersMeasure {
  std::vector<rollout::ServerFact> servers;  // those that answered
  std::string error;                         // none did: why
};

// GET /metrics of ServersToAsk::all. One that does not answer, or is the server of another model or
// version, is left out.
[[nodiscard]] ServersMeasure MeasureServers(const rollout::ServersToAsk& servers,
                                            const AskServer& ask);

// What the text says of this model and version; nothing where it does not speak of them.
[[nodiscard]] std::optional<rollout::ServerFact> ReadServer(const std::string& text,
                                                            const std::string& model,
                                                            std::int64_t version);

}  // namespace penstock::rollouts
