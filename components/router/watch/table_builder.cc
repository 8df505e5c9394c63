#include "components/router/watch/table_builder.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

#include "operator/base/json_member.h"
#include "operator/base/try.h"

namespace penstock::router {
namespace {

using Endpoints = std::map<std::pair<std::string, std::int64_t>, std::vector<Endpoint>>;

// 0: no whole number.
std::int64_t Whole(const std::string& text) {
  std::int64_t v = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
  return r.ec == std::errc{} && r.ptr == text.data() + text.size() ? v : 0;
}

std::optional<std::uint16_t> PortOf(const Json& port) {
  if (!port.is_number_integer() || port < 1 || port > 65535) return std::nullopt;
  return port.get<std::uint16_t>();
}

// --- EndpointSlices

// The port named http, or else the first.
std::optional<std::uint16_t> ServingPort(const Json& slice) {
  std::optional<std::uint16_t> found;
  for (const Json& port : Member(slice, "ports")) {
    const auto number = PortOf(Member(port, "port"));
    if (!number) continue;
    if (TextAt(port, "name") == "http") return number;
    if (!found) found = number;
  }
  return found;
}

// The port named grpc; 0: none.
std::uint16_t GrpcPortOf(const Json& slice) {
  for (const Json& port : Member(slice, "ports"))
    if (TextAt(port, "name") == "grpc") return PortOf(Member(port, "port")).value_or(0);
  return 0;
}

// Absent conditions are taken as Kubernetes says: ready and serving, not terminating.
bool TakesRequests(const Json& endpoint) {
  const Json& conditions = Member(endpoint, "conditions");
  const auto is = [&](const char* name, bool otherwise) {
    const Json& c = Member(conditions, name);
    return c.is_boolean() ? c.get<bool>() : otherwise;
  };
  return is("ready", true) && is("serving", true) && !is("terminating", false);
}

void AddEndpoints(const Json& slice, Endpoints& endpoints) {
  const Json& labels = Member(Member(slice, "metadata"), "labels");
  const std::string deployment = TextAt(labels, kLabelModelDeployment);
  const std::int64_t version = Whole(TextAt(labels, kLabelModelVersion));
  const auto port = ServingPort(slice);
  if (deployment.empty() || version <= 0 || !port || TextAt(slice, "addressType") == "FQDN") return;
  auto& of_version = endpoints[{deployment, version}];
  for (const Json& endpoint : Member(slice, "endpoints")) {
    const Json& addresses = Member(endpoint, "addresses");
    // All addresses of one endpoint are the same server: the first counts.
    if (!TakesRequests(endpoint) || !addresses.is_array() || addresses.empty()) continue;
    if (addresses.front().is_string())
      of_version.push_back({addresses.front().get<std::string>(), *port, GrpcPortOf(slice)});
  }
}

Endpoints EndpointsOf(const std::vector<kube::ObjectPtr>& slices) {
  Endpoints endpoints;
  for (const auto& slice : slices) AddEndpoints(*slice, endpoints);
  const auto order = [](const Endpoint& a, const Endpoint& b) {
    return std::tie(a.address, a.port, a.grpc_port) < std::tie(b.address, b.port, b.grpc_port);
  };
  for (auto& [_, of_version] : endpoints) {
    std::sort(of_version.begin(), of_version.end(), order);
    of_version.erase(std::unique(of_version.begin(), of_version.end()), of_version.end());
  }
  return endpoints;
}

// --- ModelDeployments

Result<int> ShareAt(const Json& entry, const char* key) {
  const Json& share = Member(entry, key);
  if (share.is_null()) return 0;
  if (!share.is_string()) return Invalid(std::string(key) + " is no text");
  if (share.get_ref<const std::string&>().empty()) return 0;
  auto parsed = ParseShare(share.get<std::string>());
  if (!parsed) return Wrap(key, parsed.error());
  return parsed;
}

// "0.25%" as 0.0025, with as many digits as the API takes.
Result<std::optional<double>> MaxErrorRate(const Json& entry) {
  const std::string text = TextAt(entry, "maxErrorRate");
  if (text.empty()) return std::optional<double>();
  double percent = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), percent);
  const bool whole =
      r.ec == std::errc{} && std::string_view(r.ptr, text.data() + text.size()) == "%";
  if (!whole || percent < 0 || percent > 100)
    return Invalid("maxErrorRate is no percentage: " + text);
  return std::optional(percent / 100);
}

