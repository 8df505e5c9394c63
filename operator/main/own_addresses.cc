#include "operator/main/own_addresses.h"

#include <utility>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/net/resolver.h"

namespace penstock::main {
namespace {

constexpr std::chrono::seconds kFresh{30};
constexpr std::chrono::seconds kAfterFailure{2};
constexpr std::chrono::milliseconds kTimeout{5'000};

void AddTexts(const Json& object, const char* key, std::vector<std::string>& out) {
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) return;
  for (const Json& item : *list)
    if (item.is_string()) out.push_back(item.get<std::string>());
}

void AddService(const Json& service, std::vector<std::string>& out) {
  const Json spec = service.value("spec", Json::object());
  AddTexts(spec, "clusterIPs", out);
  AddTexts(spec, "externalIPs", out);
  const Json balancer =
      service.value("status", Json::object()).value("loadBalancer", Json::object());
  for (const Json& ingress : balancer.value("ingress", Json::array()))
    if (ingress.is_object() && ingress.contains("ip")) out.push_back(ingress.value("ip", ""));
}

void AddSlice(const Json& slice, std::vector<std::string>& out) {
  for (const Json& endpoint : slice.value("endpoints", Json::array()))
    if (endpoint.is_object()) AddTexts(endpoint, "addresses", out);
}

Result<void> AddAll(kube::Client& client, const kube::ResourceType& type, const std::string& ns,
                    void (*add)(const Json&, std::vector<std::string>&), const kube::Call& call,
                    std::vector<std::string>& out) {
  kube::ListOptions page;
  do {
    auto list = client.List(type, ns, page, call);
    if (!list) return list.error();
    for (const Json& object : list->items)
      if (object.is_object()) add(object, out);
    page.continue_token = list->continue_token;
  } while (!page.continue_token.empty());
  return {};
}

}  // namespace

Result<std::vector<std::string>> OwnAddresses::Get() {
  const std::lock_guard lock(mutex_);
  if (clock_.Steady() >= ask_again_) {
    auto asked = Ask();
    // From now on: to ask may have taken longer than the pause.
    ask_again_ = clock_.Steady() + (asked ? kFresh : kAfterFailure);
    if (asked) {
      known_ = *std::move(asked);
    } else {
      why_unknown_ = asked.error();
      why_unknown_.kind = ErrorKind::kTransient;  // a missing right is no refusal of an address
    }
  }
  if (known_.empty()) return why_unknown_;
  return known_;
}

Result<std::vector<std::string>> OwnAddresses::Ask() const {
  auto out = net::ResolveHost(server_host_, std::chrono::steady_clock::now() + kTimeout, stop_);
  if (!out) return out;
  if (out->empty()) return Transient("the API server's host has no address");
  const kube::Call call{stop_, kTimeout};
  auto ok = AddAll(client_, kube::kServices, ns_, AddService, call, *out);
  if (ok) ok = AddAll(client_, kube::kEndpointSlices, ns_, AddSlice, call, *out);
  if (!ok) return ok.error();
  // Where the API server really listens; beside the address that pods know it by. Out of a cluster
  // there may be none.
  auto server = client_.Get(kube::kEndpointSlices, "default", "kubernetes", call);
  if (server) AddSlice(*server, *out);
  const bool none = !server && server.error().kind == ErrorKind::kNotFound;
  if (!server && !none) return server.error();
  return out;
}

}  // namespace penstock::main
