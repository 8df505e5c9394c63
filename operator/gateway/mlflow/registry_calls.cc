// What is asked and kept of registered models and their aliases.
#include <algorithm>
#include <cctype>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/mlflow/mlflow_calls.h"
#include "operator/gateway/mlflow/model_json.h"
#include "operator/gateway/mlflow/model_search.h"
#include "operator/metadata/model_registry.h"

namespace penstock::gateway {

using metadata::ModelRegistry;
using metadata::RegisteredModel;

namespace {

constexpr std::size_t kLongestModel = 256, kLongestAlias = 255, kLongestDescription = 5'000;
constexpr std::int64_t kMostListed = 1'000;

Result<Json> Answer(const MlflowCall& call, const RegisteredModel& model) {
  PENSTOCK_ASSIGN(const auto newest,
                  ModelRegistry(*call.parts.tracking).Newest(call.ns, model.name));
  return Json{{"registered_model", RegisteredModelJson(model, newest)}};
}

Result<Json> ChangeRegistered(const MlflowCall& call,
                              const std::function<Result<void>(RegisteredModel&)>& change) {
  PENSTOCK_ASSIGN(const std::string name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(const auto model, ModelRegistry(*call.parts.tracking)
                                        .Change(
                                            call.ns, name,
                                            [&](RegisteredModel& m) {
                                              m.changed = call.parts.clock->Now();
                                              return change(m);
                                            },
                                            call.stop));
  return Answer(call, model);
}

bool IsVersionLike(const std::string& alias) {
  return alias.size() > 1 && (alias[0] == 'v' || alias[0] == 'V') &&
         alias.find_first_not_of("0123456789", 1) == alias.npos;
}

// As MLflow has names of aliases.
Result<std::string> AliasOf(const Asked& asked) {
  PENSTOCK_ASSIGN(const std::string alias, asked.Needed("alias", kLongestAlias));
  const bool plain = std::all_of(alias.begin(), alias.end(), [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '_' || c == '-');
  });
  if (!plain)
    return Invalid("alias: '" + plan::Shown(alias, 80) +
                   "' holds something else than letters, digits, _ and -");
  std::string lower = alias;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "latest" || IsVersionLike(alias))
    return Invalid("alias: '" + plan::Shown(alias, 80) +
                   "' is reserved, as are 'latest' and v1, v2 and so on");
  return alias;
}

}  // namespace

Result<std::string> ModelNameOf(const Asked& asked, const std::string& member) {
  PENSTOCK_ASSIGN(const std::string name, asked.Needed(member, kLongestModel));
  bool good = name.find_first_not_of(' ') != name.npos && name != "." && !name.starts_with("..");
  for (const unsigned char c : name)
    if (c < 0x20 || c == 0x7F || c == '/' || c == ':') good = false;
  if (good) return name;
  return Invalid(member + ": '" + plan::Shown(name, 80) +
                 "' cannot be the name of a registered model: it is empty, '.', begins with '..', "
                 "or holds a slash, a colon or a control character");
}

Result<std::int64_t> VersionNumberOf(const Asked& asked) {
  PENSTOCK_ASSIGN(const auto number, asked.Whole("version"));
  if (number && *number > 0) return *number;
  return Invalid(number ? "version: versions are counted from 1" : "version is missing");
}

Result<std::string> DescriptionOf(const Asked& asked) {
  PENSTOCK_ASSIGN(std::string text, asked.Text("description"));
  if (text.size() > kLongestDescription) return Invalid("description is over 5,000 bytes");
  return text;
}

Result<Json> CreateRegisteredModel(const MlflowCall& call) {
  RegisteredModel m;
  PENSTOCK_ASSIGN(m.name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(m.description, DescriptionOf(call.asked));
  PENSTOCK_ASSIGN(const auto pairs, call.asked.Objects("tags", kMostPairs));
  PENSTOCK_ASSIGN(m.tags, ReadPairs(pairs, kLongestTag));
  if (const auto prompt = m.tags.find(kPromptTag);
      prompt != m.tags.end() && prompt->second != "false")
    return Invalid("prompts are not kept here, but models alone (docs/mlflow.md)");
  m.key = RandomLetters("0123456789abcdef", 32);
  m.created = m.changed = call.parts.clock->Now();
  PENSTOCK_TRY(ModelRegistry(*call.parts.tracking).Make(call.ns, m, call.stop));
  return Json{{"registered_model", RegisteredModelJson(m, std::nullopt)}};
}

Result<Json> GetRegisteredModel(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(const auto model, ModelRegistry(*call.parts.tracking).Get(call.ns, name));
  return Answer(call, model);
}

Result<Json> UpdateRegisteredModel(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string description, DescriptionOf(call.asked));
  return ChangeRegistered(call, [&](RegisteredModel& m) {
    m.description = description;
    return Result<void>();
  });
}

