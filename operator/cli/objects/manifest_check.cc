#include "operator/cli/objects/manifest_check.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "operator/api/gate.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/plan/locks/lock_words.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/resolve/step_interfaces.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/protocol/requirements.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

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
  // Others may stand in the cluster already.
  around.knows_pipelines = false;
  around.pipeline = [&](const std::string& name, bool of_library) {
    std::shared_ptr<const api::Pipeline> found;
    for (const auto& loaded : manifests.pipelines) {
      const auto label = loaded.value.meta.labels.find("penstock.dev/library");
      const bool is_library = label != loaded.value.meta.labels.end() && label->second == "true";
      if (loaded.value.meta.name == name && is_library == of_library)
        found = std::make_shared<const api::Pipeline>(loaded.value);
    }
    return found;
  };
  around.pipeline_output = [](const std::string&, const std::string&) {
    return std::optional<api::PublishedOutput>();
  };
  around.code = [](const api::CodeSpec&) { return std::optional<ArtifactRef>(); };
  // Whether registries may be asked is the operator's to say; that it must is a warning.
  around.image = [](const std::string&) { return std::optional<plan::ImageProgram>(); };
  return around;
}

bool IsAtOrBelow(const std::string& path, const std::string& parent) {
  if (!path.starts_with(parent)) return false;
  return parent.empty() || path.size() == parent.size() || path[parent.size()] == '.' ||
         path[parent.size()] == '[';
}

// Whether a finding at `path` only follows from what could not be decoded at `undecoded`.
bool Follows(const std::string& path, const std::string& undecoded) {
  if (IsAtOrBelow(path, undecoded)) return true;
  // Which Component is meant is not known.
  if (path.ends_with(".component") && IsAtOrBelow(undecoded, path)) return true;
  // Without its type nothing can be said of a declaration's values.
  constexpr std::string_view kType = ".type";
  return undecoded.ends_with(kType) &&
         IsAtOrBelow(path, undecoded.substr(0, undecoded.size() - kType.size()));
}

// y, No, off: YAML's other booleans.
bool IsWord(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalpha(c) != 0; });
}

class Check {
 public:
  Check(const plan::Surroundings& around, const fs::path& directory, std::vector<Problem>& problems,
        std::vector<Problem>& warnings)
      : around_(around), directory_(directory), problems_(problems), warnings_(warnings) {}

  // `prefix` is where the spec stands in the document.
  template <typename T>
  void Spec(const api::PipelineSpec& spec, const Loaded<T>& loaded, const std::string& prefix) {
    plan::Resolution checked = plan::Check(spec, around_);
    for (const api::FieldError& error : checked.errors) {
      // Resolve's paths begin at "spec."; an inline spec stands deeper.
      Tell(loaded, error.path.starts_with("spec") ? prefix + error.path.substr(4) : error.path,
           error.message);
    }
    for (const std::string& warning : checked.warnings) {
      warnings_.push_back({loaded.file, loaded.document.LineOf(prefix), "", warning});
    }
    CodeFolders(spec, loaded, prefix);
  }

  // The values that a run gives to what `declared` says.
  void Given(const Loaded<api::PipelineRun>& run, const std::vector<api::ParameterSpec>& declared) {
    for (const api::FieldError& error : plan::CheckGiven(declared, run.value.spec.parameters)) {
      Tell(run, error.path, error.message);
    }
  }

  // That the Pipelines of the files do not run each other without end.
  void Endless(const Loaded<api::Pipeline>& loaded) {
    const std::string way =
        plan::EndlessNesting(loaded.value.meta.name, loaded.value.spec, around_);
    if (!way.empty()) Tell(loaded, "spec.steps", plan::EndlessMessage(way));
  }

  // What YAML does not read as it is written, where only the program that gets it could object:
  // names, and items of lists.
  template <typename T>
  void Words(const std::vector<Loaded<T>>& list) {
    const auto warn = [&](const Loaded<T>& loaded, const std::string& path, const std::string& text,
                          const char* what) {
      warnings_.push_back({loaded.file, loaded.document.LineOf(path), path,
                           std::string(what) + " is written " + text +
                               ", which YAML takes for something else; put it in quotes"});
    };
    for (const auto& loaded : list) {
      for (const auto& [path, text] : loaded.document.written_names) {
        warn(loaded, path, text, "the name");
      }
      for (const auto& [path, text] : loaded.document.written) {
        const bool told =
            std::any_of(problems_.begin(), problems_.end(), [&, &path = path](const Problem& p) {
              return p.file == loaded.file && p.path == path;
            });
        if (path.ends_with(']') && IsWord(text) && !told) warn(loaded, path, text, "the item");
      }
    }
  }

