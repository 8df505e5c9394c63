// The artifact store over HTTP, for launchers and model servers (paths:
// operator/artifacts/transport.h).
//
// A caller sees the namespace of its service account and nothing else, and the pod of a step its
// own inputs of that. A receipt is written by the pod that it names only.
#pragma once

#include <cstdint>

#include "operator/artifacts/store.h"
#include "operator/gateway/authenticator.h"
#include "operator/gateway/body_budget.h"
#include "operator/gateway/router.h"
#include "operator/gateway/step_grants.h"

namespace penstock::gateway {

struct ArtifactRoutes {
  const artifacts::Store* store = nullptr;
  Authenticator* authenticator = nullptr;
  std::uint64_t max_blob_bytes = 0;  // 0: the disk is the limit
  BodyBudget* bodies = nullptr;
  StepGrants* grants = nullptr;  // none: a pod may read what its namespace has
};

// What `routes` points to must outlive the router.
void AddArtifactRoutes(Router& router, const ArtifactRoutes& routes);

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
// The one range of a "Range: bytes=..." for `size` bytes: all of it where the header is absent,
// malformed or has several ranges; kInvalid where it lies outside.
[[nodiscard]] Result<ByteRange> ParseRange(const std::string& header, std::uint64_t size);

// Answers with a part of a blob, wherever the store has it; an error is still to be answered.
[[nodiscard]] Result<void> RespondBlob(Exchange& x, const artifacts::Store& store,
                                       const std::string& ns, const std::string& digest, int status,
                                       const ByteRange& range, const Headers& headers);

}  // namespace penstock::gateway
