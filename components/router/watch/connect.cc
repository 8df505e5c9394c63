#include "components/router/watch/connect.h"

#include <utility>

#include "components/router/watch/cluster_source.h"
#include "operator/base/try.h"
#include "operator/kube/api_client.h"
#include "operator/net/url.h"

namespace penstock::router {
namespace {

// The source goes first, then what it calls.
class Connected : public TableSource {
 public:
  Connected(std::unique_ptr<SystemClock> clock, std::unique_ptr<kube::ApiClient> client,
            ClusterSourceOptions options)
      : clock_(std::move(clock)),
        client_(std::move(client)),
        source_(*client_, *clock_, std::move(options)) {}

  Result<void> Start(Publish publish) override { return source_.Start(std::move(publish)); }
  std::string Trouble() const override { return source_.Trouble(); }

 private:
  const std::unique_ptr<SystemClock> clock_;
  const std::unique_ptr<kube::ApiClient> client_;
  ClusterSource source_;
};

}  // namespace

Result<std::string> ApiServerHost(const std::string& kubeconfig) {
  PENSTOCK_ASSIGN(const auto config, kube::LoadConfig({kubeconfig, ""}));
  PENSTOCK_ASSIGN(const net::Url server, net::ParseUrl(config.server));
  return server.host;
}

Result<std::unique_ptr<TableSource>> ConnectToCluster(ClusterSettings settings) {
  auto config = kube::LoadConfig({settings.kubeconfig, ""});
  if (!config) return config.error();
  ClusterSourceOptions options;
  options.ns = settings.ns.empty() ? config->namespace_ : settings.ns;
  if (!settings.state.empty()) options.file = settings.state / "route-table.json";
  options.edge = settings.edge;
  options.log = std::move(settings.log);
  auto clock = std::make_unique<SystemClock>();
  auto client = kube::ApiClient::Make(*std::move(config), *clock);
  if (!client) return client.error();
  return std::unique_ptr<TableSource>(
      std::make_unique<Connected>(std::move(clock), *std::move(client), std::move(options)));
}

}  // namespace penstock::router
