#include "operator/local/within.h"

#include <chrono>

#include "operator/base/json.h"
#include "operator/os/command.h"

namespace penstock::local {

std::vector<std::string> Within(const std::filesystem::path& launcher,
                                const std::vector<OwnMount>& mounts,
                                const std::vector<std::string>& argv) {
  Json list = Json::array();
  for (const OwnMount& m : mounts)
    list.push_back({{"source", m.source}, {"target", m.target}, {"readOnly", m.read_only}});
  std::vector<std::string> all = {launcher.string(), "within", "--mounts", list.dump(), "--"};
  all.insert(all.end(), argv.begin(), argv.end());
  return all;
}

Result<void> CanMount(const std::filesystem::path& launcher, const std::filesystem::path& state) {
  const auto tried = AskCommand(Within(launcher, {{state.string(), "/penstock-probe", true}},
                                       {launcher.string(), "--version"}),
                                std::chrono::seconds(20));
  if (tried) return {};
  return Invalid("the machine lets no process have volumes (" + tried.error().message +
                 "); install podman, or allow user name spaces (sysctl user.max_user_namespaces, "
                 "kernel.apparmor_restrict_unprivileged_userns), or run the step on a cluster");
}

}  // namespace penstock::local
