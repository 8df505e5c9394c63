// The ConfigMaps and Secrets that a Pipeline's steps name: in env, envFrom, volumes and code. Pure.
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
  std::string path;  // "spec.steps[0].volumes[1]"
};

[[nodiscard]] std::vector<ConfigRef> ConfigRefsOf(const api::PipelineSpec& spec);

}  // namespace penstock::cli
