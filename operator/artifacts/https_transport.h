// The Transport that speaks to the gateway over HTTPS (see transport.h for its paths).
#pragma once

#include <memory>

#include "operator/artifacts/transport.h"

namespace penstock::artifacts {

[[nodiscard]] Result<std::unique_ptr<Transport>> MakeHttpsTransport(
    const TaskStore& store, const TransportOptions& options);

}  // namespace penstock::artifacts
