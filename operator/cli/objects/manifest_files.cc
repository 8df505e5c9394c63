#include "operator/cli/objects/manifest_files.h"

#include <algorithm>
#include <iterator>

#include "operator/api/codec.h"
#include "operator/base/file.h"
#include "operator/base/is_there.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/whole_number.h"
#include "operator/protocol/volume_path.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxManifest = 16ULL << 20;

bool IsManifestName(const fs::path& path) {
  const std::string extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

void AddProblems(const std::string& file, const api::ManifestDocument& document,
                 const std::vector<api::FieldError>& errors, std::vector<Problem>& problems) {
  for (const api::FieldError& error : errors) {
    problems.push_back(ProblemAt(file, document, error.path, error.message));
  }
}

template <typename T>
void Keep(const std::string& file, api::ManifestDocument document, api::Decoded<T> decoded,
          std::vector<Loaded<T>>& list, Manifests& all) {
  AddProblems(file, document, decoded.errors, all.problems);
  list.push_back({std::move(decoded.value), file, std::move(document), std::move(decoded.errors)});
}

// Keys of a ConfigMap or Secret become files and variables; Kubernetes takes no others.
void CheckKeys(const std::string& file, const api::ManifestDocument& document, Manifests& all) {
  for (const char* field : {"data", "binaryData", "stringData"}) {
    const auto entries = document.object.find(field);
    if (entries == document.object.end() || !entries->is_object()) continue;
    for (const auto& [key, value] : entries->items()) {
      const std::string why = WhyNoConfigKey(key);
      if (!why.empty()) all.problems.push_back(ProblemAt(file, document, field, why));
    }
  }
}

void AddDocument(const std::string& file, api::ManifestDocument document, Manifests& all) {
  const Json& object = document.object;
  const std::string version = TextAt(object, "apiVersion");
  const std::string kind = KindOf(object);
  if (kind.empty() || version.empty()) {
    all.problems.push_back({file, document.LineOf(""), "", "apiVersion and kind are missing"});
    return;
  }
  if (version.starts_with("penstock.dev/") && version != api::kApiVersion) {
    all.problems.push_back({file, document.LineOf("apiVersion"), "apiVersion",
                            version + " is not known; write " + api::kApiVersion});
    return;
  }
  if (version != api::kApiVersion) {
    if (version == "v1" && (kind == "ConfigMap" || kind == "Secret"))
      CheckKeys(file, document, all);
    Json copy = object;
    all.others.push_back({std::move(copy), file, std::move(document), {}});
    return;
  }
  for (const auto& [path, text] : document.rounded)
    all.problems.push_back({file, document.LineOf(path), path, WhyRounded(text)});
  if (kind == "Pipeline") {
    auto decoded = api::DecodePipeline(object);
    return Keep(file, std::move(document), std::move(decoded), all.pipelines, all);
  }
  if (kind == "PipelineRun") {
    auto decoded = api::DecodePipelineRun(object);
    return Keep(file, std::move(document), std::move(decoded), all.runs, all);
  }
  if (kind == "Component") {
    auto decoded = api::DecodeComponent(object);
    return Keep(file, std::move(document), std::move(decoded), all.components, all);
  }
  if (kind == "ModelDeployment") {
    auto decoded = api::DecodeModelDeployment(object);
    return Keep(file, std::move(document), std::move(decoded), all.models, all);
  }
  if (kind == "Approval") {
    auto decoded = api::DecodeApproval(object);
    return Keep(file, std::move(document), std::move(decoded), all.approvals, all);
  }
  all.problems.push_back(
      {file, document.LineOf("kind"), "kind",
       kind +
           " is not a kind; choose Pipeline, PipelineRun, Component, ModelDeployment or Approval"});
}

void AddText(const std::string& file, const std::string& text, Manifests& all) {
  std::vector<Error> wrong;
  Result<std::vector<api::ManifestDocument>> documents = api::ParseManifests(text, file, &wrong);
  if (!documents) wrong.push_back(documents.error());
  // The messages begin with the source and the line already.
  for (const Error& error : wrong) all.problems.push_back({"", 0, "", error.message});
  if (!documents) return;
  if (documents->empty() && wrong.empty()) all.empty.push_back(file);
  for (api::ManifestDocument& document : *documents) AddDocument(file, std::move(document), all);
}

void AddFile(const std::string& shown, const fs::path& path, Manifests& all) {
  if (!IsUtf8(shown)) {
    all.problems.push_back({plan::Shown(shown), 0, "", "the file's name is not UTF-8"});
    return;
  }
  const Result<std::string> text = ReadFile(path, kMaxManifest);
  if (!text) {
    all.problems.push_back({shown, 0, "", text.error().message});
    return;
  }
  all.files.push_back(path);
  AddText(shown, *text, all);
}

// A hidden link that leads nowhere: so an editor marks a file that it holds.
bool IsEditorsLock(const fs::path& path, const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory &&
         path.filename().string().starts_with(".#");
}

// What is no regular file and cannot be looked at is read, and says why not.
std::vector<fs::path> FilesOf(const std::string& shown, const fs::path& folder, Manifests& all) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code hidden;
    const bool is_file = it->is_regular_file(hidden);
    if (is_file || (hidden && !IsEditorsLock(it->path(), hidden))) {
      if (IsManifestName(it->path())) files.push_back(it->path());
    }
  }
  if (error)
    all.problems.push_back({shown, 0, "", "the folder cannot be read: " + error.message()});
  std::sort(files.begin(), files.end());
  return files;
}

