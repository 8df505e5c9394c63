#include "operator/gateway/mlflow/model_source.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/mlflow/artifact_place.h"
#include "operator/metadata/model_registry.h"

namespace penstock::gateway {
namespace {

using metadata::LoggedModels;
using metadata::ModelRegistry;

constexpr std::string_view kRuns = "runs:/", kModels = "models:/", kFiles = "mlflow-artifacts:/";

// Files of the run or logged model, at the path.
Result<ModelSource> FilesOf(const ArtifactOwner& owner, const std::string& path) {
  PENSTOCK_TRY(CheckStands(owner));
  if (!HoldsFile(owner.files, path))
    return Invalid("source: " + owner.what + " has no file" +
                   (path.empty() ? "" : " at " + plan::Shown(path, 200)) +
                   "; log the model's files before it is registered");
  return ModelSource{owner.location + (path.empty() ? "" : "/" + path), owner.run, owner.model};
}

Result<ModelSource> OfPlace(const MlflowCall& call, const std::string& text) {
  PENSTOCK_ASSIGN(const ArtifactPlace place, ParseArtifactPlace(text));
  PENSTOCK_ASSIGN(const ArtifactOwner owner, FindOwner(call.parts, call.ns, place));
  return FilesOf(owner, place.path);
}

// Files of the run's own, else the model that it logged by the name that the path begins with.
Result<ModelSource> OfRun(const MlflowCall& call, const std::string& rest) {
  const auto slash = std::min(rest.find('/'), rest.size());
  const std::string path = rest.substr(std::min(slash + 1, rest.size()));
  PENSTOCK_ASSIGN(const auto run, call.parts.tracking->Get(call.ns, rest.substr(0, slash)));
  PENSTOCK_TRY(CheckStands(run));
  if (HoldsFile(run.files, path))
    return OfPlace(call, run.experiment + "/" + run.record.uid + "/artifacts/" + path);
  const std::string name = path.substr(0, path.find('/'));
  std::optional<metadata::LoggedModel> found;
  std::int64_t furthest = 0;
  for (const auto& [id, step] : run.models) {
    PENSTOCK_ASSIGN(auto model, LoggedModels(*call.parts.tracking).Get(call.ns, id));
    if (model.deleted || model.name != name || (found && step < furthest)) continue;
    furthest = step;
    found = std::move(model);
  }
  if (!found) return FilesOf(OwnerOf(run), path);
  return FilesOf(OwnerOf(*found), path.substr(std::min(name.size() + 1, path.size())));
}

Result<ModelSource> OfModel(const MlflowCall& call, const std::string& rest) {
  ModelRegistry registry(*call.parts.tracking);
  const auto copied = [](const metadata::ModelVersion& v) {
    return ModelSource{v.location, v.run, v.logged_model};
  };
  if (const auto slash = rest.find('/'); slash != std::string::npos) {
    std::int64_t number = 0;
    const char* const end = rest.data() + rest.size();
    const auto read = std::from_chars(rest.data() + slash + 1, end, number);
    if (read.ec != std::errc() || read.ptr != end)
      return Invalid("source: models:/" + plan::Shown(rest, 200) + " names no version by number");
    PENSTOCK_ASSIGN(const auto v, registry.Version(call.ns, rest.substr(0, slash), number));
    return copied(v);
  }
  if (const auto at = rest.rfind('@'); at != std::string::npos) {
    PENSTOCK_ASSIGN(const auto v,
                    registry.OfAlias(call.ns, rest.substr(0, at), rest.substr(at + 1)));
    return copied(v);
  }
  PENSTOCK_ASSIGN(const auto model, LoggedModels(*call.parts.tracking).Get(call.ns, rest));
  return FilesOf(OwnerOf(model), "");
}

Result<ModelSource> Resolve(const MlflowCall& call, const std::string& source) {
  if (source.starts_with(kRuns)) return OfRun(call, source.substr(kRuns.size()));
  if (source.starts_with(kModels)) return OfModel(call, source.substr(kModels.size()));
  if (source.starts_with(kFiles)) return OfPlace(call, source.substr(kFiles.size()));
  return Invalid("source: '" + plan::Shown(source, 200) +
                 "' is none of runs:/, models:/ and mlflow-artifacts:/: what is registered here is "
                 "what was logged here");
}

}  // namespace

Result<ModelSource> FindSource(const MlflowCall& call, const std::string& source,
                               const std::string& run, const std::string& logged_model) {
  PENSTOCK_ASSIGN(ModelSource found, Resolve(call, source));
  if (!run.empty() && !found.run.empty() && run != found.run)
    return Invalid("run_id: the source is of the run " + found.run + ", and not of " +
                   plan::Shown(run, 80));
  if (!logged_model.empty() && logged_model != found.logged_model)
    return Invalid("model_id: the source is not of the logged model " +
                   plan::Shown(logged_model, 80));
  if (run.empty() || !found.run.empty()) return found;
  PENSTOCK_TRY(call.parts.tracking->Get(call.ns, run));
  found.run = run;
  return found;
}

}  // namespace penstock::gateway
