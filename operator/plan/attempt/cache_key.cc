#include "operator/plan/attempt/cache_key.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/step_merge.h"

namespace penstock::plan {
namespace {

constexpr int kKeyVersion = 2;

// "registry/name@sha256:..." is pinned; a tag is whatever it is today.
std::string ImageDigest(const std::string& image) {
  const auto at = image.rfind('@');
  if (at == std::string::npos || !IsDigest(image.substr(at + 1))) return "";
  return image.substr(at + 1);
}

std::string ImageIdentity(const std::string& image, bool trust_tag) {
  const std::string digest = ImageDigest(image);
  if (!digest.empty()) return "image " + digest;
  return trust_tag ? "tag " + image : "";
}

// Sidecars too: what a step asks them is part of its answer.
std::vector<const api::ContainerSpec*> AllPrograms(const ResolvedStep& step) {
  auto programs = step.Programs();
  for (const api::SidecarSpec& s : step.sidecars) programs.push_back(&s.program);
  return programs;
}

}  // namespace

std::string CodeIdentity(const ResolvedStep& step) {
  if (!step.code_version.empty()) {
    const std::string name = step.component.substr(0, step.component.rfind('-'));
    return (step.library ? "library " : "component ") + name + " code " + step.code_version;
  }
  std::string identity;
  for (const api::ContainerSpec* program : AllPrograms(step)) {
    const std::string one = ImageIdentity(program->image, step.cache.trust_tag);
    if (one.empty()) return "";
    identity += (identity.empty() ? "" : ", ") + one;
  }
  return identity;
}

namespace {

bool HasSecretsOrMounts(const ResolvedStep& step) {
  const auto programs = AllPrograms(step);
  return std::any_of(programs.begin(), programs.end(), [](const api::ContainerSpec* c) {
    return !c->env_from.empty() || !c->volume_mounts.empty() ||
           std::any_of(c->env.begin(), c->env.end(),
                       [](const Json& e) { return e.contains("valueFrom"); });
  });
}

Json LiteralEnv(const api::ContainerSpec& program) {
  Json env = Json::object();
  for (const Json& e : program.env)
    if (!e.contains("valueFrom")) env[e.value("name", "")] = e.value("value", "");
  return env;
}

// What the environment is taken from: names, for what is in them the salt stands.
Json EnvSources(const api::ContainerSpec& program) {
  Json sources;
  for (const Json& e : program.env)
    if (e.contains("valueFrom")) sources["env"][e.value("name", "")] = e.at("valueFrom");
  if (!program.env_from.empty()) sources["envFrom"] = program.env_from;
  return sources;
}

// What a volume is, but for its name. One that begins empty is that, whatever its size or medium.
Json VolumeIdentity(const ResolvedStep& step, const std::string& name) {
  for (const Json& volume : step.volumes) {
    if (volume.value("name", "") != name) continue;
    Json what = volume;
    what.erase("name");
    for (const char* empty : {"emptyDir", "ephemeral"})
      if (what.contains(empty)) what[empty] = Json::object();
    return what;
  }
  return {{"ofRun", name}};
}

// What the program sees at which path, in the order of the paths; null: nothing is mounted.
Json Mounts(const ResolvedStep& step, const api::ContainerSpec& program) {
  Json mounts;
  for (const Json& mount : program.volume_mounts) {
    Json seen = mount;
    seen.erase("name");
    seen["volume"] = VolumeIdentity(step, mount.value("name", ""));
    mounts.push_back(std::move(seen));
  }
  if (!mounts.is_null())
    std::sort(mounts.begin(), mounts.end(), [](const Json& a, const Json& b) {
      return a.value("mountPath", "") < b.value("mountPath", "");
    });
  return mounts;
}

Json Program(const ResolvedStep& step, const api::ContainerSpec& program) {
  Json what{{"command", program.command},
            {"args", program.args},
            {"workingDir", program.working_dir},
            {"env", LiteralEnv(program)}};
  if (Json sources = EnvSources(program); !sources.is_null())
    what["envSources"] = std::move(sources);
  if (Json mounts = Mounts(step, program); !mounts.is_null()) what["mounts"] = std::move(mounts);
  return what;
}

}  // namespace

bool AsksRunValue(const ResolvedStep& step) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;
  CollectReferences(StepTemplates(step), "", found, ignored);
  for (const auto& [name, p] : step.parameters)
    if (p.pending) CollectReferences(p.value, "", found, ignored);
  return std::any_of(found.begin(), found.end(), [](const FoundReference& f) {
    const Reference& r = f.reference;
    if (r.IsJust({"steps", "*", "address"})) return true;
    return r.Is({"run", "*"}) && r.path[1] != "namespace" && r.path[1] != "scheduledTime";
  });
}

