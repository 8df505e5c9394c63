#include "operator/controllers/testing/role_client.h"

#include <gtest/gtest.h>

#include <utility>

#include "operator/api/manifest.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::controllers {
namespace {

std::string Right(const std::string& verb, std::string_view group, std::string_view plural,
                  const std::string& subresource) {
  return verb + " " + std::string(group) + "/" + std::string(plural) +
         (subresource.empty() ? "" : "/" + subresource);
}

// The rules stand in the template as plain YAML.
void AddRules(const std::string& block, std::set<std::string>& granted) {
  auto text = ReadFile(PENSTOCK_SOURCE_DIR "/charts/penstock/templates/_helpers.tpl", 1 << 20);
  EXPECT_TRUE(text) << text.error().message;
  const std::string begin = "{{- define \"" + block + "\" -}}\n";
  const auto from = text->find(begin);
  const auto to = text->find("{{- end -}}", from);
  EXPECT_NE(from, std::string::npos);
  const std::string rules = text->substr(from + begin.size(), to - from - begin.size());
  auto role = api::ParseManifests(
      "apiVersion: v1\nkind: Role\nmetadata: {name: penstock}\nrules:\n" + rules, "the chart");
  EXPECT_TRUE(role) << role.error().message;
  for (const Json& rule : role->at(0).object.at("rules"))
    for (const Json& group : rule.at("apiGroups"))
      for (const Json& resource : rule.at("resources"))
        for (const Json& verb : rule.at("verbs"))
          granted.insert(Right(verb.get<std::string>(), group.get<std::string>(),
                               resource.get<std::string>(), ""));
}

std::set<std::string> GrantedByTheChart() {
  std::set<std::string> granted;
  AddRules("penstock.rules", granted);
  AddRules("penstock.clusterRules", granted);
  return granted;
}

}  // namespace

RoleClient::RoleClient(kube::Client& below)
    : ForwardingClient(below), granted_(GrantedByTheChart()) {}

Result<void> RoleClient::Check(const std::string& verb, const kube::ResourceType& type,
                               const std::string& subresource) {
  const std::string right = Right(verb, type.group, type.plural, subresource);
  if (granted_.contains(right)) return {};
  const std::lock_guard lock(mutex_);
  denied_.insert(right);
  return Error{ErrorKind::kForbidden, "the chart's role does not grant: " + right};
}

bool RoleClient::Grants(const std::string& verb, const std::string& group,
                        const std::string& plural) const {
  return granted_.contains(Right(verb, group, plural, ""));
}

std::set<std::string> RoleClient::denied() const {
  const std::lock_guard lock(mutex_);
  return denied_;
}

// The others are checked where their subresource is known.
Result<void> RoleClient::Before(std::string_view write, const kube::ResourceType& type) {
  if (write != "create" && write != "delete") return {};
  return Check(std::string(write), type, "");
}

Result<Json> RoleClient::Get(const kube::ResourceType& type, const std::string& ns,
                             const std::string& name, const kube::Call& call) {
  if (auto may = Check("get", type, ""); !may) return may.error();
  return ForwardingClient::Get(type, ns, name, call);
}

Result<kube::ListPage> RoleClient::List(const kube::ResourceType& type, const std::string& ns,
                                        const kube::ListOptions& options, const kube::Call& call) {
  if (auto may = Check("list", type, ""); !may) return may.error();
  return ForwardingClient::List(type, ns, options, call);
}

Result<Json> RoleClient::Update(const kube::ResourceType& type, const std::string& ns,
                                const std::string& name, const Json& object,
                                const std::string& subresource, const kube::Call& call) {
  if (auto may = Check("update", type, subresource); !may) return may.error();
  return ForwardingClient::Update(type, ns, name, object, subresource, call);
}

Result<Json> RoleClient::Apply(const kube::ResourceType& type, const std::string& ns,
                               const std::string& name, const Json& object,
                               const kube::PatchOptions& options, const kube::Call& call) {
  if (auto may = Check("patch", type, options.subresource); !may) return may.error();
  return ForwardingClient::Apply(type, ns, name, object, options, call);
}

Result<Json> RoleClient::MergePatch(const kube::ResourceType& type, const std::string& ns,
                                    const std::string& name, const Json& patch,
                                    const kube::PatchOptions& options, const kube::Call& call) {
  if (auto may = Check("patch", type, options.subresource); !may) return may.error();
  return ForwardingClient::MergePatch(type, ns, name, patch, options, call);
}

Result<void> RoleClient::Watch(const kube::ResourceType& type, const std::string& ns,
                               const kube::WatchOptions& options, const kube::WatchSink& sink,
                               std::stop_token stop) {
  if (auto may = Check("watch", type, ""); !may) return may.error();
  return ForwardingClient::Watch(type, ns, options, sink, std::move(stop));
}

}  // namespace penstock::controllers
