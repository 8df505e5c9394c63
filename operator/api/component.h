// Component: a reusable, versioned, immutable step. Value types.
#pragma once

#include <string>
#include <vector>

#include "operator/api/pipeline.h"

namespace penstock::api {

struct ComponentSpec {
  std::string name;
  std::string version;  // "1.4.0"
  std::string description;
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
  std::vector<ParameterSpec> parameters;
  std::vector<ResultSpec> results;
  std::string
      code_version;   // equal results for equal codeVersion; empty: the image's digest counts
  bool acts = false;  // changes or asks what lies outside: never taken from the cache
  bool service_account_token = false;  // of the library's only: its pod has the step's own token
  ContainerSpec container;
  Json resources;
};

struct Component {
  ObjectMeta meta;
  ComponentSpec spec;
};

}  // namespace penstock::api
