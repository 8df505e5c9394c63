#include "operator/cli/objects/manifest_files.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "operator/api/codec.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/plan/resolve/resolve.h"

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
    problems.push_back({file, document.LineOf(error.path), error.path, error.message});
  }
}

template <typename T>
void Keep(const std::string& file, api::ManifestDocument document, api::Decoded<T> decoded,
          std::vector<Loaded<T>>& list, Manifests& all) {
  AddProblems(file, document, decoded.errors, all.problems);
  list.push_back({std::move(decoded.value), file, std::move(document)});
}

void AddDocument(const std::string& file, api::ManifestDocument document, Manifests& all) {
  const Json& object = document.object;
  const std::string version = object.is_object() ? object.value("apiVersion", "") : "";
  const std::string kind = object.is_object() ? object.value("kind", "") : "";
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
    Json copy = object;
    all.others.push_back({std::move(copy), file, std::move(document)});
    return;
  }
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
  all.problems.push_back(
      {file, document.LineOf("kind"), "kind",
       kind + " is not a kind; choose Pipeline, PipelineRun, Component or ModelDeployment"});
}

void AddText(const std::string& file, const std::string& text, Manifests& all) {
  Result<std::vector<api::ManifestDocument>> documents = api::ParseManifests(text, file);
  if (!documents) {
    // The message begins with the source and the line already.
    all.problems.push_back({"", 0, "", documents.error().message});
    return;
  }
  for (api::ManifestDocument& document : *documents) AddDocument(file, std::move(document), all);
}

void AddFile(const std::string& shown, const fs::path& path, Manifests& all) {
  const Result<std::string> text = ReadFile(path, kMaxManifest);
  if (!text) {
    all.problems.push_back({shown, 0, "", text.error().message});
    return;
  }
  all.files.push_back(path);
  AddText(shown, *text, all);
}

std::vector<fs::path> FilesOf(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error) && IsManifestName(it->path())) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The folder's component manifests: "*.yaml" in it and "component.yaml" one level below.
std::vector<fs::path> LibraryFiles(const fs::path& folder) {
  std::vector<fs::path> files = FilesOf(folder);
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path file = it->path() / "component.yaml";
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored)) files.push_back(file);
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

plan::Surroundings Around(const Manifests& manifests, const std::vector<api::Component>& library) {
  plan::Surroundings around;
  around.components = [&](const std::string& name, bool of_library) {
    std::vector<api::Component> found;
    if (of_library) {
      std::copy_if(library.begin(), library.end(), std::back_inserter(found),
                   [&](const api::Component& c) { return c.spec.name == name; });
      return found;
    }
    for (const auto& loaded : manifests.components) {
      if (loaded.value.spec.name == name) found.push_back(loaded.value);
    }
    return found;
  };
  around.pipeline_output = [](const std::string&, const std::string&) {
    return std::optional<api::PublishedOutput>();
  };
  around.code = [](const api::CodeSpec&) { return std::optional<ArtifactRef>(); };
  return around;
}

void CheckSpec(const api::PipelineSpec& spec, const std::string& file,
               const api::ManifestDocument& document, const std::string& prefix,
               const plan::Surroundings& around, const fs::path& directory,
               std::vector<Problem>& problems, std::vector<Problem>& warnings) {
  // Resolve's paths begin at "spec."; an inline spec stands deeper.
  const auto place = [&](const std::string& path) {
    return path.starts_with("spec") ? prefix + path.substr(4) : path;
  };
  plan::Resolution checked = plan::Check(spec, around);
  for (api::FieldError& error : checked.errors) error.path = place(error.path);
  AddProblems(file, document, checked.errors, problems);
  for (const std::string& warning : checked.warnings) {
    warnings.push_back({file, document.LineOf(prefix), "", warning});
  }
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    const api::StepSpec& step = spec.steps[i];
    if (!step.container || !step.container->code || step.container->code->path.empty()) continue;
    const fs::path folder = CodeFolder(file, step.container->code->path, directory);
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) continue;
    const std::string path = prefix + ".steps[" + std::to_string(i) + "].container.code.path";
    problems.push_back(
        {file, document.LineOf(path), path, "there is no folder " + folder.string()});
  }
}

}  // namespace

std::string Describe(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line > 0) text += ":" + std::to_string(problem.line);
  if (!text.empty()) text += ": ";
  if (!problem.path.empty()) text += problem.path + ": ";
  return text + problem.message;
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
    const std::vector<fs::path> files = FilesOf(path);
    if (files.empty()) {
      all.problems.push_back({shown, 0, "", "the folder has no .yaml, .yml or .json file"});
    }
    for (const fs::path& file : files) AddFile((fs::path(shown) / file.filename()), file, all);
  }
  return all;
}

fs::path CodeFolder(const std::string& manifest_file, const std::string& code_path,
                    const fs::path& directory) {
  return (directory / fs::path(manifest_file).parent_path() / code_path).lexically_normal();
}

Result<std::vector<api::Component>> LoadLibrary(const Session& session) {
  std::string looked;
  for (const fs::path& folder : LibraryFolders(session)) {
    Manifests found;
    for (const fs::path& file : LibraryFiles(folder)) AddFile(file.string(), file, found);
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

std::vector<Problem> CheckManifests(const Manifests& manifests,
                                    const std::vector<api::Component>& library,
                                    const fs::path& directory, std::vector<Problem>& warnings) {
  std::vector<Problem> problems = manifests.problems;
  std::set<std::pair<std::string, int>> undecoded;  // a second error of the same line says less
  for (const Problem& problem : problems) undecoded.insert({problem.file, problem.line});
  const plan::Surroundings around = Around(manifests, library);
  std::vector<Problem> found;
  for (const auto& loaded : manifests.pipelines) {
    CheckSpec(loaded.value.spec, loaded.file, loaded.document, "spec", around, directory, found,
              warnings);
  }
  std::set<std::string> names;
  for (const auto& loaded : manifests.pipelines) {
    if (names.insert(loaded.value.meta.namespace_ + "/" + loaded.value.meta.name).second) continue;
    found.push_back({loaded.file, loaded.document.LineOf("metadata.name"), "metadata.name",
                     "Pipeline " + loaded.value.meta.name + " stands here a second time"});
  }
  for (const auto& loaded : manifests.runs) {
    if (!loaded.value.spec.pipeline_spec) continue;
    CheckSpec(*loaded.value.spec.pipeline_spec, loaded.file, loaded.document, "spec.pipelineSpec",
              around, directory, found, warnings);
  }
  for (Problem& problem : found) {
    if (problem.line > 0 && undecoded.contains({problem.file, problem.line})) continue;
    problems.push_back(std::move(problem));
  }
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line) < std::tie(b.file, b.line);
  });
  return problems;
}

}  // namespace penstock::cli
