#include "operator/main/gateway_server.h"

#include "operator/base/file.h"
#include "operator/base/pause.h"
#include "operator/base/try.h"
#include "operator/gateway/api/cluster_authorities.h"
#include "operator/gateway/artifact_routes.h"
#include "operator/gateway/mlflow/mlflow_routes.h"
#include "operator/kube/resources.h"
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

constexpr std::size_t kMostPem = 1 << 20;
constexpr std::chrono::seconds kAuthoritiesAgain{60};

Result<void> CheckAuthoritiesOf(const std::filesystem::path& file, const std::string& pem) {
  auto good = gateway::login::CheckAuthorities(pem);
  if (!good) return Wrap(file.string(), good.error());
  return good;
}

void AddName(gateway::CertificateOptions& names, const std::string& name) {
  const bool address = name.find_first_not_of("0123456789.") == std::string::npos ||
                       name.find(':') != std::string::npos;
  (address ? names.addresses : names.dns_names).push_back(name);
}

constexpr const char* kApiRedirect = "/api/v1/auth/callback";

// The address of browsers without a path: "https://host[:port]".
Result<std::string> OriginOf(const std::string& url) {
  const auto parsed = net::ParseUrl(url);
  if (!parsed) return Wrap("--public-url", parsed.error());
  if (!parsed->tls || (!parsed->target.empty() && parsed->target != "/"))
    return Invalid("--public-url: " + url + " must be https://host[:port] and nothing more");
  return parsed->Base();
}

// Nobody can log in where no issuer is named.
Result<void> MakeLogin(const Options& o, const Clock& clock,
                       std::map<std::string, std::string> environment, GatewayServer& gateway) {
  if (!o.public_url.empty()) {
    PENSTOCK_ASSIGN(gateway.api.origin, OriginOf(o.public_url));
  }
  if (o.oidc_issuer.empty()) return {};
  gateway::login::ProviderSettings settings;
  settings.issuer = o.oidc_issuer;
  settings.client_id = o.oidc_client_id;
  settings.client_secret = o.oidc_client_secret;
  settings.redirect_uri = gateway.api.origin + kApiRedirect;
  settings.scopes = o.oidc_scopes;
  settings.claims = {o.oidc_username_claim, o.oidc_username_prefix, o.oidc_groups_claim,
                     o.oidc_groups_prefix};
  settings.environment = std::move(environment);
  if (!o.oidc_ca.empty()) {
    PENSTOCK_ASSIGN(settings.ca_pem, ReadFile(o.oidc_ca, kMostPem));
    PENSTOCK_TRY(CheckAuthoritiesOf(o.oidc_ca, settings.ca_pem));
  }
  PENSTOCK_ASSIGN(const std::string key, ReadFile(o.session_key, kMostPem));
  auto seal = gateway::login::Seal::Make(key);
  if (!seal) return Wrap("--session-key-file " + o.session_key.string(), seal.error());
  auto sessions = gateway::login::Sessions::Open(
      *std::move(seal), {o.session_lifetime, o.data_dir / "sessions-ended"}, clock);
  if (!sessions) return Wrap("sessions that were logged out", sessions.error());
  auto provider = gateway::login::Provider::Make(std::move(settings), clock);
  if (!provider) return Wrap("--oidc-issuer-url", provider.error());
  gateway.sessions = *std::move(sessions);
  gateway.provider = *std::move(provider);
  gateway.api.login = gateway::Login{gateway.provider.get(), gateway.sessions.get()};
  return {};
}

// Asked for again each minute, as authorities are changed; what was known holds on in trouble.
// Where there are none, none is trusted any more.
void FollowAuthorities(kube::Client& client, gateway::login::TlsWithClients& tls,
                       const runtime::Log& log, const std::stop_token& stop) {
  std::string told;
  while (!stop.stop_requested()) {
    const auto trusted = gateway::TrustCluster(client, tls, stop);
    const std::string trouble = trusted ? "" : trusted.error().message;
    if (!trouble.empty() && trouble != told && !stop.stop_requested())
      log.Write("warn",
                "client certificates: the ConfigMap extension-apiserver-authentication of "
                "kube-system: " +
                    trouble);
    told = trouble;
    Pause(kAuthoritiesAgain, stop);
  }
}

}  // namespace

