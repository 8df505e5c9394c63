// What is recorded of a run. Value types; the controllers make them from a run's status.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/time.h"

namespace penstock::metadata {

// An artifact, or an outside source, that a step read or wrote.
struct ArtifactUse {
  std::string name;  // of the input or output
  std::string type;
  std::string digest;  // "sha256:..."; empty for an outside source
  std::string uri;     // of an outside source
  bool folder = false;
  std::uint64_t bytes = 0;
};

struct StepRecord {
  std::string name;
  std::string component;  // "train-1.4.0", or empty
  std::string phase;
  std::string reason;
  int attempt = 0;  // the newest; 0 = none was made
  bool cached = false;
  std::string cache_key;
  std::string pod;  // of the newest attempt
  std::optional<TimePoint> started;
  std::optional<TimePoint> finished;
  std::vector<ArtifactUse> inputs;
  std::vector<ArtifactUse> outputs;
  std::map<std::string, Json> results;
};

// The whole state of a run at one moment. A newer record of the same run replaces an older one.
struct RunRecord {
  std::string uid;
  std::string namespace_;
  std::string name;
  std::string pipeline;
  std::string revision;
  std::string outcome;  // Succeeded, Failed, Cancelled; empty while it runs
  std::string message;
  Json parameters = Json::object();
  std::optional<TimePoint> created;
  std::optional<TimePoint> started;
  std::optional<TimePoint> finished;
  std::vector<StepRecord> steps;
};

}  // namespace penstock::metadata
