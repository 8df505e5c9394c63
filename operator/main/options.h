// The flags of penstock-operator. Each may be given as an environment variable too.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "operator/artifacts/quota/quotas.h"

namespace penstock::main {

struct Options {
  std::filesystem::path data_dir = "/data";
  std::filesystem::path stores;  // which buckets artifacts stand in; empty = the data folder
  std::filesystem::path metadata_postgres;     // its connection string; empty = SQLite in data_dir
  std::filesystem::path metadata_postgres_ca;  // empty = the system's authorities
  std::vector<std::string> namespaces;         // empty = all
  std::string kubeconfig;
  std::string gateway_address = "0.0.0.0";
  int gateway_port = 8443;
  std::string gateway_url;                 // what pods are told
  std::vector<std::string> gateway_names;  // further names and addresses in its certificate
  std::string launcher_image;
  std::string serve_image;
  std::string router_image;
  std::string components_image;
  std::string git_image;
  std::string library_namespace;
  std::filesystem::path page_dir = "/usr/local/share/penstock/ui";  // of the page (ui/dist)
  std::filesystem::path library_dir;      // empty = the library is somebody else's to install
  std::vector<std::string> source_deny;   // ranges of addresses that are not asked for users
  std::vector<std::string> source_allow;  // those of them that are
  int metrics_port = 8080;
  bool leader_elect = false;
  std::string lease_namespace;  // empty = that of the pod, or of the kubeconfig
  int workers = 8;
  double pods_per_second = 0;                  // 0 = no limit
  int max_pods_per_namespace = 0;              // of runs, at a time; 0 = no limit
  int max_parallelism = 0;                     // of any run; 0 = no limit
  std::uint64_t max_file_bytes = 64ULL << 30;  // of one file of an artifact; 0 = no limit
  artifacts::Quotas store_quotas;              // of what namespaces may hold
  std::chrono::seconds gc_interval = std::chrono::hours(24);         // 0 = none
  std::chrono::seconds gc_grace = std::chrono::hours(24 * 7);        // of what nothing refers to
  std::chrono::seconds gc_keep_cache = std::chrono::hours(24 * 30);  // of what only caches do
  bool ask_registries = false;
  bool webhooks = false;              // the gateway takes deliveries at /hooks/
  std::string lineage_url;            // of an OpenLineage server; empty: nobody is told
  std::filesystem::path lineage_key;  // the file with its bearer token; empty: none
  std::string approval_policy;        // empty: no Approval counts
  // What steps may say under `pod`.
  std::vector<std::string> pod_fields = {"annotations", "dnsConfig",      "dnsPolicy",
                                         "hostAliases", "labels",         "resourceClaims",
                                         "resources",   "securityContext"};
  // People at the page and the API, beside those with bearer tokens.
  std::string public_url;   // where browsers find the gateway
  std::string oidc_issuer;  // empty: nobody can log in
  std::string oidc_client_id;
  std::filesystem::path oidc_client_secret;  // a file; empty: a public client
  std::filesystem::path oidc_ca;             // of the issuer's server; empty: the system's roots
  std::vector<std::string> oidc_scopes;      // beside openid
  std::string oidc_username_claim = "sub", oidc_username_prefix, oidc_groups_claim,
              oidc_groups_prefix;
  std::filesystem::path session_key;
  std::chrono::seconds session_lifetime = std::chrono::hours(12);
  bool client_certificates = false;  // of the cluster's authority
  std::filesystem::path client_ca;   // instead of the cluster's
  std::string log_level = "info";
};

// The options, or the exit code of a program that ends here (--help, a flag that is wrong).
[[nodiscard]] std::variant<Options, int> ParseOptions(int argc, char** argv);

}  // namespace penstock::main
