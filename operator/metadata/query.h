// Questions about what ran. Each call opens a reading connection of its own, so that it never
// waits for the writer and may run on any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/metadata/record.h"

namespace penstock::metadata {

// A step that read or wrote an artifact.
struct LineageEdge {
  std::string run_uid;
  std::string run;
  std::string pipeline;
  std::string step;
  std::string direction;  // "in" or "out"
  std::string name;       // of the input or output
  std::string digest;
  std::string uri;
};

struct MetricPoint {
  std::string run;
  std::string step;
  std::string name;
  Json value;
  std::optional<TimePoint> finished;  // of the run
};

class Query {
 public:
  explicit Query(std::filesystem::path path) : path_(std::move(path)) {}

  // Newest first; steps, inputs and outputs are not filled in. Empty `pipeline` = all.
  [[nodiscard]] Result<std::vector<RunRecord>> Runs(const std::string& ns,
                                                    const std::string& pipeline, int limit) const;
  // One run with everything; kNotFound.
  [[nodiscard]] Result<RunRecord> Run(const std::string& ns, const std::string& name) const;
  // The attempts of a run's step, oldest first, as step records without artifacts.
  [[nodiscard]] Result<std::vector<StepRecord>> Attempts(const std::string& run_uid,
                                                         const std::string& step) const;
  // Who wrote and who read this artifact.
  [[nodiscard]] Result<std::vector<LineageEdge>> Lineage(const std::string& ns,
                                                         const std::string& digest) const;
  // Results of a pipeline's runs by name, oldest run first.
  [[nodiscard]] Result<std::vector<MetricPoint>> Metrics(const std::string& ns,
                                                         const std::string& pipeline,
                                                         const std::string& name) const;

 private:
  std::filesystem::path path_;
};

}  // namespace penstock::metadata
