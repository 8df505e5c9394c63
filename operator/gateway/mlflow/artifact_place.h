// Where files that programs log are, of runs and of logged models, as paths of MLflow's API have
// it: "{experiment}/{run}/artifacts/{path}" and "{experiment}/models/{model}/artifacts/{path}".
#pragma once

#include <optional>
#include <string>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/gateway/mlflow/mlflow_routes.h"
#include "operator/metadata/logged_models.h"
#include "operator/metadata/tracking.h"

namespace penstock::gateway {

// "mlflow-artifacts:/{experiment}/..." up to "artifacts".
[[nodiscard]] std::string ArtifactUriOf(const metadata::TrackedRun& run);
[[nodiscard]] std::string ArtifactUriOf(const metadata::LoggedModel& model);

struct ArtifactPlace {
  std::string experiment;
  bool of_model = false;
  std::string owner;  // the id of the run, or of the logged model
  std::string path;   // within its files; "": all of them
};
// Of a path as above, decoded. Invalid for anything else, for what cannot be a file's name on
// whoever's machine it is downloaded to, and for names that MLflow's client cannot read in a list.
[[nodiscard]] Result<ArtifactPlace> ParseArtifactPlace(const std::string& text);

// The run or logged model that a place is in.
struct ArtifactOwner {
  std::string what;        // "the run 1234"
  std::string location;    // ArtifactUriOf
  std::string run, model;  // its id, or that of the run that logged the model; the model's
  metadata::TrackedFiles files;
  bool deleted = false;
};
// kNotFound where there is none, or it is of another experiment.
[[nodiscard]] Result<ArtifactOwner> FindOwner(const MlflowParts& parts, const std::string& ns,
                                              const ArtifactPlace& place);
// Invalid where it is deleted.
[[nodiscard]] Result<void> CheckStands(const ArtifactOwner& owner);
[[nodiscard]] ArtifactOwner OwnerOf(const metadata::TrackedRun& run);
[[nodiscard]] ArtifactOwner OwnerOf(const metadata::LoggedModel& model);

// {"files": [{"path", "is_dir", "file_size"}]}: the names directly below `path`; none below a file.
[[nodiscard]] Json FilesBelow(const metadata::TrackedFiles& files, const std::string& path);
// Whether `path` is a file, or a folder that holds one; "": whether there is any.
[[nodiscard]] bool HoldsFile(const metadata::TrackedFiles& files, const std::string& path);

// Puts a file in, in place of one of the same path. Invalid where its path is a folder, or goes on
// behind a file, and of too many.
[[nodiscard]] Result<void> AddFile(metadata::TrackedFiles& files, const std::string& path,
                                   const metadata::TrackedFile& file);

}  // namespace penstock::gateway
