#include "operator/plan/resolve/code_fetch.h"

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/resolve/pod_values.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/step_interfaces.h"
#include "operator/plan/resolve/step_merge.h"
#include "operator/protocol/git_source.h"

namespace penstock::plan {
namespace {

constexpr const char* kComponent = "git";
constexpr const char* kVersion = "1";
constexpr const char* kOutput = "folder";
constexpr Milliseconds kTimeLimit{600'000};  // where the pipeline's defaults say none

// Keys of the Secret and the variables in which components/git looks for them.
constexpr std::pair<const char*, const char*> kSecretKeys[] = {
    {"username", "PENSTOCK_GIT_USERNAME"},
    {"password", "PENSTOCK_GIT_PASSWORD"},
    {"token", "PENSTOCK_GIT_TOKEN"},
    {"ssh-privatekey", "PENSTOCK_GIT_SSH_PRIVATEKEY"},
    {"known_hosts", "PENSTOCK_GIT_KNOWN_HOSTS"},
    {"ca.crt", "PENSTOCK_GIT_CA_CRT"}};

// Each key is optional: which of them is needed, and that there is a Secret at all, the program
// says at once and in words.
std::vector<Json> SecretEnv(const std::string& secret) {
  std::vector<Json> env{{{"name", "PENSTOCK_GIT_SECRET"}, {"value", EscapeTemplate(secret)}}};
  for (const auto& [key, variable] : kSecretKeys) {
    env.push_back(
        {{"name", variable},
         {"valueFrom", {{"secretKeyRef", {{"name", secret}, {"key", key}, {"optional", true}}}}}});
  }
  return env;
}

}  // namespace

void CheckGit(const api::CodeSpec::Git& git, const std::string& path, Findings& out) {
  const auto wrong = CheckGitSource({git.url, git.revision, git.path}, git.secret_ref.has_value());
  if (wrong) out.Add(path + "." + wrong->field, wrong->what);
}

CodeFetches::CodeFetches(const api::PipelineSpec& spec, api::StepDefaults defaults,
                         const Surroundings& around, Findings& out)
    : defaults_(std::move(defaults)), around_(around), out_(out) {
  api::ForEachStep(spec, "spec", [&](const api::StepSpec& step, const std::string&) {
    taken_.insert(step.name);
  });
}

void CodeFetches::Resolve(ResolvedStep& step, const std::string& path) {
  if (!step.container.code || !step.container.code->HasFolder()) return;
  if (step.container.code->git) return Add(step, path + ".git");
  if (around_.code) step.code = around_.code(*step.container.code);
  if (!step.code) SayWhyNone(*step.container.code, path);
}

void CodeFetches::SayWhyNone(const api::CodeSpec& code, const std::string& path) {
  if (!code.path.empty())
    out_.Add(path + ".path", "the folder '" + code.path +
                                 "' lies beside the manifest, where the cluster cannot see it; "
                                 "use `penstock apply`, which uploads it, or code.configMap");
  else if (code.config_map)
    out_.Add(path + ".configMap",
             "the ConfigMap '" + *code.config_map + "' is not there or cannot be read; create it");
  else
    out_.Add(path + ".artifact", "the store has no folder " + code.artifact +
                                     "; upload it with `penstock artifact put`");
}

bool CodeFetches::CanBeReached(const api::CodeSpec::Git& git, const std::string& path) {
  if (around_.local) return true;
  const auto transport = GitTransportOf(git.url);
  if (transport == GitTransport::kFile) {
    out_.Add(path + ".url",
             "file:// is for local runs (penstock run); a cluster fetches https:// and ssh://");
    return false;
  }
  if (transport == GitTransport::kSsh && !git.secret_ref) {
    out_.Add(path + ".secretRef",
             "is required for ssh: a Secret with the keys ssh-privatekey and known_hosts");
    return false;
  }
  return true;
}

const api::Component* CodeFetches::FindComponent(const std::string& path) {
  if (component_) return &*component_;
  if (around_.components) {
    auto picked = PickComponent({kComponent, kVersion, true}, around_.components(kComponent, true));
    if (picked) component_ = std::move(*picked);
  }
  if (component_) return &*component_;
  out_.Add(path,
           "is fetched by the Component git of the library, and the library has none; have it "
           "installed (the chart's library.enabled), or use code.artifact or code.configMap");
  return nullptr;
}

// A user's own step may have the name already, and eight digits may be another repository's.
std::string CodeFetches::NewName(const std::string& what) {
  const std::string digits = Sha256Hex(what);
  std::string name;
  for (std::size_t length = 8; length <= 32; length += 4) {
    name = "git-" + digits.substr(0, length);
    if (taken_.insert(name).second) break;
  }
  return name;
}

ResolvedStep CodeFetches::MakeStep(const std::string& name, const api::CodeSpec::Git& git,
                                   const std::string& account,
                                   const api::Component& component) const {
  // What a pipeline asks for its own steps (a GPU, memory) is not what git needs.
  api::StepDefaults defaults = defaults_;
  defaults.resources = Json();
  api::StepSpec step;
  step.name = name;
  step.component = api::ComponentRef{kComponent, kVersion, true};
  step.scheduling.service_account_name = account;
  if (!defaults.timeouts.attempt) step.timeouts.attempt = kTimeLimit;
  step.cache = defaults.cache.value_or(api::CacheSpec{});
  // A branch is another commit tomorrow, and a tag may be.
  if (!IsCommitId(git.revision)) step.cache->enabled = false;
  if (git.secret_ref) {
    step.env = SecretEnv(*git.secret_ref);
    // A commit is the same for whoever may read it; the Secret's name is in the key by its
    // variable.
    if (step.cache->salt.empty()) step.cache->salt = "secretRef";
  }
  ResolvedStep resolved = MergeStep(step, &component.spec, defaults);
  resolved.component = component.meta.name;
  for (const auto& [parameter, value] : {std::pair<const char*, const std::string&>{"url", git.url},
                                         {"revision", git.revision},
                                         {"path", git.path}}) {
    resolved.parameters[parameter] = {Json(value), false, {}};
  }
  return resolved;
}

void CodeFetches::Add(ResolvedStep& user, const std::string& path) {
  const api::CodeSpec::Git& git = *user.container.code->git;
  if (!CanBeReached(git, path)) return;
  const api::Component* component = FindComponent(path);
  if (component == nullptr) return;
  const std::string& account = user.scheduling.service_account_name;
  if (user.pod_pending && HasTemplate(account))
    return out_.Add(path,
                    "is fetched as the step's service account before the step starts, and "
                    "the account is a result of another step; let a parameter name it");
  const auto& requirements = user.container.code->requirements;
  const std::string file = requirements ? requirements->file : "";
  Json all{git.url, git.revision, git.path, git.secret_ref.value_or(""), account};
  if (user.final_step) all.push_back("finally");
  if (!file.empty()) all.push_back(file);
  const std::string what = CanonicalJson(all);
  if (!file.empty() && ByName(component->spec.outputs, "file") == nullptr)
    return out_.Add(path.substr(0, path.rfind('.')) + ".requirements.file",
                    "needs the Component git 1.1.0 or newer of the library, which has " +
                        component->meta.name + "; have it upgraded, or use requirements.text");
  std::string& name = names_[what];
  if (name.empty()) {
    name = NewName(what);
    steps_.push_back(MakeStep(name, git, account, *component));
    steps_.back().final_step = user.final_step;
    // The lock of its packages, as an artifact of its own.
    if (!file.empty()) steps_.back().parameters["file"] = {Json(file), false, {}};
  }
  user.code_from = OutputRef{name, kOutput};
  user.depends_on.push_back({name, api::DependencyOutcome::kSucceeded});
}

}  // namespace penstock::plan
