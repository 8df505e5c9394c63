// What the flags mean for the engine, and whom it tells what it does.
#pragma once

#include <string>

#include "operator/controllers/engine.h"
#include "operator/main/options.h"
#include "operator/runtime/event_recorder.h"
#include "operator/runtime/log.h"
#include "operator/runtime/metrics.h"

namespace penstock::main {

// All but the first two must outlive the engine. `ca_pem` is what pods trust the gateway by.
[[nodiscard]] controllers::EngineOptions EngineOptionsOf(const Options& options,
                                                         const std::string& ca_pem,
                                                         const runtime::Log& log,
                                                         runtime::Metrics& metrics,
                                                         runtime::EventRecorder& events);

}  // namespace penstock::main
