#include "operator/views/run/known_run.h"

#include <algorithm>

#include "operator/api/codec.h"

namespace penstock::views {

const api::StepStatus* KnownRun::Step(const std::string& name) const {
  const auto& steps = run.status.steps;
  const auto it =
      std::find_if(steps.begin(), steps.end(), [&](const auto& s) { return s.name == name; });
  return it == steps.end() ? nullptr : &*it;
}

Result<KnownRun> ReadRun(Json object) {
  auto decoded = api::DecodePipelineRun(object);
  if (!decoded.errors.empty()) {
    return Invalid("run " + api::DecodeMeta(object).name + ": " + api::Describe(decoded.errors));
  }
  return KnownRun{std::move(object), std::move(decoded.value), {}};
}

}  // namespace penstock::views
