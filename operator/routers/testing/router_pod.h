// A router's pod as the API server tells of it. For tests.
#pragma once

#include <memory>
#include <string>

#include "operator/base/json.h"
#include "operator/routers/router_pods.h"

namespace penstock::routers {

// Of the namespace team; `name` is a number, the last of its address.
inline void NotePod(RouterPods& pods, const std::string& name, bool ready) {
  const Json pod{
      {"metadata", {{"name", name}, {"namespace", "team"}, {"uid", name + "-uid"}}},
      {"status",
       {{"phase", "Running"},
        {"podIP", "10.0.0." + name},
        {"hostIP", "10.0.0.254"},
        {"conditions", Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})}}}};
  pods.Note(
      {kube::ChangeType::kModified, {"team", name}, nullptr, std::make_shared<const Json>(pod)});
}

}  // namespace penstock::routers
