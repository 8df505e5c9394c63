// Files that programs log with a run, as MLflow's server hands them on for its clients
// (mlflow-artifacts:/{experiment}/{run}/artifacts), at
// /mlflow/{ns}/api/2.0/mlflow-artifacts/artifacts:
//
//   PUT, GET /{experiment}/{run}/artifacts/{path}      a file
//   GET      ?path={experiment}/{run}/artifacts/{path} what a folder holds
//
// Bytes go to the namespace's artifact store, as any blob there, by way of a file of its scratch;
// which file of a run is which blob stands in the run (metadata/tracking.h). Nothing is deleted.
#pragma once

#include <string>
#include <string_view>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/gateway/mlflow/mlflow_routes.h"
#include "operator/gateway/router.h"
#include "operator/metadata/tracking.h"

namespace penstock::gateway {

void AddMlflowArtifacts(Router& router, const MlflowParts& parts);

// "mlflow-artifacts:/{experiment}/{run}/artifacts".
[[nodiscard]] std::string ArtifactUriOf(const metadata::TrackedRun& run);

// Where a path of the API leads.
struct ArtifactPlace {
  std::string experiment;
  std::string run;
  std::string path;  // within the run's files; "": all of them
};
// Of "{experiment}/{run}/artifacts[/{path}]", decoded. Invalid for anything else, and for what
// cannot be a file's name on whoever's machine it is downloaded to.
[[nodiscard]] Result<ArtifactPlace> ParseArtifactPlace(const std::string& text);

// {"files": [{"path", "is_dir", "file_size"}]}: the names directly below `path`; none below a file.
[[nodiscard]] Json FilesBelow(const metadata::TrackedRun& run, const std::string& path);

// Puts a file into the run, in place of one of the same path. Invalid where its path is a folder,
// or goes on behind a file.
[[nodiscard]] Result<void> AddFile(metadata::TrackedRun& run, const std::string& path,
                                   const metadata::TrackedFile& file);

}  // namespace penstock::gateway
