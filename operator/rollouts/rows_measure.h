// Sends recorded requests to a version's server, and holds its answers against those recorded or
// against the stable version's. Blocks, a minute at most and `ask`'s own time.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "operator/api/rollout.h"
#include "operator/base/time.h"
#include "operator/rollouts/gate_measure.h"
#include "operator/rollouts/server_ask.h"

namespace penstock::rollouts {

// The text of a gate's rows, of a namespace.
using ReadRows =
    std::function<Result<std::string>(const std::string& ns, const api::RowsGate& rows)>;

struct RowsMeans {
  const AskServer& ask;
  const Clock& clock;
  std::stop_token stop;
};

// Good where no more rows than maxMismatches are answered otherwise; a refusal is another answer.
// The message names the first such rows: line, output, expected and got. An error where the rows
// cannot be read, a server is away or busy (429, 502 to 504), no row can be held against anything,
// or the time is over.
[[nodiscard]] GateMeasure MeasureRows(const api::RowsGate& gate, std::string_view text,
                                      const rollout::ServersToAsk& servers, const RowsMeans& means);

}  // namespace penstock::rollouts
