// GET /observations of a router pod, over plain HTTP.
#pragma once

#include <stop_token>

#include "operator/base/time.h"
#include "operator/routers/router_pods.h"

namespace penstock::routers {

// At most 1 s and 16 MiB. Transient for whatever keeps the router from answering 200. With a `wait`
// it answers when a request is held, or after that time.
[[nodiscard]] Result<std::string> AskRouter(const RouterPod& pod, const Clock& clock,
                                            std::stop_token stop,
                                            std::chrono::seconds wait = std::chrono::seconds(0));

}  // namespace penstock::routers
