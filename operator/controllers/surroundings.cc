#include "operator/controllers/surroundings.h"

namespace penstock::controllers {
namespace {

constexpr const char* kLabelLibrary = "penstock.dev/library";
// These stand in the library's components for the images of this installation. A Component never
// changes, whereas registry and tag do with every upgrade; its codeVersion says which code it is.
constexpr const char* kLibraryImage = "penstock/components";
constexpr const char* kGitImage = "penstock/git";

// The image of this installation that `image` stands for; itself where it is none of ours.
std::string ImageFor(const std::string& image, const Settings& settings) {
  if (image == kLibraryImage && !settings.library_image.empty()) return settings.library_image;
  if (image == kGitImage && !settings.git_image.empty()) return settings.git_image;
  return image;
}

std::shared_ptr<const api::Pipeline> PipelineOf(const Context& context, const std::string& ns,
                                                const std::string& name, bool library) {
  const auto& where = library ? context.settings.library_namespace : ns;
  auto found = context.snapshots.pipelines.Get({where, name});
  return found != nullptr && library && !IsOfLibrary(found->meta) ? nullptr : found;
}

std::vector<api::Component> Components(const Context& context, const std::string& ns,
                                       const std::string& name, bool library) {
  std::vector<api::Component> found;
  const auto& where = library ? context.settings.library_namespace : ns;
  for (const auto& component : context.snapshots.components.List(where)) {
    if (component->spec.name != name) continue;
    if (library && !IsOfLibrary(component->meta)) continue;
    found.push_back(*component);
    std::string& image = found.back().spec.container.image;
    if (library) image = ImageFor(image, context.settings);
  }
  return found;
}

}  // namespace

bool IsOfLibrary(const api::ObjectMeta& meta) {
  const auto label = meta.labels.find(kLabelLibrary);
  return label != meta.labels.end() && label->second == "true";
}

plan::Surroundings SurroundingsOf(const Context& context, const std::string& ns) {
  plan::Surroundings around;
  around.components = [&context, ns](const std::string& name, bool library) {
    return Components(context, ns, name, library);
  };
  around.pipeline = [&context, ns](const std::string& name, bool library) {
    return PipelineOf(context, ns, name, library);
  };
  around.pipeline_output = [&context, ns](
                               const std::string& pipeline,
                               const std::string& output) -> std::optional<api::PublishedOutput> {
    const auto object = context.snapshots.pipelines.Get({ns, pipeline});
    if (object == nullptr) return std::nullopt;
    for (const api::PublishedOutput& published : object->status.outputs) {
      if (published.name == output) return published;
    }
    return std::nullopt;
  };
  around.code = [](const api::CodeSpec&) { return std::optional<ArtifactRef>(); };
  around.local = context.settings.local_files;
  around.pod_fields = context.settings.pod_fields;
  if (context.settings.ask_registries)
    around.image = [](const std::string&) { return std::optional<plan::ImageProgram>(); };
  return around;
}

}  // namespace penstock::controllers
