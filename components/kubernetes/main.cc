// penstock-kubernetes: the component kubernetes as a program of its own. Its orders come as those
// of every component (sdk/step.h).
//
// Exit codes: 0 done, 1 no (one line on standard error).
#include "components/kubernetes/run.h"
#include "components/outside/program.h"
#include "operator/base/try.h"
#include "operator/kube/api_client.h"

namespace {

using Environment = std::map<std::string, std::string>;

penstock::Result<void> Run(penstock::sdk::Step& step, const Environment& environment,
                           std::stop_token stop) {
  namespace kube = penstock::kube;
  PENSTOCK_ASSIGN(auto config, penstock::kubernetes::ClusterOf(
                                   environment, kube::Surroundings().service_account));
  const penstock::SystemClock clock;
  penstock::kubernetes::Run run = penstock::kubernetes::RunOf(environment);
  if (run.namespace_.empty()) run.namespace_ = config.namespace_;
  PENSTOCK_ASSIGN(const auto client, kube::ApiClient::Make(std::move(config), clock));
  return penstock::kubernetes::RunKubernetes(step, *client, run, std::move(stop));
}

}  // namespace

int main(int argc, char** argv) {
  return penstock::outside::RunProgram("kubernetes", {argv + 1, argv + argc}, Run);
}
