#include "operator/kube/forwarding_client.h"

#include <utility>

#include "operator/base/json.h"

namespace penstock::kube {

template <typename T, typename Send>
Result<T> ForwardingClient::Pass(std::string_view write, const ResourceType& type, const Call& call,
                                 const Send& send) {
  if (auto ok = Before(write, type); !ok) return ok.error();
  Result<T> answer = send(Adapted(write, call));
  if (auto ok = After(); !ok) return ok.error();
  return answer;
}

Result<Json> ForwardingClient::Get(const ResourceType& type, const std::string& ns,
                                   const std::string& name, const Call& call) {
  return Pass<Json>("", type, call, [&](const Call& c) { return below_.Get(type, ns, name, c); });
}

Result<ListPage> ForwardingClient::List(const ResourceType& type, const std::string& ns,
                                        const ListOptions& options, const Call& call) {
  return Pass<ListPage>("", type, call,
                        [&](const Call& c) { return below_.List(type, ns, options, c); });
}

Result<Json> ForwardingClient::Create(const ResourceType& type, const std::string& ns,
                                      const Json& object, const Call& call) {
  return Pass<Json>("create", type, call,
                    [&](const Call& c) { return below_.Create(type, ns, object, c); });
}

Result<Json> ForwardingClient::Update(const ResourceType& type, const std::string& ns,
                                      const std::string& name, const Json& object,
                                      const std::string& subresource, const Call& call) {
  return Pass<Json>(
      subresource.empty() ? "update" : "update_status", type, call,
      [&](const Call& c) { return below_.Update(type, ns, name, object, subresource, c); });
}

Result<Json> ForwardingClient::Apply(const ResourceType& type, const std::string& ns,
                                     const std::string& name, const Json& object,
                                     const PatchOptions& options, const Call& call) {
  return Pass<Json>("apply", type, call, [&](const Call& c) {
    return below_.Apply(type, ns, name, object, options, c);
  });
}

Result<Json> ForwardingClient::MergePatch(const ResourceType& type, const std::string& ns,
                                          const std::string& name, const Json& patch,
                                          const PatchOptions& options, const Call& call) {
  return Pass<Json>("patch", type, call, [&](const Call& c) {
    return below_.MergePatch(type, ns, name, patch, options, c);
  });
}

Result<void> ForwardingClient::Delete(const ResourceType& type, const std::string& ns,
                                      const std::string& name, const DeleteOptions& options,
                                      const Call& call) {
  return Pass<void>("delete", type, call,
                    [&](const Call& c) { return below_.Delete(type, ns, name, options, c); });
}

Result<void> ForwardingClient::Watch(const ResourceType& type, const std::string& ns,
                                     const WatchOptions& options, const WatchSink& sink,
                                     std::stop_token stop) {
  return below_.Watch(type, ns, options, sink, std::move(stop));
}

Result<void> ForwardingClient::Logs(const std::string& ns, const std::string& pod,
                                    const LogOptions& options, const LogSink& sink,
                                    std::stop_token stop) {
  return below_.Logs(ns, pod, options, sink, std::move(stop));
}

}  // namespace penstock::kube
