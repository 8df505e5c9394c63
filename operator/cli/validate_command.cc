// penstock validate: every error of every file at once, with its line.
#include <ostream>

#include "operator/cli/commands.h"
#include "operator/cli/objects/manifest_files.h"

namespace penstock::cli {
namespace {

std::string Count(std::size_t n, const std::string& word) {
  return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
}

bool NeedsLibrary(const Manifests& manifests) {
  const auto uses = [](const api::PipelineSpec& spec) {
    for (const api::StepSpec& step : spec.steps) {
      if (step.component && step.component->library) return true;
    }
    return false;
  };
  for (const auto& p : manifests.pipelines) {
    if (uses(p.value.spec)) return true;
  }
  for (const auto& r : manifests.runs) {
    if (r.value.spec.pipeline_spec && uses(*r.value.spec.pipeline_spec)) return true;
  }
  return false;
}

}  // namespace

int Validate(const ValidateOptions& options, Session& session) {
  const Manifests manifests = LoadManifests(options.files, session.directory, session.in);
  Result<std::vector<api::Component>> library = LoadLibrary(session);
  if (!library && (library.error().kind != ErrorKind::kNotFound || NeedsLibrary(manifests))) {
    session.err << "warning: " << library.error().message << "\n";
  }
  std::vector<Problem> warnings;
  const std::vector<Problem> problems = CheckManifests(
      manifests, library ? *library : std::vector<api::Component>(), session.directory, warnings);
  for (const Problem& warning : warnings) session.err << "warning: " << Describe(warning) << "\n";
  for (const Problem& problem : problems) session.err << Describe(problem) << "\n";
  for (const auto& other : manifests.others) {
    session.err << "note: " << other.file << ":" << other.document.LineOf("kind") << ": "
                << "kind is none of Penstock's: left out\n";
  }
  if (!problems.empty()) {
    session.err << "error: " << Count(problems.size(), "problem") << "\n";
    return kInvalidSpec;
  }
  for (const auto& p : manifests.pipelines)
    session.out << "pipeline/" << p.value.meta.name << " valid\n";
  for (const auto& r : manifests.runs) {
    session.out << "pipelinerun/"
                << (r.value.meta.name.empty() ? r.value.meta.generate_name : r.value.meta.name)
                << " valid\n";
  }
  for (const auto& c : manifests.components)
    session.out << "component/" << c.value.meta.name << " valid\n";
  for (const auto& m : manifests.models) {
    session.out << "modeldeployment/" << m.value.meta.name << " valid\n";
  }
  return kOk;
}

}  // namespace penstock::cli
