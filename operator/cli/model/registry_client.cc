#include "operator/cli/model/registry_client.h"

#include <algorithm>
#include <charconv>

#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

constexpr int kMostTries = 20;

// 0: no number of a version.
std::int64_t NumberOf(const std::string& text) {
  std::int64_t n = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  return r.ec == std::errc{} && r.ptr == text.data() + text.size() && n > 0 ? n : 0;
}

}  // namespace

Result<Registry> Registry::Open(Session& session) {
  PENSTOCK_ASSIGN(Cluster cluster, session.connect(session.flags));
  return Registry(std::move(cluster), session);
}

Result<std::vector<Json>> Registry::List(const kube::ResourceType& type) const {
  std::vector<Json> all;
  kube::ListOptions options;
  options.limit = 500;
  do {
    PENSTOCK_ASSIGN(auto page, client().List(type, ns(), options, call_));
    for (Json& item : page.items) all.push_back(std::move(item));
    options.continue_token = page.continue_token;
  } while (!options.continue_token.empty());
  return all;
}

Result<std::vector<ModelVersion>> Registry::Versions(const std::string& model) const {
  PENSTOCK_ASSIGN(const auto objects, List(kube::kModelVersions));
  std::vector<ModelVersion> versions;
  for (const Json& object : objects) {
    auto decoded = api::DecodeRegisteredVersion(object);
    if (model.empty() || decoded.value.spec.model == model)
      versions.push_back(std::move(decoded.value));
  }
  std::sort(versions.begin(), versions.end(), [](const ModelVersion& a, const ModelVersion& b) {
    return std::tie(a.spec.model, a.spec.version) < std::tie(b.spec.model, b.spec.version);
  });
  return versions;
}

Result<std::vector<api::RegisteredModel>> Registry::Models() const {
  PENSTOCK_ASSIGN(const auto objects, List(kube::kModels));
  std::vector<api::RegisteredModel> models;
  for (const Json& object : objects) models.push_back(api::DecodeRegisteredModel(object).value);
  return models;
}

Result<std::optional<Json>> Registry::Model(const std::string& name) const {
  auto object = client().Get(kube::kModels, ns(), name, call_);
  if (object) return std::optional<Json>(*std::move(object));
  if (object.error().kind == ErrorKind::kNotFound) return std::optional<Json>();
  return object.error();
}

Result<ModelVersion> Registry::Find(const std::string& model, const std::string& which) const {
  std::int64_t number = NumberOf(which);
  if (number == 0) {
    PENSTOCK_ASSIGN(const auto object, Model(model));
    const auto named =
        object ? api::DecodeRegisteredModel(*object).value.spec.VersionOf(which) : std::nullopt;
    if (!named) return NotFound("the model " + model + " has no alias " + which);
    number = *named;
  }
  auto object =
      client().Get(kube::kModelVersions, ns(), api::VersionObjectName(model, number), call_);
  if (!object && object.error().kind == ErrorKind::kNotFound)
    return NotFound("the model " + model + " has no version " + std::to_string(number));
  if (!object) return object.error();
  return api::DecodeRegisteredVersion(*object).value;
}

Result<void> Registry::PointAlias(const std::string& model, const std::string& alias,
                                  std::optional<std::int64_t> version) const {
  PENSTOCK_ASSIGN(const auto object, Model(model));
  const Json value = version ? Json(*version) : Json();
  if (!object) {
    if (!version) return NotFound("there is no Model " + model);
    api::RegisteredModel made;
    made.meta.name = model;
    made.meta.namespace_ = ns();
    made.spec.aliases = {{alias, value}};
    auto created = client().Create(kube::kModels, ns(), api::Encode(made), call_);
    if (!created) return created.error();
    return {};
  }
  const Json patch{{"metadata", {{"resourceVersion", api::DecodeMeta(*object).resource_version}}},
                   {"spec", {{"aliases", {{alias, value}}}}}};
  auto patched = client().MergePatch(kube::kModels, ns(), model, patch, {}, call_);
  if (!patched && patched.error().kind == ErrorKind::kConflict)
    return Error{ErrorKind::kConflict, "the Model " + model +
                                           " was changed by somebody else meanwhile: look at it, "
                                           "and say it again"};
  if (!patched) return patched.error();
  return {};
}

Result<void> Registry::Register(ModelVersion& v) const {
  v.meta.namespace_ = ns();
  for (int tries = 0; tries < kMostTries; ++tries) {
    PENSTOCK_ASSIGN(const auto versions, Versions(v.spec.model));
    v.spec.version = versions.empty() ? 1 : versions.back().spec.version + 1;
    v.meta.name = api::VersionObjectName(v.spec.model, v.spec.version);
    auto made = client().Create(kube::kModelVersions, ns(), api::Encode(v), call_);
    if (made) return {};
    if (made.error().kind != ErrorKind::kAlreadyExists) return made.error();
  }
  return Error{ErrorKind::kConflict, "others register versions of it as fast: try again"};
}

}  // namespace penstock::cli
