// What is asked and kept of versions of registered models.
#include <algorithm>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/mlflow/mlflow_calls.h"
#include "operator/gateway/mlflow/model_json.h"
#include "operator/gateway/mlflow/model_search.h"
#include "operator/gateway/mlflow/model_source.h"
#include "operator/metadata/model_registry.h"

namespace penstock::gateway {

using metadata::ModelRegistry;
using metadata::ModelVersion;

namespace {

constexpr std::size_t kLongestUri = 2'048;
constexpr std::int64_t kMostVersions = 1'000;  // of one answer

// The version that a request names.
struct Named {
  std::string name;
  std::int64_t number = 0;
};

Result<Named> NamedOf(const MlflowCall& call) {
  Named named;
  PENSTOCK_ASSIGN(named.name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(named.number, VersionNumberOf(call.asked));
  return named;
}

Result<ModelVersion> VersionOf(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const Named of, NamedOf(call));
  return ModelRegistry(*call.parts.tracking).Version(call.ns, of.name, of.number);
}

Result<ModelVersion> ChangeVersion(const MlflowCall& call,
                                   const std::function<Result<void>(ModelVersion&)>& change) {
  PENSTOCK_ASSIGN(const Named of, NamedOf(call));
  const auto changed = [&](ModelVersion& version) {
    version.changed = call.parts.clock->Now();
    return change(version);
  };
  return ModelRegistry(*call.parts.tracking)
      .ChangeVersion(call.ns, of.name, of.number, changed, call.stop);
}

// Whether the oldest come first. By name, then number, is how they stand: another order is refused.
Result<bool> OldestFirst(const std::vector<std::string>& orders, bool one_model) {
  bool oldest = false, by_name = one_model;
  for (const std::string& order : orders) {
    const bool name = order == "name" || order == "name ASC";
    const bool up = order == "version_number" || order == "version_number ASC";
    if (!name && !((up || order == "version_number DESC") && by_name))
      return Invalid("order_by: versions are listed by name and number, and not by '" +
                     plan::Shown(order, 80) +
                     "': [\"name ASC\", \"version_number DESC\"], or of one model (name = '...') "
                     "version_number alone; leave it out");
    by_name |= name;
    oldest |= up;
  }
  return oldest;
}

}  // namespace

Result<Json> CreateModelVersion(const MlflowCall& call) {
  ModelVersion v;
  PENSTOCK_ASSIGN(v.name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(v.source, call.asked.Needed("source", kLongestUri));
  PENSTOCK_ASSIGN(const std::string run, call.asked.Text("run_id"));
  PENSTOCK_ASSIGN(const std::string model, call.asked.Text("model_id"));
  PENSTOCK_ASSIGN(v.run_link, call.asked.Text("run_link"));
  PENSTOCK_ASSIGN(v.description, DescriptionOf(call.asked));
  PENSTOCK_ASSIGN(const auto pairs, call.asked.Objects("tags", kMostPairs));
  PENSTOCK_ASSIGN(v.tags, ReadPairs(pairs, kLongestTag));
  if (v.run_link.size() > kLongestUri) return Invalid("run_link is over 2,048 bytes");
  ModelRegistry registry(*call.parts.tracking);
  PENSTOCK_TRY(registry.Get(call.ns, v.name));
  PENSTOCK_ASSIGN(ModelSource source, FindSource(call, v.source, run, model));
  v.location = std::move(source.location);
  v.run = std::move(source.run);
  v.logged_model = std::move(source.logged_model);
  v.user = call.caller.user;
  v.key = RandomLetters("0123456789abcdef", 32);
  v.created = v.changed = call.parts.clock->Now();
  PENSTOCK_ASSIGN(const auto added, registry.AddVersion(call.ns, v, call.stop));
  return Json{{"model_version", ModelVersionJson(added)}};
}

Result<Json> GetModelVersion(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const auto version, VersionOf(call));
  return Json{{"model_version", ModelVersionJson(version)}};
}

Result<Json> DownloadUri(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const auto version, VersionOf(call));
  return Json{{"artifact_uri", version.location}};
}

Result<Json> UpdateModelVersion(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string description, DescriptionOf(call.asked));
  PENSTOCK_ASSIGN(const auto version, ChangeVersion(call, [&](ModelVersion& v) {
                    v.description = description;
                    return Result<void>();
                  }));
  return Json{{"model_version", ModelVersionJson(version)}};
}

Result<Json> DeleteModelVersion(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const Named of, NamedOf(call));
  PENSTOCK_TRY(ModelRegistry(*call.parts.tracking)
                   .RemoveVersion(call.ns, of.name, of.number, call.parts.clock->Now(), call.stop));
  return Json::object();
}

Result<Json> SearchModelVersions(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string text, call.asked.Text("filter"));
  PENSTOCK_ASSIGN(const Comparisons filter, ParseComparisons(text, ByOfVersions()));
  PENSTOCK_ASSIGN(const auto orders, call.asked.Texts("order_by"));
  const std::string only = OnlyName(filter);
  PENSTOCK_ASSIGN(const bool oldest, OldestFirst(orders, !only.empty()));
  PENSTOCK_ASSIGN(const auto asked, call.asked.Whole("max_results"));
  PENSTOCK_ASSIGN(const std::string after, call.asked.Text("page_token"));
  PENSTOCK_TRY(HoldForMuch(call));
  const auto most = static_cast<std::size_t>(
      std::clamp<std::int64_t>(asked.value_or(kMostVersions), 1, kMostVersions));
  const auto keep = [&](const ModelVersion& v) { return Matches(filter, v); };
  PENSTOCK_ASSIGN(
      const auto page,
      ModelRegistry(*call.parts.tracking).Versions(call.ns, only, oldest, most, after, keep));
  Json answer{{"model_versions", Json::array()}};
  for (const ModelVersion& v : page.versions)
    answer["model_versions"].push_back(ModelVersionJson(v));
  if (!page.next.empty()) answer["next_page_token"] = page.next;
  return answer;
}

Result<Json> SetModelVersionTag(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const TextMap tag, OnePair(call.asked, kLongestTag));
  PENSTOCK_TRY(ChangeVersion(call, [&](ModelVersion& v) {
    for (const auto& [key, value] : tag) v.tags[key] = value;
    return Result<void>();
  }));
  return Json::object();
}

Result<Json> DeleteModelVersionTag(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string key, call.asked.Needed("key", 250));
  PENSTOCK_TRY(ChangeVersion(call, [&](ModelVersion& v) -> Result<void> {
    if (v.tags.erase(key) == 0) return NotFound("the version has no tag " + plan::Shown(key, 80));
    return {};
  }));
  return Json::object();
}

Result<Json> TransitionStage(const MlflowCall&) { return Invalid(kNoStages); }

}  // namespace penstock::gateway
