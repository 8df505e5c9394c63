// The ConfigMaps and Secrets that a Pipeline names: its steps in env, envFrom, volumes and code,
// its parameters in valueFrom. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/pipeline.h"

namespace penstock::cli {

struct ConfigRef {
  bool secret = false;
  std::string name;
  std::vector<std::string> keys;  // that are asked for; empty: all that there are
  bool optional = false;
  std::string step;
  std::string path;         // "spec.steps[0].volumes[1]"
  std::string parameter{};  // in place of a step: what comes from there where a run gives none
};

[[nodiscard]] std::vector<ConfigRef> ConfigRefsOf(const api::PipelineSpec& spec);

}  // namespace penstock::cli
