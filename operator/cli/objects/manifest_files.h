// Manifest files of the user's and of the component library, decoded, with where each value stands.
// Reads files; any thread.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include "operator/api/approval.h"
#include "operator/api/component.h"
#include "operator/api/manifest.h"
#include "operator/api/model_deployment.h"
#include "operator/api/pipeline_run.h"
#include "operator/base/result.h"
#include "operator/cli/objects/session.h"

namespace penstock::cli {

// One thing that is wrong, or to be known, with its place in a file.
struct Problem {
  std::string file;
  int line = 0;      // 0: of the file as a whole
  std::string path;  // "spec.steps[2].inputs.train", may be empty
  std::string message;
};
// "file:line: path: message".
[[nodiscard]] std::string Describe(const Problem& problem);

// With the line of the path, and what stands there where YAML reads something else.
[[nodiscard]] Problem ProblemAt(const std::string& file, const api::ManifestDocument& document,
                                const std::string& path, std::string message);

template <typename T>
struct Loaded {
  T value;
  std::string file;
  api::ManifestDocument document;
  std::vector<api::FieldError> errors;  // of decoding; also in Manifests::problems
};

// What a set of files holds. `problems` has every error of reading and decoding.
struct Manifests {
  std::vector<Loaded<api::Pipeline>> pipelines;
  std::vector<Loaded<api::PipelineRun>> runs;
  std::vector<Loaded<api::Component>> components;
  std::vector<Loaded<api::ModelDeployment>> models;
  std::vector<Loaded<api::Approval>> approvals;
  std::vector<Loaded<Json>> others;  // ConfigMaps and whatever else
  std::vector<Problem> problems;
  std::vector<std::string> empty;            // files that hold no document
  std::vector<std::filesystem::path> files;  // that were read
};

// Each path is a file, a folder (its *.yaml, *.yml and *.json, not those below), or "-" for `in`.
// Relative to `directory`; problems name files as the user wrote them.
[[nodiscard]] Manifests LoadManifests(const std::vector<std::string>& paths,
                                      const std::filesystem::path& directory, std::istream& in);

// Of an object that is none of Penstock's; "" where it says none.
[[nodiscard]] std::string KindOf(const Json& object);
[[nodiscard]] std::string NameOf(const Json& object);

// The folder of a file's `code: {path}`.
[[nodiscard]] std::filesystem::path CodeFolder(const std::string& manifest_file,
                                               const std::string& code_path,
                                               const std::filesystem::path& directory);

// The component library of this installation: PENSTOCK_LIBRARY, <prefix>/share/penstock/library, or
// components/ of the source tree that this program was built in. NotFound says where it looked.
[[nodiscard]] Result<std::vector<api::Component>> LoadLibrary(const Session& session);

}  // namespace penstock::cli