Result<std::unique_ptr<GatewayServer>> StartGateway(const Options& options,
                                                    const artifacts::Store& store, ApiSettings api,
                                                    kube::Client& client, const Clock& clock,
                                                    const runtime::Log& log) {
  const std::filesystem::path page = api.page;
  retention::StoreKeeper* const keeper = api.keeper;
  const gateway::TellOfHook tell_of_hook = api.tell_of_hook;
  auto environment = std::move(api.environment);
  auto gateway = std::make_unique<GatewayServer>(client, clock, UsableMemory() / kBodyShare, store,
                                                 std::move(api));
  gateway::CertificateOptions names;
  names.folder = options.data_dir / "certificates";
  if (const auto url = net::ParseUrl(options.gateway_url)) AddName(names, url->host);
  if (const auto url = net::ParseUrl(options.public_url)) AddName(names, url->host);
  for (const auto& name : options.gateway_names) AddName(names, name);
  auto certificates = gateway::Certificates::Open(names, clock);
  if (!certificates) return certificates.error();
  gateway->certificates = std::move(*certificates);
  gateway->grants = std::make_unique<gateway::StepGrants>(
      client, store, clock, gateway::TaskPlaces{plan::kAnnotationTask, plan::kConfigVolume});
  gateway::AddArtifactRoutes(
      gateway->router, {&store, &gateway->authenticator, options.max_file_bytes, &gateway->bodies,
                        gateway->grants.get()});
  PENSTOCK_TRY(MakeLogin(options, clock, std::move(environment), *gateway));
  gateway->access = std::make_unique<gateway::PeopleAccess>(
      gateway->tokens, gateway->sessions.get(), clock,
      options.client_ca.empty() ? gateway::login::Signer::kCluster
                                : gateway::login::Signer::kOther);
  gateway->api.place = &gateway->place;
  gateway->api.access = gateway->access.get();
  gateway->api.acting = &gateway->acting;
  gateway->api.bodies = &gateway->bodies;
  gateway->api.events = &gateway->events;
  gateway->api.audit = [&log](const std::string& line) { log.Write("info", line); };
  gateway->api.keeper = keeper;
  gateway::AddApi(gateway->router, gateway->api);
  gateway::AddMlflow(gateway->router, {&gateway->tracking, &gateway->tokens, &gateway->bodies,
                                       &clock, options.namespaces, &store, options.max_file_bytes});
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
  gateway->tls = std::make_unique<gateway::login::TlsWithClients>(
      [certificates = gateway->certificates.get()] { return certificates->Current(); });
  if (!options.client_ca.empty()) {
    PENSTOCK_ASSIGN(std::string pem, ReadFile(options.client_ca, kMostPem));
    PENSTOCK_TRY(CheckAuthoritiesOf(options.client_ca, pem));
    gateway->tls->Trust(std::move(pem));
  }
  server.tls = [tls = gateway->tls.get()] { return tls->Current(); };
  server.on_error = [&log](const std::string& what) { log.Write("warn", what); };
  auto started = net::HttpServer::Start(
      std::move(server),
      [&router = gateway->router](net::Exchange& exchange) { router.Dispatch(exchange); });
  if (!started) return started.error();
  gateway->server = std::move(*started);
  if (options.client_certificates && options.client_ca.empty())
    gateway->authorities =
        std::jthread([&client, &log, tls = gateway->tls.get()](const std::stop_token& stop) {
          FollowAuthorities(client, *tls, log, stop);
        });
  log.Write("info", "the gateway listens on port " + std::to_string(gateway->server->port()));
  return gateway;
}

}  // namespace penstock::main