// The folder's component manifests: "*.yaml" in it and "component.yaml" one level below.
std::vector<fs::path> LibraryFiles(const fs::path& folder, Manifests& all) {
  const Result<bool> there = IsThere(folder);
  if (!there) all.problems.push_back({folder.string(), 0, "", there.error().message});
  if (!there || !*there) return {};
  std::vector<fs::path> files = FilesOf(folder.string(), folder, all);
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path file = it->path() / "component.yaml";
    const Result<bool> has = IsThere(file);
    if (!has || *has) files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> LibraryFolders(const Session& session) {
  if (const std::string folder = session.Env("PENSTOCK_LIBRARY"); !folder.empty()) return {folder};
  const fs::path bin = session.program.parent_path();
  std::vector<fs::path> folders = {bin.parent_path() / "share" / "penstock" / "library"};
  for (fs::path folder = bin; folder != folder.root_path(); folder = folder.parent_path()) {
    std::error_code ignored;
    if (fs::is_directory(folder / "components" / "sdk", ignored)) {
      folders.push_back(folder / "components");
    }
  }
  return folders;
}

}  // namespace

std::string Describe(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line > 0) text += ":" + std::to_string(problem.line);
  if (!text.empty()) text += ": ";
  if (!problem.path.empty()) text += problem.path + ": ";
  return text + problem.message;
}

Problem ProblemAt(const std::string& file, const api::ManifestDocument& document,
                  const std::string& path, std::string message) {
  if (const auto it = document.written.find(path); it != document.written.end()) {
    message += " (the file says " + it->second + "; in quotes it is that text)";
  }
  return {file, document.LineOf(path), path, std::move(message)};
}

Manifests LoadManifests(const std::vector<std::string>& paths, const fs::path& directory,
                        std::istream& in) {
  Manifests all;
  for (const std::string& shown : paths) {
    if (shown == "-") {
      AddText("stdin", std::string(std::istreambuf_iterator<char>(in), {}), all);
      continue;
    }
    const fs::path path = directory / shown;
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) {
      AddFile(shown, path, all);
      continue;
    }
    const std::size_t before = all.problems.size();
    const std::vector<fs::path> files = FilesOf(shown, path, all);
    if (files.empty() && all.problems.size() == before) {
      all.problems.push_back({shown, 0, "", "the folder has no .yaml, .yml or .json file"});
    }
    for (const fs::path& file : files) AddFile((fs::path(shown) / file.filename()), file, all);
  }
  return all;
}

std::string KindOf(const Json& object) { return TextAt(object, "kind"); }

std::string NameOf(const Json& object) { return api::DecodeMeta(object).name; }

fs::path CodeFolder(const std::string& manifest_file, const std::string& code_path,
                    const fs::path& directory) {
  return (directory / fs::path(manifest_file).parent_path() / code_path).lexically_normal();
}

Result<std::vector<api::Component>> LoadLibrary(const Session& session) {
  std::string looked;
  for (const fs::path& folder : LibraryFolders(session)) {
    Manifests found;
    for (const fs::path& file : LibraryFiles(folder, found)) AddFile(file.string(), file, found);
    looked += (looked.empty() ? "" : ", ") + folder.string();
    if (!found.problems.empty()) {
      return Invalid("component library: " + Describe(found.problems.front()));
    }
    if (found.components.empty()) continue;
    std::vector<api::Component> components;
    for (auto& loaded : found.components) components.push_back(std::move(loaded.value));
    return components;
  }
  return NotFound("no component library in " + looked +
                  "; set PENSTOCK_LIBRARY to the folder of its manifests");
}

}  // namespace penstock::cli