Result<Json> RenameRegisteredModel(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(const std::string to, ModelNameOf(call.asked, "new_name"));
  PENSTOCK_ASSIGN(const auto model,
                  ModelRegistry(*call.parts.tracking)
                      .Rename(call.ns, name, to, call.parts.clock->Now(), call.stop));
  return Answer(call, model);
}

Result<Json> DeleteRegisteredModel(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string name, ModelNameOf(call.asked, "name"));
  PENSTOCK_TRY(ModelRegistry(*call.parts.tracking).Remove(call.ns, name, call.stop));
  return Json::object();
}

Result<Json> SearchRegisteredModels(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string text, call.asked.Text("filter"));
  PENSTOCK_ASSIGN(const Comparisons filter, ParseComparisons(text, ByOfRegistered()));
  PENSTOCK_ASSIGN(const auto orders, call.asked.Texts("order_by"));
  for (const std::string& order : orders)
    if (order != "name" && order != "name ASC")
      return Invalid("order_by: registered models are listed by name, and not by '" +
                     plan::Shown(order, 80) + "'; leave it out");
  PENSTOCK_ASSIGN(const auto asked, call.asked.Whole("max_results"));
  PENSTOCK_ASSIGN(const std::string after, call.asked.Text("page_token"));
  PENSTOCK_TRY(HoldForMuch(call));
  const auto most =
      static_cast<std::size_t>(std::clamp<std::int64_t>(asked.value_or(100), 1, kMostListed));
  ModelRegistry registry(*call.parts.tracking);
  PENSTOCK_ASSIGN(const auto page, registry.Page(call.ns, most, after, [&](const auto& m) {
    return Matches(filter, m);
  }));
  Json answer{{"registered_models", Json::array()}};
  for (const RegisteredModel& m : page.models) {
    PENSTOCK_ASSIGN(const auto newest, registry.Newest(call.ns, m.name));
    answer["registered_models"].push_back(RegisteredModelJson(m, newest));
  }
  if (!page.next.empty()) answer["next_page_token"] = page.next;
  return answer;
}

Result<Json> SetRegisteredModelTag(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const TextMap tag, OnePair(call.asked, kLongestTag));
  PENSTOCK_TRY(ChangeRegistered(call, [&](RegisteredModel& m) {
    for (const auto& [key, value] : tag) m.tags[key] = value;
    return Result<void>();
  }));
  return Json::object();
}

Result<Json> DeleteRegisteredModelTag(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string key, call.asked.Needed("key", 250));
  PENSTOCK_TRY(ChangeRegistered(call, [&](RegisteredModel& m) -> Result<void> {
    if (m.tags.erase(key) == 0)
      return NotFound("the registered model has no tag " + plan::Shown(key, 80));
    return {};
  }));
  return Json::object();
}

Result<Json> SetAlias(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(const std::string alias, AliasOf(call.asked));
  PENSTOCK_ASSIGN(const auto number, VersionNumberOf(call.asked));
  PENSTOCK_TRY(ModelRegistry(*call.parts.tracking)
                   .SetAlias(call.ns, name, alias, number, call.parts.clock->Now(), call.stop));
  return Json::object();
}

Result<Json> DeleteAlias(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(const std::string alias, call.asked.Needed("alias", kLongestAlias));
  PENSTOCK_TRY(ModelRegistry(*call.parts.tracking)
                   .RemoveAlias(call.ns, name, alias, call.parts.clock->Now(), call.stop));
  return Json::object();
}

Result<Json> GetVersionByAlias(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(const std::string alias, call.asked.Needed("alias", kLongestAlias));
  PENSTOCK_ASSIGN(const auto version,
                  ModelRegistry(*call.parts.tracking).OfAlias(call.ns, name, alias));
  return Json{{"model_version", ModelVersionJson(version)}};
}

Result<Json> LatestVersions(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string name, ModelNameOf(call.asked, "name"));
  PENSTOCK_ASSIGN(const auto stages, call.asked.Texts("stages"));
  for (const std::string& stage : stages)
    if (stage != "None" && stage != "none")
      return Invalid("stages: '" + plan::Shown(stage, 40) + "': " + kNoStages);
  ModelRegistry registry(*call.parts.tracking);
  PENSTOCK_TRY(registry.Get(call.ns, name));
  PENSTOCK_ASSIGN(const auto newest, registry.Newest(call.ns, name));
  Json answer{{"model_versions", Json::array()}};
  if (newest) answer["model_versions"].push_back(ModelVersionJson(*newest));
  return answer;
}

}  // namespace penstock::gateway
