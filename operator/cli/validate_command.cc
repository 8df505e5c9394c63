// penstock validate: every error of every file at once, with its line.
#include <algorithm>
#include <ostream>

#include "operator/cli/commands.h"
#include "operator/cli/objects/config_refs.h"
#include "operator/cli/objects/manifest_check.h"

namespace penstock::cli {
namespace {

std::string Count(std::size_t n, const std::string& word) {
  return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
}

bool NeedsLibrary(const Manifests& manifests) {
  const auto uses = [](const api::PipelineSpec& spec) {
    bool found = false;
    api::ForEachStep(spec, "", [&](const api::StepSpec& step, const std::string&) {
      found = found || (step.component && step.component->library);
    });
    return found;
  };
  for (const auto& p : manifests.pipelines) {
    if (uses(p.value.spec)) return true;
  }
  for (const auto& r : manifests.runs) {
    if (r.value.spec.pipeline_spec && uses(*r.value.spec.pipeline_spec)) return true;
  }
  return false;
}

// ConfigMaps and Secrets are a step's, or nobody's here; other kinds are somebody else's.
void NoteOthers(const Manifests& manifests, const Session& session) {
  std::vector<ConfigRef> used;
  const auto add = [&](const api::PipelineSpec& spec) {
    const std::vector<ConfigRef> more = ConfigRefsOf(spec);
    used.insert(used.end(), more.begin(), more.end());
  };
  for (const auto& p : manifests.pipelines) add(p.value.spec);
  for (const auto& r : manifests.runs) {
    if (r.value.spec.pipeline_spec) add(*r.value.spec.pipeline_spec);
  }
  for (const auto& other : manifests.others) {
    const std::string kind = KindOf(other.value), name = NameOf(other.value);
    const bool config = kind == "ConfigMap" || kind == "Secret";
    const bool named = config && std::any_of(used.begin(), used.end(), [&](const ConfigRef& ref) {
                         return ref.name == name && ref.secret == (kind == "Secret");
                       });
    if (named || (kind == "ConfigMap" && name == api::kLockSizes)) continue;
    session.err << "note: " << other.file << ":" << other.document.LineOf("kind") << ": "
                << (config ? "no step uses the " + kind + " " + name
                           : kind + " is none of Penstock's kinds: left out")
                << "\n";
  }
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
  NoteOthers(manifests, session);
  if (!problems.empty()) {
    session.err << "error: " << Count(problems.size(), "problem") << "\n";
    return kInvalidSpec;
  }
  if (manifests.pipelines.empty() && manifests.runs.empty() && manifests.components.empty() &&
      manifests.models.empty() && manifests.approvals.empty()) {
    return session.Fail(
        kInvalidSpec,
        "the files hold no Pipeline, PipelineRun, Component, ModelDeployment or Approval");
  }
  for (const std::string& file : manifests.empty)
    session.err << file << ": holds no object; it is empty, or comments only\n";
  if (!manifests.empty.empty())
    return session.Fail(kInvalidSpec, Count(manifests.empty.size(), "file") +
                                          (manifests.empty.size() == 1 ? " holds" : " hold") +
                                          " nothing");
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
  for (const auto& a : manifests.approvals)
    session.out << "approval/"
                << (a.value.meta.name.empty() ? a.value.meta.generate_name : a.value.meta.name)
                << " valid\n";
  return kOk;
}

}  // namespace penstock::cli
