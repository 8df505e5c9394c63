#include "operator/main/gateway_server.h"

#include "operator/gateway/artifact_routes.h"
#include "operator/gateway/mlflow/mlflow_routes.h"
#include "operator/net/url.h"
#include "operator/os/cgroup.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::main {
namespace {

constexpr std::uint64_t kBodyShare = 8;  // of the memory that the container may use
// Of the connections, for one address: a pod needs a handful, all pods of a node may have one.
constexpr int kPeerShare = 4;
constexpr int kReserve = 4;  // of them, for addresses whose pods have shown a good token lately
constexpr std::chrono::seconds kUnknownCaller{5};  // for each step until he has said who he is

void AddName(gateway::CertificateOptions& names, const std::string& name) {
  const bool address = name.find_first_not_of("0123456789.") == std::string::npos ||
                       name.find(':') != std::string::npos;
  (address ? names.addresses : names.dns_names).push_back(name);
}

}  // namespace

Result<std::unique_ptr<GatewayServer>> StartGateway(const Options& options,
                                                    const artifacts::Store& store, ApiSettings api,
                                                    kube::Client& client, const Clock& clock,
                                                    const runtime::Log& log) {
  const std::filesystem::path page = api.page;
  retention::StoreKeeper* const keeper = api.keeper;
  const gateway::TellOfHook tell_of_hook = api.tell_of_hook;
  auto gateway = std::make_unique<GatewayServer>(client, clock, UsableMemory() / kBodyShare, store,
                                                 std::move(api));
  gateway::CertificateOptions names;
  names.folder = options.data_dir / "certificates";
  if (const auto url = net::ParseUrl(options.gateway_url)) AddName(names, url->host);
  for (const auto& name : options.gateway_names) AddName(names, name);
  auto certificates = gateway::Certificates::Open(names, clock);
  if (!certificates) return certificates.error();
  gateway->certificates = std::move(*certificates);
  gateway->grants = std::make_unique<gateway::StepGrants>(
      client, store, clock, gateway::TaskPlaces{plan::kAnnotationTask, plan::kConfigVolume});
  gateway::AddArtifactRoutes(
      gateway->router, {&store, &gateway->authenticator, options.max_file_bytes, &gateway->bodies,
                        gateway->grants.get()});
  gateway->api = {&gateway->place,  &gateway->access,
                  &gateway->acting, &gateway->bodies,
                  &gateway->events, [&log](const std::string& line) { log.Write("info", line); }};
  gateway->api.keeper = keeper;
  gateway::AddApi(gateway->router, gateway->api);
  gateway::AddMlflow(gateway->router, {&gateway->tracking, &gateway->access, &gateway->bodies,
                                       &clock, options.namespaces});
  if (options.webhooks) {
    gateway->hook_keys = std::make_unique<gateway::HookKeys>(client, clock, tell_of_hook);
    gateway::AddHooks(gateway->router,
                      {&client, &clock, gateway->hook_keys.get(), &gateway->bodies,
                       [&log](const std::string& line) { log.Write("info", line); }});
  }
  if (auto files = gateway::PageFiles::Load(page)) {
    gateway->page = *std::move(files);
    gateway::AddPage(gateway->router, *gateway->page);
  } else {
    log.Write("warn", files.error().message + "; the API answers without it");
  }
  net::HttpServerOptions server;
  server.address = options.gateway_address;
  server.port = static_cast<std::uint16_t>(options.gateway_port);
  server.max_connections_a_peer = server.max_connections / kPeerShare;
  server.reserve = server.max_connections / kReserve;
  server.handshake_timeout = kUnknownCaller;
  server.stranger_timeout = kUnknownCaller;
  // Asked anew for each connection, so that a renewed certificate needs no restart.
  server.tls = [certificates = gateway->certificates.get()] { return certificates->Current(); };
  server.on_error = [&log](const std::string& what) { log.Write("warn", what); };
  auto started = net::HttpServer::Start(
      std::move(server),
      [&router = gateway->router](net::Exchange& exchange) { router.Dispatch(exchange); });
  if (!started) return started.error();
  gateway->server = std::move(*started);
  log.Write("info", "the gateway listens on port " + std::to_string(gateway->server->port()));
  return gateway;
}

}  // namespace penstock::main
