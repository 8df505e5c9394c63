// What the routers of a namespace are told to do: a value, made by a TableSource (a file, the API
// server) and read by the data plane, which knows nothing of Kubernetes. Thread rule as for any
// value; shared as shared_ptr<const RouteTable>.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::router {

// A share of requests in hundredths of a percent: "5%" is 500, all of them 10,000.
inline constexpr int kWhole = 10'000;
// "5%", "0.25%", "100%": at most two digits after the point; Invalid for anything else.
[[nodiscard]] Result<int> ParseShare(std::string_view text);
[[nodiscard]] std::string FormatShare(int share);

// One server of a version that is Ready. One that is left out of the next table gets no new
// request; those that it has are finished.
struct Endpoint {
  std::string address;  // an IP address, v4 or v6 without brackets
  std::uint16_t port = 0;
  std::uint16_t grpc_port = 0;  // where it answers gRPC; 0: nowhere
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct VersionRoute {
  std::int64_t version = 0;
  int weight = 0;  // of kWhole; the weights of a deployment add up to kWhole
  int shadow = 0;  // share of the deployment's requests that are copied to this version
  // Beyond it (server errors, time-outs, and 4xx of a kind that the other versions do not give, of
  // the requests) routers whose operator is silent give the version weight 0 by themselves.
  std::optional<double> max_error_rate = {};
  std::vector<Endpoint> endpoints = {};
  friend bool operator==(const VersionRoute&, const VersionRoute&) = default;
};

// Requests that wait while their version has no endpoint (scaled to zero, all pods just evicted).
struct HoldBounds {
  int requests = 1000;              // of one deployment; 0: none is held
  std::int64_t bytes = 64LL << 20;  // of their heads and bodies, in memory
  std::chrono::milliseconds time{60'000};
  friend bool operator==(const HoldBounds&, const HoldBounds&) = default;
};

// The port speaks TLS. Keys stand in files, never in a table.
struct TlsRoute {
  std::string secret;  // for messages
  std::string certificate_file = {};
  std::string key_file = {};
  friend bool operator==(const TlsRoute&, const TlsRoute&) = default;
};

// Requests need a bearer token, but for probes.
struct TokenRoute {
  std::string issuer;
  std::vector<std::string> audiences = {};
  std::string keys = {};  // a JSON Web Key Set; empty: keys_file holds it, or keys_uri gives it
  std::string keys_file = {};
  std::string from = {};      // for messages: "ConfigMap issuer, key jwks.json"
  std::string keys_uri = {};  // https
  std::string ca_file = {};   // PEM of who is trusted as its server; empty: the system's
  friend bool operator==(const TokenRoute&, const TokenRoute&) = default;
};

struct DeploymentRoute {
  std::string name;              // of the ModelDeployment
  std::string resource_version;  // acknowledged in observations once this route is in use
  std::uint16_t port = 0;        // where the routers listen for it (HTTP)
  std::uint16_t grpc_port = 0;   // the same for gRPC; 0: nowhere
  // Exactly one version may have all the weight; with none at all (an empty list) every request is
  // answered 503.
  std::vector<VersionRoute> versions = {};
  // From the request's head read to the first byte of the answer, tries and holding included.
  std::chrono::milliseconds timeout{60'000};
  HoldBounds hold = {};
  std::string shadow_output;  // the output whose values are compared; empty: the answer's first
  std::optional<double> shadow_threshold = {};  // a decision is a value above it
  std::optional<TlsRoute> tls = {};
  std::optional<TokenRoute> tokens = {};
  friend bool operator==(const DeploymentRoute&, const DeploymentRoute&) = default;
};

struct RouteTable {
  std::vector<DeploymentRoute> deployments = {};
  friend bool operator==(const RouteTable&, const RouteTable&) = default;
};

// Names and ports unique, weights add up to kWhole, versions unique, addresses IP addresses:
// Invalid names the deployment and what to do.
[[nodiscard]] Result<void> Check(const RouteTable& table);

// {"deployments": [{"name", "resourceVersion", "port", "grpcPort", "timeout": "60s",
// "shadowOutput",
//   "shadowThreshold": 0.5, "hold": {"requests", "bytes", "time"}, "tls": {"secret",
//   "certificateFile", "keyFile"}, "tokens": {"issuer", "audiences": [], "keys" or "keysFile" or
//   "keysUri" with "caFile", "from"}, "versions": [{"version",
//   "weight": "95%", "shadow": "0%", "maxErrorRate": "1%",
//   "endpoints": ["10.0.0.1:8080", {"at": "[::1]:8080", "grpcPort": 8081}]}]}]}; what is left out
//   has the defaults above.
//   Also the form of the file that a router keeps. Reading ends with Check.
[[nodiscard]] Json ToJson(const RouteTable& table);
[[nodiscard]] Result<RouteTable> ParseRouteTable(std::string_view text, const std::string& what);

}  // namespace penstock::router
