#include "operator/controllers/status_write.h"

#include <algorithm>

namespace penstock::controllers {

Result<Json> UpdateStatus(const Context& context, const kube::ResourceType& type,
                          const api::ObjectMeta& meta, Json spec, Json status,
                          const std::function<void(const Json&)>& newest) {
  const Json object = {{"apiVersion", api::kApiVersion},
                       {"kind", std::string(type.kind)},
                       {"metadata",
                        {{"name", meta.name},
                         {"namespace", meta.namespace_},
                         {"uid", meta.uid},
                         {"resourceVersion", meta.resource_version}}},
                       {"spec", std::move(spec)},
                       {"status", std::move(status)}};
  const kube::Call call{.stop = context.stop};
  auto written = context.client.Update(type, meta.namespace_, meta.name, object, "status", call);
  if (!written && written.error().kind == ErrorKind::kConflict) {
    auto live = context.client.Get(type, meta.namespace_, meta.name, call);
    if (live) newest(*live);
  }
  return written;
}

bool IsOwnedBy(const Json& object, const std::string& uid) {
  const auto owners = api::DecodeMeta(object).owners;
  return std::any_of(owners.begin(), owners.end(),
                     [&](const api::OwnerReference& owner) { return owner.uid == uid; });
}

void SendEvents(const Context& context, const kube::ResourceType& type, const api::ObjectMeta& meta,
                const std::vector<plan::RunEvent>& events) {
  for (const plan::RunEvent& event : events) {
    context.send_event({&type, meta.namespace_, meta.name, meta.uid, meta.resource_version,
                        event.type, event.reason, event.message});
  }
}

}  // namespace penstock::controllers
