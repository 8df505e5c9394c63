// Compares the signatures of two versions, as their servers tell them. Blocks as `ask` does.
#pragma once

#include "operator/rollouts/gate_measure.h"
#include "operator/rollouts/server_ask.h"

namespace penstock::rollouts {

// Asks V2's GET /v2/models/<model> of both. Not good where the candidate breaks what the stable
// version accepts or answers (plan/rollout/signature.h), the message naming each field, or tells
// nothing where the stable version does. Good, with a message that says so, where the stable
// version's server has no such answer and so nothing can be compared. An error where one could not
// be asked, or is busy.
[[nodiscard]] GateMeasure MeasureSignature(const rollout::ServersToAsk& servers,
                                           const AskServer& ask);

}  // namespace penstock::rollouts
