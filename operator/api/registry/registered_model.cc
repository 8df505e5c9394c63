#include "operator/api/registry/registered_model.h"

#include <charconv>

#include "operator/api/object_codec.h"
#include "operator/api/registry/fields_registered_model.h"
#include "operator/base/json.h"

namespace penstock::api {
namespace {

constexpr const char* kVersions = "versions.";

std::int64_t NumberOf(std::string_view text) {
  std::int64_t n = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  return r.ec == std::errc{} && r.ptr == text.data() + text.size() && n > 0 ? n : 0;
}

}  // namespace

std::optional<std::int64_t> RegisteredModelSpec::VersionOf(const std::string& alias) const {
  if (!aliases.is_object()) return std::nullopt;
  const auto it = aliases.find(alias);
  if (it == aliases.end() || !IsInt64(*it)) return std::nullopt;
  return it->get<std::int64_t>();
}

void DescribeByRun(const PipelineRun& run, RegisteredVersionSpec& v) {
  v.parameters = run.spec.parameters;
  if (const auto* blessed = FindCondition(run.status.conditions, "Blessed"))
    v.verdict = blessed->status == ConditionStatus::kTrue ? "Blessed" : blessed->reason;
  for (const auto& step : run.status.steps)
    for (const auto& out : step.outputs) {
      if (out.type == "dataset" && v.data.size() < kMaxVersionData)
        v.data.emplace(step.name + "-" + out.name, out.digest);
      if (out.type == "metrics") v.evaluation = out.digest;
    }
}

std::string VersionObjectName(const std::string& model, std::int64_t version) {
  return model + "-v" + std::to_string(version);
}

Decoded<RegisteredModel> DecodeRegisteredModel(const Json& object) {
  return DecodeObject<RegisteredModel>(object, "Model", {kMaxModelDeploymentName, &kDns1035, true},
                                       [](Reader&, RegisteredModel&) {});
}

Decoded<RegisteredVersion> DecodeRegisteredVersion(const Json& object) {
  auto out = DecodeObject<RegisteredVersion>(object, "ModelVersion", {63, &kDns1035, true},
                                             [](Reader&, RegisteredVersion&) {});
  const RegisteredVersion& v = out.value;
  if (out.errors.empty() && v.meta.name != VersionObjectName(v.spec.model, v.spec.version))
    out.errors.push_back(
        {"metadata.name",
         "must be <spec.model>-v<spec.version>, so that each number is one version"});
  return out;
}

Json Encode(const RegisteredModel& o) {
  Json out = EncodeEnvelope(o.meta, "Model");
  out["spec"] = EncodeFields(o.spec, false);
  return out;
}

Json Encode(const RegisteredVersion& o) {
  Json out = EncodeEnvelope(o.meta, "ModelVersion");
  out["spec"] = EncodeFields(o.spec, false);
  return out;
}

std::optional<RegisteredReference> ParseRegisteredReference(const std::string& text) {
  const std::string begin = "$(models.";
  if (!text.starts_with(begin) || !text.ends_with(')')) return std::nullopt;
  const std::string inner = text.substr(begin.size(), text.size() - begin.size() - 1);
  const auto dot = inner.find('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  RegisteredReference reference{inner.substr(0, dot), inner.substr(dot + 1), 0};
  if (!reference.alias.starts_with(kVersions)) return reference;
  reference.version =
      NumberOf(std::string_view(reference.alias).substr(std::string(kVersions).size()));
  reference.alias.clear();
  if (reference.version == 0) return std::nullopt;
  return reference;
}

}  // namespace penstock::api