 private:
  template <typename T>
  void Tell(const Loaded<T>& loaded, const std::string& path, const std::string& message) {
    const bool follows =
        std::any_of(loaded.errors.begin(), loaded.errors.end(),
                    [&](const api::FieldError& e) { return Follows(path, e.path); });
    if (loaded.document.rounded.contains(path)) return;  // it has been told
    if (!follows) problems_.push_back(ProblemAt(loaded.file, loaded.document, path, message));
  }

  template <typename T>
  void CodeFolders(const api::PipelineSpec& spec, const Loaded<T>& loaded,
                   const std::string& prefix) {
    api::ForEachStep(spec, prefix, [&](const api::StepSpec& step, const std::string& path) {
      if (!step.container || !step.container->code || step.container->code->path.empty()) return;
      const fs::path folder = CodeFolder(loaded.file, step.container->code->path, directory_);
      std::error_code ignored;
      if (!fs::is_directory(folder, ignored))
        return Tell(loaded, path + ".container.code.path", "there is no folder " + folder.string());
      const auto& requirements = step.container->code->requirements;
      if (!requirements || CheckRequirementsPath(requirements->file)) return;
      if (const auto wrong = WrongLock(folder, requirements->file))
        Tell(loaded, path + ".container.code.requirements.file", *wrong);
    });
  }

  const plan::Surroundings& around_;
  const fs::path& directory_;
  std::vector<Problem>& problems_;
  std::vector<Problem>& warnings_;
};

const api::PipelineSpec* SpecOf(const Manifests& manifests, const api::PipelineRun& run) {
  if (run.spec.pipeline_spec) return &*run.spec.pipeline_spec;
  for (const auto& pipeline : manifests.pipelines) {
    if (pipeline.value.meta.name == run.spec.pipeline_ref) return &pipeline.value.spec;
  }
  return nullptr;
}

void FindTwins(const std::vector<Loaded<api::Pipeline>>& pipelines,
               std::vector<Problem>& problems) {
  std::set<std::string> names;
  for (const auto& loaded : pipelines) {
    if (names.insert(loaded.value.meta.namespace_ + "/" + loaded.value.meta.name).second) continue;
    problems.push_back(
        ProblemAt(loaded.file, loaded.document, "metadata.name",
                  "Pipeline " + loaded.value.meta.name + " stands here a second time"));
  }
}

// The sizes of locks: what lets nobody in is told before it does.
void CheckLockSizes(const std::vector<Loaded<Json>>& others, std::vector<Problem>& problems) {
  for (const auto& loaded : others) {
    if (KindOf(loaded.value) != "ConfigMap" || NameOf(loaded.value) != api::kLockSizes) continue;
    const Json data = loaded.value.value("data", Json::object());
    if (!data.is_object()) continue;  // the API server's to say
    std::map<std::string, std::string> sizes;
    for (const auto& [name, size] : data.items())
      sizes[name] = size.is_string() ? size.get<std::string>() : size.dump();
    for (const auto& [name, size] : data.items()) {
      const plan::LockSize known = plan::LockSizeOf(name, sizes);
      const std::string path = api::ChildPath("data", name);
      if (!known.wrong.empty())
        problems.push_back(ProblemAt(loaded.file, loaded.document, path, known.wrong));
      else if (!size.is_string())
        problems.push_back(
            ProblemAt(loaded.file, loaded.document, path, "must be a string; put it in quotes"));
    }
  }
}

}  // namespace

std::optional<std::string> WrongLock(const fs::path& folder, const std::string& file) {
  const auto text = ReadFile(folder / file, kMaxRequirementsBytes);
  if (!text) return text.error().message;
  const auto wrong = CheckRequirements(*text);
  if (wrong.empty()) return std::nullopt;
  return (folder / file).string() + ": " + Describe(wrong);
}

std::vector<Problem> CheckManifests(const Manifests& manifests,
                                    const std::vector<api::Component>& library,
                                    const fs::path& directory, std::vector<Problem>& warnings) {
  std::vector<Problem> problems = manifests.problems;
  const plan::Surroundings around = Around(manifests, library);
  Check check(around, directory, problems, warnings);
  for (const auto& loaded : manifests.pipelines) {
    check.Spec(loaded.value.spec, loaded, "spec");
    check.Endless(loaded);
  }
  FindTwins(manifests.pipelines, problems);
  CheckLockSizes(manifests.others, problems);
  for (const auto& loaded : manifests.runs) {
    if (loaded.value.spec.pipeline_spec) {
      check.Spec(*loaded.value.spec.pipeline_spec, loaded, "spec.pipelineSpec");
    }
    const api::PipelineSpec* spec = SpecOf(manifests, loaded.value);
    if (spec != nullptr) check.Given(loaded, spec->parameters);
  }
  check.Words(manifests.pipelines);
  check.Words(manifests.runs);
  check.Words(manifests.components);
  check.Words(manifests.models);
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line) < std::tie(b.file, b.line);
  });
  return problems;
}

}  // namespace penstock::cli
