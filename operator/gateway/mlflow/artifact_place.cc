#include "operator/gateway/mlflow/artifact_place.h"

#include <algorithm>
#include <string_view>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/net/url.h"

namespace penstock::gateway {
namespace {

constexpr std::size_t kMostFiles = 2'000;  // of one run or model
constexpr std::size_t kLongestPath = 1'024, kLongestPart = 255;
constexpr const char* kPlaces =
    "{experiment}/{run}/artifacts/{path} or {experiment}/models/{model}/artifacts/{path}";

bool IsName(std::string_view name) {
  if (name.empty() || name.size() > kLongestPart || name == "." || name == "..") return false;
  // A backslash parts folders on some machines.
  for (const unsigned char c : name)
    if (c < 0x20 || c == 0x7F || c == '\\') return false;
  return true;
}

// MLflow's client quotes no name that it asks for, decodes those of a list once more, and refuses
// all of a list that holds a '#': such a file would hide those beside it, or lead to another.
bool IsReadable(const std::string& name) {
  if (name.find_first_of("#?") != std::string::npos) return false;
  const auto decoded = net::UrlDecode(name);
  return !decoded || *decoded == name;
}

// Takes the first part off.
std::string TakePart(std::string& rest) {
  const auto slash = std::min(rest.find('/'), rest.size());
  std::string part = rest.substr(0, slash);
  rest.erase(0, std::min(slash + 1, rest.size()));
  return part;
}

Result<void> CheckPath(const std::string& path) {
  if (path.size() > kLongestPath)
    return Invalid("the path of a file is over " + std::to_string(kLongestPath) + " bytes");
  for (std::size_t begin = 0; begin < path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    if (!IsName(name)) return Invalid(plan::Shown(path, 200) + ": cannot be the path of a file");
    if (!IsReadable(name))
      return Invalid(plan::Shown(path, 200) +
                     ": MLflow's client cannot read a file whose name holds a '#', a '?' or an "
                     "escape like %2E; give it another name");
    begin = end + 1;
  }
  return {};
}

}  // namespace

std::string ArtifactUriOf(const metadata::TrackedRun& run) {
  return "mlflow-artifacts:/" + run.experiment + "/" + run.record.uid + "/artifacts";
}

std::string ArtifactUriOf(const metadata::LoggedModel& model) {
  return "mlflow-artifacts:/" + model.experiment + "/models/" + model.id + "/artifacts";
}

Result<ArtifactPlace> ParseArtifactPlace(const std::string& text) {
  if (!IsUtf8(text)) return Invalid("the path of a file is no UTF-8");
  std::string rest = text.substr(std::min(text.find_first_not_of('/'), text.size()));
  while (rest.ends_with('/')) rest.pop_back();
  ArtifactPlace place;
  place.experiment = TakePart(rest);
  place.owner = TakePart(rest);
  place.of_model = place.owner == "models";
  if (place.of_model) place.owner = TakePart(rest);
  const std::string folder = TakePart(rest);
  if (!IsName(place.experiment) || !IsName(place.owner) || folder != "artifacts")
    return Invalid(plan::Shown(text, 200) + ": the place of a file is " + kPlaces);
  PENSTOCK_TRY(CheckPath(rest));
  place.path = rest;
  return place;
}

ArtifactOwner OwnerOf(const metadata::TrackedRun& run) {
  return {
      "the run " + run.record.uid, ArtifactUriOf(run), run.record.uid, "", run.files, run.deleted};
}

ArtifactOwner OwnerOf(const metadata::LoggedModel& model) {
  return {"the logged model " + model.id,
          ArtifactUriOf(model),
          model.run,
          model.id,
          model.files,
          model.deleted};
}

Result<ArtifactOwner> FindOwner(const MlflowParts& parts, const std::string& ns,
                                const ArtifactPlace& place) {
  std::string experiment;
  ArtifactOwner owner;
  if (place.of_model) {
    PENSTOCK_ASSIGN(const auto model, metadata::LoggedModels(*parts.tracking).Get(ns, place.owner));
    experiment = model.experiment;
    owner = OwnerOf(model);
  } else {
    PENSTOCK_ASSIGN(const auto run, parts.tracking->Get(ns, place.owner));
    experiment = run.experiment;
    owner = OwnerOf(run);
  }
  if (experiment == place.experiment) return owner;
  return NotFound(owner.what + " is not of the experiment " + plan::Shown(place.experiment, 80));
}

Result<void> CheckStands(const ArtifactOwner& owner) {
  if (!owner.deleted) return {};
  return Invalid(owner.what + " is deleted" +
                 (owner.model.empty() ? "; restore it first" : "; log another one"));
}

Json FilesBelow(const metadata::TrackedFiles& all, const std::string& path) {
  const std::string folder = path.empty() ? "" : path + "/";
  Json files = Json::array();
  std::string last;  // folder; what it holds comes one after the other
  for (auto at = all.lower_bound(folder); at != all.end() && at->first.starts_with(folder); ++at) {
    const std::string rest = at->first.substr(folder.size());
    const auto slash = rest.find('/');
    if (slash == std::string::npos) {
      files.push_back({{"path", rest}, {"is_dir", false}, {"file_size", at->second.bytes}});
    } else if (rest.substr(0, slash) != last) {
      last = rest.substr(0, slash);
      files.push_back({{"path", last}, {"is_dir", true}});
    }
  }
  return {{"files", std::move(files)}};
}

bool HoldsFile(const metadata::TrackedFiles& files, const std::string& path) {
  if (path.empty()) return !files.empty();
  if (files.contains(path)) return true;
  const auto below = files.lower_bound(path + "/");
  return below != files.end() && below->first.starts_with(path + "/");
}

Result<void> AddFile(metadata::TrackedFiles& files, const std::string& path,
                     const metadata::TrackedFile& file) {
  const auto below = files.lower_bound(path + "/");
  if (below != files.end() && below->first.starts_with(path + "/"))
    return Invalid(plan::Shown(path, 200) + " is a folder of the files there");
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (files.contains(path.substr(0, slash)))
      return Invalid(plan::Shown(path.substr(0, slash), 200) + " is a file there, no folder");
  files[path] = file;
  if (files.size() > kMostFiles)
    return Invalid("a run or a model has at most " + std::to_string(kMostFiles) +
                   " files; log a folder of many as one archive");
  return {};
}

}  // namespace penstock::gateway
