#include "operator/plan/attempt/cache_key.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"

namespace penstock::plan {
namespace {

constexpr int kKeyVersion = 2;

// "registry/name@sha256:..." is pinned; a tag is whatever it is today.
std::string ImageDigest(const std::string& image) {
  const auto at = image.rfind('@');
  if (at == std::string::npos || !IsDigest(image.substr(at + 1))) return "";
  return image.substr(at + 1);
}

// Empty when nothing says which code runs.
std::string CodeIdentity(const ResolvedStep& step) {
  if (!step.code_version.empty()) {
    const std::string name = step.component.substr(0, step.component.rfind('-'));
    return (step.library ? "library " : "component ") + name + " code " + step.code_version;
  }
  const std::string digest = ImageDigest(step.container.image);
  if (!digest.empty()) return "image " + digest;
  return step.cache.trust_tag ? "tag " + step.container.image : "";
}

bool HasSecretsOrMounts(const ResolvedStep& step) {
  const auto& c = step.container;
  return !c.env_from.empty() || !c.volume_mounts.empty() ||
         std::any_of(c.env.begin(), c.env.end(),
                     [](const Json& e) { return e.contains("valueFrom"); });
}

Json LiteralEnv(const ResolvedStep& step) {
  Json env = Json::object();
  for (const Json& e : step.container.env)
    if (!e.contains("valueFrom")) env[e.value("name", "")] = e.value("value", "");
  return env;
}

}  // namespace

std::string WhyNotCacheable(const ResolvedStep& step) {
  if (!step.cache.enabled) return "Disabled";
  if (CodeIdentity(step).empty()) return "ImageNotPinned";
  if (HasSecretsOrMounts(step) && step.cache.salt.empty()) return "SecretsWithoutSalt";
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
            {"env", LiteralEnv(step)},
            {"parameters", in.parameters},
            {"inputs", in.input_identities},
            {"outputs", outputs},
            {"results", results}};
  if (!in.own_code.empty()) what["ownCode"] = in.own_code;
  if (!step.cache.salt.empty()) what["salt"] = step.cache.salt;
  if (!in.run_name.empty()) what["run"] = in.run_name;
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
