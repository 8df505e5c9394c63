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
  std::string fingerprint = {};  // of an outside source, as it was read
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

// How many steps stand how.
struct StepCounts {
  int total = 0, succeeded = 0, failed = 0, running = 0, cached = 0, skipped = 0;
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
  // What lists of runs show.
  std::string phase;   // Pending, Suspended, Running, Succeeded, Failed, Cancelled, Invalid
  std::string reason;  // CamelCase, of `phase` or of what holds it up
  std::string step;    // that the reason is about
  std::string cause;   // why the operator made it; empty: somebody did by hand
  std::string user;    // who asked for it, where the API server said so
  std::map<std::string, std::string> labels;
  StepCounts counts;
  // Of a run that has ended: the PipelineRun and the ControllerRevision that it was pinned to, as
  // JSON, so that its story answers when both are deleted. Empty: not kept.
  std::string object;
  std::string spec;
};

}  // namespace penstock::metadata