std::string WhyNotCacheable(const ResolvedStep& step) {
  if (!step.cache.enabled) return "Disabled";
  if (CodeIdentity(step).empty()) return "ImageNotPinned";
  if (HasSecretsOrMounts(step) && step.cache.salt.empty()) return "SecretsWithoutSalt";
  if (AsksRunValue(step)) return "RunValue";
  return "";
}

Json CacheIngredients(const CacheKeyInputs& in) {
  const ResolvedStep& step = *in.step;
  Json outputs = Json::array();
  for (const auto& o : step.outputs) outputs.push_back({o.name, o.type, o.optional});
  Json results = Json::array();
  for (const auto& r : step.results) results.push_back({r.name, api::Name(r.type)});
  Json what{{"keyVersion", kKeyVersion},
            {"namespace", in.namespace_},
            {"code", CodeIdentity(step)},
            {"command", step.container.command},
            {"args", step.container.args},
            {"workingDir", step.container.working_dir},
            {"env", LiteralEnv(step.container)},
            {"parameters", in.parameters},
            {"inputs", in.input_identities},
            {"outputs", outputs},
            {"results", results}};
  if (Json sources = EnvSources(step.container); !sources.is_null())
    what["envSources"] = std::move(sources);
  // What it may read elsewhere is its account's.
  if (!step.scheduling.service_account_name.empty())
    what["serviceAccount"] = step.scheduling.service_account_name;
  for (const api::StepContainer& c : step.containers) {
    what["containers"].push_back(Program(step, c.program));
    if (c.on_error == api::ErrorPolicy::kContinue)
      what["containers"].back()["onError"] = "Continue";
  }
  for (const api::SidecarSpec& s : step.sidecars)
    what["sidecars"].push_back(Program(step, s.program));
  if (Json mounts = Mounts(step, step.container); !mounts.is_null())
    what["mounts"] = std::move(mounts);
  if (!in.values.empty()) what["values"] = in.values;
  if (in.item) what["item"] = *in.item->value;
  if (!in.own_code.empty()) what["ownCode"] = in.own_code;
  if (!in.packages.empty()) what["packages"] = in.packages;
  if (!step.cache.salt.empty()) what["salt"] = step.cache.salt;
  return what;
}

CacheKey ComputeCacheKey(const CacheKeyInputs& in) {
  if (std::string why = WhyNotCacheable(*in.step); !why.empty()) return {"", why, ""};
  std::string base = Sha256Hex(CanonicalJson(CacheIngredients(in)));
  if (in.source_identities.empty()) return {std::move(base), "", ""};
  std::string key = WithSources(base, in.source_identities);
  return {key, key.empty() ? "NoFingerprint" : "", std::move(base)};
}

std::string WithSources(const std::string& base,
                        const std::map<std::string, std::string>& identities) {
  for (const auto& [name, identity] : identities)
    if (identity.empty()) return "";
  return Sha256Hex(CanonicalJson(Json{{"base", base}, {"sources", identities}}));
}

std::string SourceName(const std::string& uri) {
  const std::string shown = ShownUri(uri);
  if (shown == uri) return uri;
  const bool named = uri.size() == shown.size() + 65 && uri[shown.size()] == ' ' &&
                     uri.starts_with(shown) && IsDigest("sha256:" + uri.substr(shown.size() + 1));
  return named ? uri : shown + " " + Sha256Hex(uri);
}

std::string SourceIdentity(const std::string& uri, const std::string& fingerprint) {
  if (fingerprint.empty() || fingerprint.rfind("sha256:", 0) == 0) return fingerprint;
  return SourceName(uri) + " " + fingerprint;
}

CacheKey ComputeSettledKey(CacheKeyInputs in) {
  for (const ResolvedInput& i : in.step->inputs)
    if (i.of_own_pipeline) in.input_identities.erase(i.name);
  return ComputeCacheKey(in);
}

}  // namespace penstock::plan