Result<VersionRoute> ReadShare(const Json& entry) {
  VersionRoute route;
  const Json& version = Member(entry, "version");
  if (!version.is_number_integer() || version < 1) return Invalid("version is no number above 0");
  route.version = version.get<std::int64_t>();
  auto weight = ShareAt(entry, "weight");
  if (!weight) return weight.error();
  auto shadow = ShareAt(entry, "shadow");
  if (!shadow) return shadow.error();
  auto max_error_rate = MaxErrorRate(entry);
  if (!max_error_rate) return max_error_rate.error();
  route.weight = *weight;
  route.shadow = *shadow;
  route.max_error_rate = *max_error_rate;
  return route;
}

std::optional<double> NumberOf(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

// A name that leads out of the folder of its kind is none.
Result<std::string> FileName(const Json& object, const char* member) {
  std::string name = TextAt(object, member);
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    return Invalid(std::string(member) + " is no name");
  return name;
}

Result<TlsRoute> ReadTls(const Json& tls, const std::filesystem::path& edge) {
  PENSTOCK_ASSIGN(std::string secret, FileName(tls, "secretName"));
  const std::filesystem::path folder = edge / "secrets" / secret;
  return TlsRoute{std::move(secret), folder / "tls.crt", folder / "tls.key"};
}

Result<TokenRoute> ReadTokens(const Json& jwt, const std::filesystem::path& edge) {
  TokenRoute tokens;
  tokens.issuer = TextAt(jwt, "issuer");
  for (const Json& audience : Member(jwt, "audiences"))
    if (audience.is_string()) tokens.audiences.push_back(audience.get<std::string>());
  const Json& keys = Member(jwt, "jwks");
  tokens.keys = TextAt(keys, "inline");
  tokens.from = "expose.jwt.jwks.inline";
  if (const Json& map = Member(keys, "configMap"); !map.is_null()) {
    PENSTOCK_ASSIGN(const std::string name, FileName(map, "name"));
    PENSTOCK_ASSIGN(const std::string key, FileName(map, "key"));
    tokens.keys_file = edge / "configmaps" / name / key;
    tokens.from = "ConfigMap " + name + ", key " + key;
  }
  if (tokens.keys_uri = TextAt(keys, "uri"); !tokens.keys_uri.empty())
    tokens.from = "expose.jwt.jwks.uri " + tokens.keys_uri;
  if (const Json& map = Member(Member(keys, "ca"), "configMap"); !map.is_null()) {
    PENSTOCK_ASSIGN(const std::string name, FileName(map, "name"));
    PENSTOCK_ASSIGN(const std::string key, FileName(map, "key"));
    tokens.ca_file = edge / "configmaps" / name / key;
  }
  return tokens;
}

// What guards a port is never left out because it could not be read.
Result<void> ReadExpose(const Json& expose, const std::filesystem::path& edge,
                        DeploymentRoute* route) {
  if (const Json& tls = Member(expose, "tls"); !tls.is_null()) {
    auto read = ReadTls(tls, edge);
    if (!read) return Wrap("spec.expose.tls", read.error());
    route->tls = *std::move(read);
  }
  if (const Json& jwt = Member(expose, "jwt"); !jwt.is_null()) {
    auto read = ReadTokens(jwt, edge);
    if (!read) return Wrap("spec.expose.jwt", read.error());
    route->tokens = *std::move(read);
  }
  return {};
}

// Without endpoints. nullopt: it goes through no router.
Result<std::optional<DeploymentRoute>> ReadRoute(const Json& md,
                                                 const std::filesystem::path& edge) {
  const Json& status = Member(md, "status");
  const Json& traffic = Member(status, "traffic");
  if (!traffic.is_array() || traffic.empty()) return std::optional<DeploymentRoute>();
  const auto port = PortOf(Member(Member(status, "router"), "port"));
  if (!port) return Invalid("status.router.port is no port");
  DeploymentRoute route;
  route.name = TextAt(Member(md, "metadata"), "name");
  route.resource_version = kube::ResourceVersionOf(md);
  route.port = *port;
  const Json& grpc_port = Member(Member(status, "router"), "grpcPort");
  if (!grpc_port.is_null() && grpc_port != 0) {
    const auto number = PortOf(grpc_port);
    if (!number) return Invalid("status.router.grpcPort is no port");
    route.grpc_port = *number;
  }
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    auto version = ReadShare(traffic[i]);
    if (!version) return Wrap("status.traffic[" + std::to_string(i) + "]", version.error());
    route.versions.push_back(*std::move(version));
    if (route.shadow_output.empty()) route.shadow_output = TextAt(traffic[i], "compareOutput");
    if (const std::string text = TextAt(traffic[i], "compareThreshold"); !text.empty()) {
      const auto threshold = NumberOf(text);
      if (!threshold) return Invalid("status.traffic: compareThreshold " + text + " is no number");
      route.shadow_threshold = *threshold;
    }
  }
  if (auto read = ReadExpose(Member(Member(md, "spec"), "expose"), edge, &route); !read)
    return read.error();
  if (auto good = Check(RouteTable{{route}}); !good) return good.error();
  return std::optional(std::move(route));
}

}  // namespace

