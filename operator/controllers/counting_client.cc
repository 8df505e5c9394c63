#include "operator/controllers/counting_client.h"

#include "operator/base/json.h"

namespace penstock::controllers {

Result<Json> CountingClient::Get(const kube::ResourceType& type, const std::string& ns,
                                 const std::string& name, const kube::Call& call) {
  return below_.Get(type, ns, name, call);
}

Result<kube::ListPage> CountingClient::List(const kube::ResourceType& type, const std::string& ns,
                                            const kube::ListOptions& options,
                                            const kube::Call& call) {
  return below_.List(type, ns, options, call);
}

Result<Json> CountingClient::Create(const kube::ResourceType& type, const std::string& ns,
                                    const Json& object, const kube::Call& call) {
  count_("create", type.kind);
  return below_.Create(type, ns, object, call);
}

Result<Json> CountingClient::Update(const kube::ResourceType& type, const std::string& ns,
                                    const std::string& name, const Json& object,
                                    const std::string& subresource, const kube::Call& call) {
  count_(subresource.empty() ? "update" : "update_status", type.kind);
  return below_.Update(type, ns, name, object, subresource, call);
}

Result<Json> CountingClient::Apply(const kube::ResourceType& type, const std::string& ns,
                                   const std::string& name, const Json& object,
                                   const kube::PatchOptions& options, const kube::Call& call) {
  count_("apply", type.kind);
  return below_.Apply(type, ns, name, object, options, call);
}

Result<Json> CountingClient::MergePatch(const kube::ResourceType& type, const std::string& ns,
                                        const std::string& name, const Json& patch,
                                        const kube::PatchOptions& options, const kube::Call& call) {
  count_("patch", type.kind);
  return below_.MergePatch(type, ns, name, patch, options, call);
}

Result<void> CountingClient::Delete(const kube::ResourceType& type, const std::string& ns,
                                    const std::string& name, const kube::DeleteOptions& options,
                                    const kube::Call& call) {
  count_("delete", type.kind);
  return below_.Delete(type, ns, name, options, call);
}

Result<void> CountingClient::Watch(const kube::ResourceType& type, const std::string& ns,
                                   const kube::WatchOptions& options, const kube::WatchSink& sink,
                                   std::stop_token stop) {
  return below_.Watch(type, ns, options, sink, std::move(stop));
}

Result<void> CountingClient::Logs(const std::string& ns, const std::string& pod,
                                  const kube::LogOptions& options, const kube::LogSink& sink,
                                  std::stop_token stop) {
  return below_.Logs(ns, pod, options, sink, std::move(stop));
}

}  // namespace penstock::controllers
