#include "operator/main/gateway_server.h"

#include "operator/gateway/artifact_routes.h"
#include "operator/net/url.h"

namespace penstock::main {
namespace {

void AddName(gateway::CertificateOptions& names, const std::string& name) {
  const bool address = name.find_first_not_of("0123456789.") == std::string::npos ||
                       name.find(':') != std::string::npos;
  (address ? names.addresses : names.dns_names).push_back(name);
}

}  // namespace

Result<std::unique_ptr<GatewayServer>> StartGateway(const Options& options,
                                                    const artifacts::Store& store,
                                                    kube::Client& client, const Clock& clock,
                                                    const runtime::Log& log) {
  auto gateway = std::make_unique<GatewayServer>(client, clock);
  gateway::CertificateOptions names;
  names.folder = options.data_dir / "certificates";
  if (const auto url = net::ParseUrl(options.gateway_url)) AddName(names, url->host);
  for (const auto& name : options.gateway_names) AddName(names, name);
  auto certificates = gateway::Certificates::Open(names, clock);
  if (!certificates) return certificates.error();
  gateway->certificates = std::move(*certificates);
  gateway::AddArtifactRoutes(gateway->router, {&store, &gateway->authenticator, 0});
  net::HttpServerOptions server;
  server.address = options.gateway_address;
  server.port = static_cast<std::uint16_t>(options.gateway_port);
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
