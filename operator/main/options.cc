#include "operator/main/options.h"

#include <CLI/CLI.hpp>

#include "operator/base/time.h"

namespace penstock::main {
namespace {

void AddDuration(CLI::App& app, const char* name, std::chrono::seconds& value,
                 std::chrono::seconds least, const char* about) {
  app.add_option_function<std::string>(
         name,
         [&value, name, least](const std::string& text) {
           const auto duration = ParseDuration(text);
           const std::string what = std::string(name) + ": ";
           if (!duration) throw CLI::ValidationError(what + duration.error().message);
           if (*duration < least)
             throw CLI::ValidationError(what + text + " is under " + FormatDuration(least));
           value = std::chrono::duration_cast<std::chrono::seconds>(*duration);
         },
         about)
      ->default_str(FormatDuration(value));
}

void AddPeople(CLI::App& app, Options& o) {
  app.add_option("--public-url", o.public_url,
                 "Where browsers find the gateway, https://host[:port]; for --oidc-issuer-url");
  auto* issuer = app.add_option("--oidc-issuer-url", o.oidc_issuer,
                                "OpenID provider at which people log in; none: nobody does");
  auto* client = app.add_option("--oidc-client-id", o.oidc_client_id, "The client's id there");
  app.add_option("--oidc-client-secret-file", o.oidc_client_secret,
                 "File with the client's secret; none: a public client");
  app.add_option("--oidc-ca-file", o.oidc_ca,
                 "Authorities of the issuer's server; the system's when absent")
      ->check(CLI::ExistingFile);
  app.add_option("--oidc-scopes", o.oidc_scopes, "Scopes to ask for beside openid")->delimiter(',');
  app.add_option("--oidc-username-claim", o.oidc_username_claim, "Claim that is the user")
      ->capture_default_str();
  app.add_option("--oidc-username-prefix", o.oidc_username_prefix,
                 "Before the user; none: the issuer's URL and #, but nothing before an email; "
                 "-: nothing");
  app.add_option("--oidc-groups-claim", o.oidc_groups_claim,
                 "Claim that has the groups; none: nobody has groups");
  app.add_option("--oidc-groups-prefix", o.oidc_groups_prefix, "Before each group");
  auto* key = app.add_option("--session-key-file", o.session_key,
                             "File with at least 32 bytes that seal the cookies of sessions");
  AddDuration(app, "--session-lifetime", o.session_lifetime, std::chrono::minutes(1),
              "How long a session lasts at most (12h)");
  issuer->needs(client)->needs(key)->needs("--public-url");
  app.add_flag("--client-certificates", o.client_certificates,
               "Take client certificates of the cluster's authority, as the ConfigMap "
               "extension-apiserver-authentication of kube-system has it");
  app.add_option("--client-ca-file", o.client_ca,
                 "Take client certificates of these authorities instead of the cluster's")
      ->check(CLI::ExistingFile);
}

}  // namespace

std::variant<Options, int> ParseOptions(int argc, char** argv) {
  Options o;
  CLI::App app("The Penstock operator: runs pipelines and serves their models on Kubernetes.");
  app.add_option("--data-dir", o.data_dir, "Folder of artifacts, certificates and history")
      ->envname("PENSTOCK_DATA_DIR")
      ->capture_default_str();
  app.add_option(
         "--stores", o.stores,
         "JSON file of the buckets that artifacts stand in, for all namespaces or for some; "
         "without one they stand in the data folder")
      ->envname("PENSTOCK_STORES")
      ->check(CLI::ExistingFile);
  app.add_option("--metadata-postgres", o.metadata_postgres,
                 "File with the connection string of the PostgreSQL database that history is kept "
                 "in, postgresql://user:password@host/database, read again for each connection; "
                 "without one history is a file of the data folder")
      ->envname("PENSTOCK_METADATA_POSTGRES");
  app.add_option("--metadata-postgres-ca", o.metadata_postgres_ca,
                 "File with the authorities that the PostgreSQL server is held to, PEM; the "
                 "system's when absent or where there is none")
      ->envname("PENSTOCK_METADATA_POSTGRES_CA");
  app.add_option("--namespace,--namespaces", o.namespaces, "Namespaces to watch; all when absent")
      ->envname("PENSTOCK_NAMESPACES")
      ->delimiter(',');
  app.add_option("--kubeconfig", o.kubeconfig, "Kubeconfig file; the pod's account when absent");
  app.add_option("--gateway-address", o.gateway_address, "Address that the gateway listens on")
      ->capture_default_str();
  app.add_option("--gateway-port", o.gateway_port, "Port that the gateway listens on")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--gateway-url", o.gateway_url, "URL at which pods reach the gateway")
      ->envname("PENSTOCK_GATEWAY_URL")
      ->required();
  app.add_option("--gateway-dns-names", o.gateway_names,
                 "More names or addresses for the gateway's certificate")
      ->delimiter(',');
  app.add_option("--launcher-image", o.launcher_image, "Image with the launcher")
      ->envname("PENSTOCK_LAUNCHER_IMAGE")
      ->required();
  app.add_option("--serve-image", o.serve_image, "Image of the model server")
      ->envname("PENSTOCK_SERVE_IMAGE")
      ->required();
  app.add_option("--router-image", o.router_image,
                 "Image of the routers, which split the traffic of versions; none: no "
                 "ModelDeployment can go through routers")
      ->envname("PENSTOCK_ROUTER_IMAGE");
  app.add_option("--components-image", o.components_image, "Image of the component library")
      ->envname("PENSTOCK_COMPONENTS_IMAGE")
      ->required();
  app.add_option("--git-image", o.git_image, "Image that fetches code.git")
      ->envname("PENSTOCK_GIT_IMAGE")
      ->required();
  app.add_option("--library-namespace", o.library_namespace,
                 "Namespace of the component library; the operator's own when absent");
  app.add_option(
      "--page-dir", o.page_dir,
      "The page for people (ui/dist); where it is not there, the API answers without it");
  app.add_option(
      "--library-dir", o.library_dir,
      "Folder of the component library's manifests, which are created where they are missing");
  app.add_option("--source-deny", o.source_deny,
                 "Ranges of addresses (10.0.0.0/8) that the operator asks for no user")
      ->delimiter(',');
  app.add_option("--source-allow", o.source_allow,
                 "Ranges that --source-deny does not keep it from")
      ->delimiter(',');
  app.add_option("--metrics-port", o.metrics_port, "Port of /metrics, /livez and /readyz")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_flag("--leader-elect", o.leader_elect, "Work only while holding the lease");
  app.add_option("--lease-namespace", o.lease_namespace,
                 "Namespace of the lease; the operator's own when absent");
  app.add_option("--workers", o.workers, "Runs that are reconciled at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--pods-per-second", o.pods_per_second,
                 "Pods that all runs together create a second; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-pods-per-namespace", o.max_pods_per_namespace,
                 "Pods that the runs of one namespace may have at a time, but for daemons; 0: no "
                 "limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-parallelism", o.max_parallelism,
                 "Steps and items that one run may have going at a time, whatever its parallelism "
                 "says; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-file-size", o.max_file_bytes,
                 "Largest file that an artifact may hold, in bytes or as 64Gi; 0: no limit")
      ->transform(CLI::AsSizeValue(true))
      ->capture_default_str();
  std::vector<std::string> quotas;
  app.add_option(
         "--store-quota", quotas,
         "How much of artifacts a namespace may hold: NAMESPACE=100Gi, or 10Gi for all that "
         "are not named; 0: no limit")
      ->delimiter(',');
  AddDuration(app, "--store-gc-interval", o.gc_interval, std::chrono::seconds(0),
              "Removes artifacts that nothing refers to so often (24h); 0s: never");
  AddDuration(app, "--store-gc-grace", o.gc_grace, std::chrono::hours(1),
              "How long what nothing refers to is kept after its last use, at least 1h; longer "
              "than the longest upload of a step");
  AddDuration(app, "--store-gc-keep-cache", o.gc_keep_cache, std::chrono::hours(1),
              "How long a cache entry is kept after its last use, and a run's artifacts after its "
              "end where its object is gone");
  app.add_flag("--ask-registries", o.ask_registries,
               "Ask registries for the entry points of images whose steps say no command");
  app.add_flag("--webhooks", o.webhooks,
               "Take signed deliveries that start runs, at the gateway's "
               "/hooks/NAMESPACE/PIPELINE/TRIGGER");
  app.add_option("--openlineage-url", o.lineage_url,
                 "Where OpenLineage events of runs and steps are posted to; none: nowhere");
  app.add_option("--openlineage-key-file", o.lineage_key,
                 "File with the bearer token for --openlineage-url");
  app.add_option("--approval-policy", o.approval_policy,
                 "Name of the ValidatingAdmissionPolicy, and of its binding, that hold Approvals "
                 "against who makes them; without it in force none counts");
  app.add_option("--pod-fields", o.pod_fields,
                 "What steps may say of their pods under `pod`; none: nothing")
      ->delimiter(',')
      ->check(CLI::IsMember({"none", "annotations", "dnsConfig", "dnsPolicy", "hostAliases",
                             "labels", "resourceClaims", "resources", "securityContext"}))
      ->capture_default_str();
  AddPeople(app, o);
  app.add_option("--log-level", o.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  }
  auto parsed = artifacts::ParseQuotas(quotas);
  if (!parsed) return app.exit(CLI::ValidationError("--store-quota", parsed.error().message));
  o.store_quotas = *std::move(parsed);
  return o;
}

}  // namespace penstock::main
