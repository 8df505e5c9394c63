#include <algorithm>
#include <array>
#include <string_view>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/resolve/code_fetch.h"
#include "operator/plan/resolve/pod_values.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/step_merge.h"
#include "operator/protocol/requirements.h"

namespace penstock::plan {
namespace {

constexpr const char* kPackages = "packages";
constexpr const char* kLock = "lock";             // the name of its input, or of its parameter
constexpr Milliseconds kInstallLimit{1'800'000};  // where the pipeline's defaults say none

// Nothing is installed that the lock does not name, and a package of it that lacks another one is
// told before a step meets it. What pip says goes to standard error, whose end is the step's
// message.
constexpr const char* kProgram = R"py(import importlib.metadata, os, re, subprocess, sys
lock, target = sys.argv[1:3]
pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-color"]
code = subprocess.call(pip + ["install", "--no-deps", "--no-compile", "--no-cache-dir",
                              "--progress-bar", "off", "--target", target, "--requirement", lock])
if code:
    sys.exit(code)
os.makedirs(target, exist_ok=True)
plain = lambda name: re.sub("[-_.]+", "-", name).lower()
names = {plain(d.metadata["Name"]) for d in importlib.metadata.distributions(path=[target])}
path = os.pathsep.join(filter(None, [target, os.environ.get("PYTHONPATH")]))
check = subprocess.run(pip + ["check"], env=dict(os.environ, PYTHONPATH=path), text=True,
                       stdout=subprocess.PIPE)
wrong = [line for line in check.stdout.splitlines() if plain(line.split(" ")[0]) in names]
if check.returncode and wrong:
    sys.exit("the lock is not whole: " + "; ".join(wrong))
)py";

// What pip is told by the environment: its own options, and the way to its index.
constexpr std::array<std::string_view, 9> kVariables = {
    "HTTP_PROXY", "HTTPS_PROXY",   "NO_PROXY",     "http_proxy",        "https_proxy",
    "no_proxy",   "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"};

bool IsPips(const std::string& name) {
  return name.starts_with("PIP_") ||
         std::find(kVariables.begin(), kVariables.end(), name) != kVariables.end();
}

std::vector<Json> EnvOfPip(const api::ContainerSpec& container) {
  std::vector<Json> env;
  for (const Json& e : container.env)
    if (IsPips(TextAt(e, "name"))) env.push_back(e);
  return env;
}

// The Python that the step's own command starts, where that is one.
std::string PythonOf(const api::ContainerSpec& container) {
  const std::string word = container.command.empty() ? "" : container.command[0];
  const std::string name = word.substr(word.rfind('/') + 1);  // npos + 1 is 0
  const bool is_python =
      name.starts_with("python") && name.find_first_not_of("0123456789.", 6) == std::string::npos;
  return is_python && word.find("$(") == std::string::npos ? word : "python3";
}

std::vector<FoundReference> ReferencesIn(const Json& text) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said by the other checks
  CollectReferences(text, "", found, ignored);
  return found;
}

// Where pip's variables come from: another Secret may be another index.
Json SourcesOf(const std::vector<Json>& env) {
  Json sources = Json::array();
  for (const Json& e : env) {
    const Json from = e.value("valueFrom", Json::object());
    for (const char* kind : {"secretKeyRef", "configMapKeyRef"})
      if (const auto ref = from.find(kind); ref != from.end())
        sources.push_back({TextAt(e, "name"), kind, TextAt(*ref, "name"), TextAt(*ref, "key")});
  }
  return sources;
}

// What the lock names is the same for whoever asks the same index, on the same kind of node.
std::string SaltOf(const api::StepSpec& install, const ResolvedStep& user) {
  Json what{{"sources", SourcesOf(install.container->env)},
            {"nodeSelector", install.scheduling.node_selector},
            {"affinity", install.scheduling.affinity}};
  if (!user.cache.salt.empty()) what["salt"] = user.cache.salt;
  return "requirements " + CanonicalJson(what);
}

// Where its values are known only when the step starts, the scheduler is told nothing.
std::map<std::string, std::string> KnownSelector(const ResolvedStep& step) {
  auto selector = step.scheduling.node_selector;
  const bool pending = std::any_of(selector.begin(), selector.end(), [](const auto& entry) {
    return entry.second.find("$(") != std::string::npos;
  });
  return pending ? std::map<std::string, std::string>{} : selector;
}

}  // namespace

void CheckInstall(const api::ContainerSpec& container, const std::string& at, Findings& out) {
  const auto& wanted = *container.code->requirements;
  const std::string path = at + ".code.requirements";
  if (!wanted.file.empty())
    if (const auto wrong = CheckRequirementsPath(wanted.file)) out.Add(path + ".file", *wrong);
  if (!wanted.text.empty())
    for (const RequirementComplaint& one : CheckRequirements(wanted.text))
      out.Add(path + ".text", "line " + std::to_string(one.line) + ": " + one.what);
  for (const FoundReference& f : ReferencesIn(container.image))
    if (!f.reference.Is({"parameters"}))
      out.Add(at + ".image", f.reference.Text() +
                                 ": code.requirements are installed with the image before the "
                                 "step, so it is known when the run begins: name it, or take a "
                                 "parameter of the pipeline");
  for (std::size_t i = 0; i < container.env.size(); ++i) {
    const Json& e = container.env[i];
    if (!IsPips(TextAt(e, "name")) || !e.contains("value")) continue;
    if (!ReferencesIn(e.at("value")).empty())
      out.Add(api::ItemPath(at + ".env", i) + ".value",
              "is also that of the step which installs code.requirements, and that has none of "
              "this step's values: write it out, or take it from a Secret or ConfigMap");
  }
}

