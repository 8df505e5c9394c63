// What every kind does alike: writing a status, sending events, knowing whose an object is.
#pragma once

#include <string>
#include <utility>

#include "operator/api/meta.h"
#include "operator/base/json.h"
#include "operator/controllers/context.h"

namespace penstock::controllers {

// Replaces the status with resourceVersion as the precondition, and gives the new object. After a
// conflict `newest` is called with the live object, so that the next try does not meet it again.
[[nodiscard]] Result<Json> UpdateStatus(const Context& context, const kube::ResourceType& type,
                                        const api::ObjectMeta& meta, Json spec, Json status,
                                        const std::function<void(const Json&)>& newest);

void SendEvents(const Context& context, const kube::ResourceType& type, const api::ObjectMeta& meta,
                const std::vector<plan::RunEvent>& events);

// Writes the plan's status where it differs from the object's own, keeps the newest state in
// `table`, and then sends the plan's events. An object that is gone meanwhile is no error.
template <typename T, typename Plan>
[[nodiscard]] Result<void> WriteChangedStatus(const Context& context,
                                              const kube::ResourceType& type,
                                              const Known<T>& object, const Plan& plan,
                                              api::Decoded<T> (*decode)(const Json&),
                                              ObjectTable<Known<T>>& table) {
  Json status = api::Encode(plan.status);
  if (status == api::Encode(object.status)) return {};
  const auto put = [&](const Json& live) { table.Put(Known<T>(decode(live))); };
  auto written =
      UpdateStatus(context, type, object.meta, api::Encode(object.spec), std::move(status), put);
  if (!written && written.error().kind == ErrorKind::kNotFound) return {};
  if (!written) return written.error();
  put(*written);
  SendEvents(context, type, object.meta, plan.events);
  return {};
}

// True when the UID is that of an owner of the object.
[[nodiscard]] bool IsOwnedBy(const Json& object, const std::string& uid);

}  // namespace penstock::controllers