void TrimModelDeployment(Json& object) {
  const Json& metadata = object.at("metadata");
  Json less;
  for (const char* field : {"name", "namespace", "uid", "resourceVersion"})
    less["metadata"][field] = metadata.at(field);
  for (const char* field : {"router", "traffic"})
    if (const Json& value = Member(Member(object, "status"), field); !value.is_null())
      less["status"][field] = value;
  if (const Json& expose = Member(Member(object, "spec"), "expose"); !expose.is_null())
    less["spec"]["expose"] = expose;
  object = std::move(less);
}

void TrimEndpointSlice(Json& object) {
  const Json& metadata = object.at("metadata");
  Json less;
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "labels"})
    less["metadata"][field] = metadata.at(field);
  for (const char* field : {"addressType", "ports"})
    if (const Json& value = Member(object, field); !value.is_null()) less[field] = value;
  for (const Json& endpoint : Member(object, "endpoints"))
    less["endpoints"].push_back({{"addresses", Member(endpoint, "addresses")},
                                 {"conditions", Member(endpoint, "conditions")}});
  object = std::move(less);
}

void TableBuilder::Remember(const RouteTable& table) {
  for (const DeploymentRoute& route : table.deployments) last_[route.name] = route;
}

RouteTable TableBuilder::Build(const std::vector<kube::ObjectPtr>& model_deployments,
                               const std::vector<kube::ObjectPtr>& endpoint_slices) {
  problems_.clear();
  Endpoints endpoints = EndpointsOf(endpoint_slices);
  std::map<std::string, DeploymentRoute> routes;
  std::map<std::uint16_t, std::string> ports;  // who has it
  // What guards its port is today's, as far as it is known at all.
  const auto keep_last = [&](const Json& md, const std::string& name, const std::string& why) {
    problems_.push_back("ModelDeployment " + name + ": " + why);
    const auto last = last_.find(name);
    if (last == last_.end()) return;
    DeploymentRoute kept = last->second;
    kept.tls.reset();
    kept.tokens.reset();
    if (ReadExpose(Member(Member(md, "spec"), "expose"), edge_, &kept) && Check({{kept}}))
      routes[name] = std::move(kept);
  };
  for (const auto& md : model_deployments) {
    const std::string name = TextAt(Member(*md, "metadata"), "name");
    if (!Member(*md, "status").contains("router")) {
      if (last_.contains(name))
        keep_last(*md, name, "it has lost its status; its last route is kept");
      continue;
    }
    auto route = ReadRoute(*md, edge_);
    if (!route) {
      keep_last(*md, name, route.error().message + "; its last route is kept");
    } else if (*route) {
      routes[name] = **std::move(route);
    }
  }
  RouteTable table;
  for (auto& [name, route] : routes) {
    const auto [owner, first] = ports.try_emplace(route.port, name);
    if (!first) {
      problems_.push_back("ModelDeployment " + name + ": port " + std::to_string(route.port) +
                          " is that of " + owner->second + "; it is not routed");
      continue;
    }
    if (route.grpc_port != 0 && !ports.try_emplace(route.grpc_port, name).second) {
      problems_.push_back("ModelDeployment " + name + ": port " + std::to_string(route.grpc_port) +
                          " is that of " + ports[route.grpc_port] + "; its gRPC is not routed");
      route.grpc_port = 0;
    }
    for (VersionRoute& version : route.versions) {
      const auto found = endpoints.find({name, version.version});
      version.endpoints = found == endpoints.end() ? std::vector<Endpoint>() : found->second;
    }
    table.deployments.push_back(std::move(route));
  }
  last_.clear();
  Remember(table);
  return table;
}

}  // namespace penstock::router
