// Which operation a request target names, and by which method. Pure.
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

// NotFound for an unknown path.
[[nodiscard]] Result<Route> FindRoute(std::string_view target);

// The method that an operation is asked for with; HEAD may stand for GET.
[[nodiscard]] const char* MethodOf(Operation operation);
[[nodiscard]] bool Takes(Operation operation, std::string_view method);

}  // namespace penstock::serve
