// Who asks of MLflow's API and may, and its answers: what all its routes share.
#pragma once

#include <optional>
#include <string>

#include "operator/gateway/api/access.h"
#include "operator/gateway/mlflow/mlflow_routes.h"
#include "operator/gateway/router.h"

namespace penstock::gateway {

// {"error_code", "message"}.
void RespondMlflow(Exchange& x, int status, const char* code, const std::string& message,
                   const Headers& headers = {});
void RespondMlflow(Exchange& x, const Error& error);

// Who may do this to PipelineRuns of the namespace; none: he is answered.
[[nodiscard]] std::optional<Caller> AllowedCaller(const MlflowParts& parts, Exchange& x,
                                                  const std::string& ns, const char* verb);

}  // namespace penstock::gateway
