// The words in which the routers of a namespace are decided on. Value types; the decider is
// router_plan.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/time.h"
#include "operator/plan/router/names.h"

namespace penstock::plan {

// In the order in which they are made; they go in the opposite one.
enum class RouterObject : std::uint8_t {
  kServiceAccount,
  kRole,
  kRoleBinding,
  kDisruptionBudget,
  kDeployment,
};
inline constexpr std::array kRouterObjects{
    RouterObject::kServiceAccount, RouterObject::kRole, RouterObject::kRoleBinding,
    RouterObject::kDisruptionBudget, RouterObject::kDeployment};

// What stands under the name kRouterName.
struct RouterObjectFact {
  std::string uid;
  bool ours = false;  // it has our label
  bool deleting = false;
  std::string made_of;  // hash of what was applied last
};

struct RouterSettings {
  std::string image;
  int replicas = 2;
  std::int64_t run_as_user = 65532;
  Json resources;  // core/v1 ResourceRequirements of a router; null: DefaultRouterResources()
  // Ranges of addresses that are not asked for users, and those of them that are: of key sets.
  std::vector<std::string> source_deny = {};
  std::vector<std::string> source_allow = {};
};

struct RoutersObserved {
  std::string ns;
  bool needed = false;                   // a ModelDeployment of the namespace goes through routers
  Milliseconds unneeded_for{0};          // how long none has, by a steady clock
  std::vector<Json> image_pull_secrets;  // of those ModelDeployments, each once
  std::set<std::string> tls_secrets;     // that they name for TLS
  std::set<std::pair<std::string, std::string>>
      key_maps;               // ConfigMaps of tokens' keys and of authorities, and the key
  bool fetches_keys = false;  // one of them has its key set at a URL
  std::map<RouterObject, RouterObjectFact> objects;  // those that stand
};

struct ApplyRouterObject {
  RouterObject kind{};
  Json object;
};
struct DeleteRouterObject {
  RouterObject kind{};
  std::string uid;
};
using RouterAction = std::variant<ApplyRouterObject, DeleteRouterObject>;

struct RouterPlan {
  std::vector<RouterAction> actions;
  std::optional<Milliseconds> requeue_after;
};

}  // namespace penstock::plan
