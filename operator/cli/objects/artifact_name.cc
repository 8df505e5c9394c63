#include "operator/cli/objects/artifact_name.h"

#include <vector>

#include "operator/base/json.h"

namespace penstock::cli {
namespace {

std::vector<std::string> SplitSlashes(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0;;) {
    const std::size_t slash = text.find('/', start);
    parts.push_back(text.substr(start, slash - start));
    if (slash == std::string::npos) return parts;
    start = slash + 1;
  }
}

// Of a Pipeline or a run that published nothing.
constexpr const char* kOfAStep =
    "; RUN/STEP/OUTPUT names one of a step; `penstock artifact ls` lists them";

Result<ArtifactRef> OutputOf(const Json& owner, const std::string& name, const std::string& what,
                             const std::string& otherwise = kOfAStep) {
  std::string names;
  for (const Json& output : owner.value("outputs", Json::array())) {
    const std::string one = output.value("name", "");
    if (one == name || (name.empty() && owner["outputs"].size() == 1)) {
      return ArtifactRef{output.value("digest", ""), output.value("folder", false),
                         output.value("bytes", std::uint64_t{0})};
    }
    names += (names.empty() ? "" : ", ") + one;
  }
  if (names.empty()) return NotFound(what + " has no outputs" + otherwise);
  return NotFound(what + (name.empty() ? " has more than one output" : " has no output " + name) +
                  "; it has " + names);
}

Result<ArtifactRef> OutputOfStep(const Json& run, const std::string& run_name,
                                 const std::string& step, const std::string& output) {
  for (const Json& entry : run.value("status", Json::object()).value("steps", Json::array())) {
    if (entry.value("name", "") == step) {
      return OutputOf(entry, output, "step " + step + " of " + run_name, "");
    }
  }
  return NotFound("run " + run_name + " has no step " + step);
}

}  // namespace

Result<ArtifactRef> FindOutput(const std::string& name, const ObjectLookup& lookup) {
  const std::vector<std::string> parts = SplitSlashes(name);
  if (parts.size() > 3) {
    return Invalid("\"" + name +
                   "\" names no artifact; write sha256:<hex>, RUN/STEP/OUTPUT, "
                   "PIPELINE/OUTPUT or PIPELINE");
  }
  if (parts.size() == 3) {
    const Result<Json> run = lookup.run(parts[0]);
    if (!run) return run.error();
    return OutputOfStep(*run, parts[0], parts[1], parts[2]);
  }
  const std::string output = parts.size() == 2 ? parts[1] : "";
  const Result<Json> pipeline = lookup.pipeline(parts[0]);
  if (pipeline) {
    return OutputOf(pipeline->value("status", Json::object()), output, "Pipeline " + parts[0]);
  }
  if (pipeline.error().kind != ErrorKind::kNotFound) return pipeline.error();
  const Result<Json> run = lookup.run(parts[0]);
  if (!run) return run.error();
  return OutputOf(run->value("status", Json::object()), output, "run " + parts[0]);
}

}  // namespace penstock::cli
