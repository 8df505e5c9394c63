#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

const Json& Section(const Json& resources, const char* name) {
  static const Json kEmpty = Json::object();
  if (!resources.is_object() || !resources.contains(name) || !resources.at(name).is_object())
    return kEmpty;
  return resources.at(name);
}

}  // namespace

void CheckResources(const Json& resources, const std::string& path, Findings& out) {
  if (resources.is_null()) return;
  for (const char* section : {"requests", "limits"})
    for (const auto& [name, quantity] : Section(resources, section).items()) {
      const std::string at = api::ChildPath(path + "." + section, name);
      const auto number = ParseQuantity(quantity);
      const bool is_template = quantity.is_string() && quantity.get_ref<const std::string&>().find(
                                                           "$(") != std::string::npos;
      if (is_template) continue;  // known later, and checked then
      if (!number)
        out.Add(at, "'" + CanonicalText(quantity).substr(0, 80) +
                        "' is no Kubernetes quantity; write for example 500m, 2 or 1Gi");
      else if (*number < 0)
        out.Add(at, "is below 0");
    }
  const Json& limits = Section(resources, "limits");
  for (const auto& [name, quantity] : Section(resources, "requests").items()) {
    if (!limits.contains(name)) continue;
    const auto request = ParseQuantity(quantity);
    const auto limit = ParseQuantity(limits.at(name));
    if (request && limit && *request > *limit)
      out.Add(api::ChildPath(path + ".requests", name),
              CanonicalText(quantity) + " is above the limit " + CanonicalText(limits.at(name)) +
                  "; raise the limit or lower the request");
  }
}

Json MergeResources(const Json& under, const Json& over) {
  Json merged = Json::object();
  for (const char* section : {"requests", "limits"}) {
    Json values = Section(under, section);
    for (const auto& [name, quantity] : Section(over, section).items()) values[name] = quantity;
    if (!values.empty()) merged[section] = values;
  }
  // A limit of `over` alone also lowers an inherited request that it would contradict.
  const Json& own_limits = Section(over, "limits");
  for (const auto& [name, limit] : own_limits.items()) {
    if (!merged.contains("requests") || !merged["requests"].contains(name) ||
        Section(over, "requests").contains(name))
      continue;
    const auto request = ParseQuantity(merged["requests"][name]);
    const auto most = ParseQuantity(limit);
    if (request && most && *request > *most) merged["requests"][name] = limit;
  }
  for (const auto& [name, quantity] : Section(merged, "requests").items())
    if (name.find('/') != std::string::npos && !Section(merged, "limits").contains(name))
      merged["limits"][name] = quantity;
  for (const Json* claims : {&over, &under})
    if (claims->is_object() && claims->contains("claims") && !merged.contains("claims"))
      merged["claims"] = claims->at("claims");
  return merged.empty() ? Json() : merged;
}

}  // namespace penstock::plan
