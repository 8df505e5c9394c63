// The command line of penstock-router.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "components/router/proxy/limits.h"

namespace penstock::router {

struct RouterCommand {
  std::string config;          // a file of a route table; empty: the API server says
  std::string ns;              // whose ModelDeployments are routed; empty: its own
  std::string kubeconfig;      // empty: the pod's account
  std::string state;           // folder of the last table
  std::string edge = "/edge";  // folder of certificates and keys
  std::string address = "0.0.0.0";
  std::uint16_t admin_port = 9402;
  std::string name;  // in observations; default: the host's
  int threads = 0;   // 0: from the CPU quota
  Limits limits;
  std::vector<std::string> source_deny;   // ranges of addresses that are not asked for key sets
  std::vector<std::string> source_allow;  // those of them that are
  std::chrono::milliseconds drain_delay{5'000};
  std::chrono::milliseconds drain_timeout{60'000};
};

// Nothing, and *exit_code, when the program is to end now (--help, or a flag that is wrong; the
// text has been printed).
[[nodiscard]] std::optional<RouterCommand> ParseCommand(int argc, char** argv, int* exit_code);

}  // namespace penstock::router