Installs::Installs(const api::PipelineSpec& spec, api::StepDefaults defaults,
                   const Surroundings& around, Findings& out)
    : defaults_(std::move(defaults)), around_(around), out_(out) {
  api::ForEachStep(spec, "spec", [&](const api::StepSpec& step, const std::string&) {
    taken_.insert(step.name);
  });
}

std::optional<ResolvedInput> Installs::LockOf(const ResolvedStep& user, const std::string& path) {
  ResolvedInput lock;
  lock.name = kLock;
  lock.type = "file";
  const api::CodeSpec& code = *user.container.code;
  if (user.code_from) {
    lock.step = user.code_from->step;
    lock.output = "file";
    return lock;
  }
  if (around_.lock) lock.artifact = around_.lock(code);
  if (lock.artifact) return lock;
  if (user.code)
    out_.Add(path + ".code.requirements.file",
             "the code has no file '" + code.requirements->file + "', or it could not be read");
  return std::nullopt;
}

// A user's own step may have the name already, and eight digits may be another lock's.
std::string Installs::NewName(const std::string& what) {
  const std::string digits = Sha256Hex(what);
  std::string name;
  for (std::size_t length = 8; length <= 32; length += 4) {
    name = "pip-" + digits.substr(0, length);
    if (taken_.insert(name).second) break;
  }
  return name;
}

ResolvedStep Installs::MakeStep(const ResolvedStep& user) const {
  // What a pipeline asks for its own steps (a GPU, memory) is not what pip needs.
  api::StepDefaults defaults = defaults_;
  defaults.resources = Json();
  api::StepSpec step;
  step.container = api::ContainerSpec{};
  step.container->image = user.container.image;
  step.container->image_pull_policy = user.container.image_pull_policy;
  step.container->launcher = user.container.launcher;
  const bool is_text = !user.container.code->requirements->text.empty();
  step.container->command = {PythonOf(user.container), "-c", EscapeTemplate(kProgram),
                             is_text ? "$(parameters.lock.path)" : "$(inputs.lock.path)",
                             "$(outputs.packages.path)"};
  step.container->env = EnvOfPip(user.container);
  step.outputs = {{kPackages, "file", false, ""}};
  step.resources =
      Json{{"requests", {{"cpu", "100m"}, {"memory", "256Mi"}}}, {"limits", {{"memory", "2Gi"}}}};
  step.scheduling = user.scheduling;
  step.scheduling.node_selector = KnownSelector(user);
  step.pod = user.pod;
  if (!defaults.timeouts.attempt) step.timeouts.attempt = kInstallLimit;
  step.cache = defaults.cache.value_or(api::CacheSpec{});
  step.cache->trust_tag = step.cache->trust_tag || user.cache.trust_tag;
  step.cache->salt = SaltOf(step, user);
  ResolvedStep resolved = MergeStep(step, nullptr, defaults);
  resolved.final_step = user.final_step;
  return resolved;
}

void Installs::Resolve(ResolvedStep& user, const std::string& path) {
  auto& code = user.container.code;
  if (!code || !code->requirements) return;
  if (user.container.image.find("$(") != std::string::npos)
    return out_.Add(path + ".image",
                    "is known only when the step starts, but code.requirements are installed with "
                    "it before; name an image");
  for (const FoundReference& f : PodReferences(user))
    if (!f.path.starts_with("resources") && !f.path.starts_with("nodeSelector") &&
        !f.path.starts_with("volumes"))
      return out_.Add(path + ".code.requirements",
                      "are installed before the step starts, and its " + f.path + " (" +
                          f.reference.Text() + ") is known only then; let a parameter say it");
  const std::string& text = code->requirements->text;
  std::optional<ResolvedInput> lock;
  if (text.empty()) {
    lock = LockOf(user, path);
    if (!lock) return;
  }
  ResolvedStep step = MakeStep(user);
  std::string what = CanonicalJson(Json{
      text, lock ? Json{lock->step, lock->artifact ? lock->artifact->digest : ""} : Json(),
      step.container.image, step.container.command[0], step.container.env, step.cache.salt,
      step.scheduling.service_account_name, step.scheduling.image_pull_secrets,
      step.scheduling.tolerations, step.scheduling.runtime_class_name, step.pod, step.final_step});
  std::string& name = names_[what];
  if (name.empty()) {
    name = step.name = NewName(what);
    if (lock) {
      if (!lock->step.empty())
        step.depends_on.push_back({lock->step, api::DependencyOutcome::kSucceeded});
      step.inputs.push_back(std::move(*lock));
    } else {
      step.parameters[kLock] = {Json(text), false, {}};
    }
    steps_.push_back(std::move(step));
  }
  user.packages_from = OutputRef{name, kPackages};
  user.depends_on.push_back({name, api::DependencyOutcome::kSucceeded});
  // The lock stands in that step, once.
  code->requirements.reset();
  if (!code->HasFolder()) code.reset();
}

}  // namespace penstock::plan
