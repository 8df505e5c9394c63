#include "operator/main/gateway_server.h"

#include "operator/gateway/artifact_routes.h"
#include "operator/gateway/certificates.h"
#include "operator/gateway/https_server.h"
#include "operator/gateway/token_review.h"

namespace penstock::main {
namespace {

void AddName(gateway::CertificateOptions& names, const std::string& name) {
  const bool address = name.find_first_not_of("0123456789.") == std::string::npos ||
                       name.find(':') != std::string::npos;
  (address ? names.addresses : names.dns_names).push_back(name);
}

}  // namespace

struct GatewayServer::Impl {
  Impl(kube::Client& client, const Clock& clock) : authenticator(client, clock) {}
  std::unique_ptr<gateway::Certificates> certificates;
  gateway::TokenReviewAuthenticator authenticator;
  gateway::Router router;
  std::unique_ptr<gateway::HttpsServer> server;  // last: its threads use the rest
};

GatewayServer::GatewayServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GatewayServer::~GatewayServer() = default;
std::string GatewayServer::CaPem() const { return impl_->certificates->CaPem(); }

Result<std::unique_ptr<GatewayServer>> GatewayServer::Start(const Options& options,
                                                            const artifacts::Store& store,
                                                            kube::Client& client,
                                                            const Clock& clock,
                                                            const runtime::Log& log) {
  auto impl = std::make_unique<Impl>(client, clock);
  gateway::CertificateOptions names;
  names.folder = options.data_dir / "certificates";
  if (const auto host = HostOf(options.gateway_url); !host.empty()) AddName(names, host);
  for (const auto& name : options.gateway_names) AddName(names, name);
  auto certificates = gateway::Certificates::Open(names, clock);
  if (!certificates) return certificates.error();
  impl->certificates = std::move(*certificates);
  gateway::AddArtifactRoutes(impl->router, {&store, &impl->authenticator, 0});
  gateway::HttpsServerOptions server;
  server.address = options.gateway_address;
  server.port = static_cast<std::uint16_t>(options.gateway_port);
  // Asked anew for each connection, so that a renewed certificate needs no restart.
  server.tls = [certificates = impl->certificates.get()] { return certificates->Current(); };
  server.on_error = [&log](const std::string& what) { log.Write("warn", what); };
  auto started = gateway::HttpsServer::Start(std::move(server), impl->router);
  if (!started) return started.error();
  impl->server = std::move(*started);
  log.Write("info", "the gateway listens on port " + std::to_string(impl->server->port()));
  return std::unique_ptr<GatewayServer>(new GatewayServer(std::move(impl)));
}

}  // namespace penstock::main
