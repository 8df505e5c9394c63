// The component `kubernetes`: one object of the cluster, made, changed, removed or read, and waited
// for.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "components/sdk/step.h"
#include "operator/kube/client.h"
#include "operator/kube/config.h"

namespace penstock::kubernetes {

// The run that the step is of.
struct Run {
  std::string name, uid, namespace_;
  std::string pipeline = {};  // empty: the run has a spec of its own
  std::string step = {};
};
// By the variables of component.yaml.
[[nodiscard]] Run RunOf(const std::map<std::string, std::string>& environment);

// The pod's own, or that of a kubeconfig which KUBECONFIG names. Invalid where there is neither: a
// local run acts on no cluster that nobody named.
[[nodiscard]] Result<kube::ClusterConfig> ClusterOf(
    const std::map<std::string, std::string>& environment,
    const std::filesystem::path& service_account);

// The parameters, inputs, outputs and results of component.yaml. Says on stdout what it does. After
// `stop` it ends within three seconds, and deletes before that what it made where the step says so.
[[nodiscard]] Result<void> RunKubernetes(sdk::Step& step, kube::Client& client, const Run& run,
                                         std::stop_token stop);

}  // namespace penstock::kubernetes
