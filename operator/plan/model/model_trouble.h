// What keeps a version of a model from being ready, and whether the model itself is to blame. Pure.
#pragma once

#include <string>

#include "operator/plan/model/world.h"

namespace penstock::plan {

struct Trouble {
  std::string reason;      // one CamelCase word; empty: nothing is known
  std::string message;     // what the server, the kubelet, the scheduler or the API server said
  bool own_fault = false;  // this model will never do: its server said so, or who fetched it
  bool lasting = false;    // has been tried again and again

  [[nodiscard]] std::string Text() const {
    return message.empty() ? reason : reason + ": " + message;
  }
};

// Of the version's newest pods that are not ready, the worst. A model is at fault only where its
// server, or the container that fetches it, ended with the exit code that says so; whatever else is
// wrong passes or is put right.
[[nodiscard]] Trouble TroubleOf(const ModelObserved& observed, const DeploymentFact& deployment);

// Of a certificate or of tokens' keys, as the routers tell it; empty where nothing is asked of
// them, or all that are Ready have what they need. One that does not answer is waited for.
[[nodiscard]] Trouble TroubleOfGuard(const ModelObserved& observed);

// Of routers that pass on no gRPC, where servers answer it and calls are to go through them; empty
// where all that answer do. It lasts where none of them does: the others are being replaced.
[[nodiscard]] Trouble TroubleOfGrpc(const ModelObserved& observed);

// Of what the API server refused.
[[nodiscard]] Trouble TroubleOf(const Refusal& refusal);

}  // namespace penstock::plan
