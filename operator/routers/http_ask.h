// GET /observations of a router pod, over plain HTTP.
#pragma once

#include <stop_token>

#include "operator/base/time.h"
#include "operator/routers/router_pods.h"

namespace penstock::routers {

// At most 1 s and 16 MiB. Transient for whatever keeps the router from answering 200.
[[nodiscard]] Result<std::string> AskRouter(const RouterPod& pod, const Clock& clock,
                                            std::stop_token stop);

}  // namespace penstock::routers
