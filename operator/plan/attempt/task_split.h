// Divides a task over the pod's annotation (32 KiB) and a ConfigMap (900 KiB). The launcher lays
// the ConfigMap's object over the annotation's: parameters join by name, other fields replace.
// Pure.
#pragma once

#include <string>

#include "operator/protocol/task.h"

namespace penstock::plan {

struct SplitTask {
  std::string document;
  std::string config;  // empty: all of it is in the document
};

// Invalid names the largest field when it does not fit.
[[nodiscard]] Result<SplitTask> Split(const TaskDocument& task);

}  // namespace penstock::plan
