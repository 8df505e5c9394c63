// Which operation a method and a request target name. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::serve {

enum class Operation : std::uint8_t {
  kServerMetadata,
  kLive,
  kReady,
  kModelMetadata,
  kModelReady,
  kInfer,
  kStatistics,        // of one model, or of all when Route::model is empty
  kRepositoryIndex,   // POST /v2/repository/index
  kRepositoryChange,  // load and unload, which this server does not do
  kPredict,           // TensorFlow Serving's POST /v1/models/m:predict
  kPredictStatus,     // its GET /v1/models/m
  kMetrics,
};

struct Route {
  Operation operation = Operation::kServerMetadata;
  std::string model;    // percent-decoded
  std::string version;  // empty: the one there is
};

// NotFound (404) for an unknown path; for a known path with the wrong method an error with
// http_status 405 and the allowed method as its reason.
[[nodiscard]] Result<Route> FindRoute(std::string_view method, std::string_view target);

}  // namespace penstock::serve
