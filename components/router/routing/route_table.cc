#include "components/router/routing/route_table.h"

#include <arpa/inet.h>

#include <charconv>
#include <cmath>
#include <set>

#include "operator/base/json.h"
#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::router {

namespace {

constexpr int kMostDigitsAfterPoint = 2;

bool AllDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool IsIpAddress(const std::string& text) {
  in6_addr ignored;
  return inet_pton(AF_INET, text.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

std::string FormatEndpoint(const Endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" +
         std::to_string(endpoint.port);
}

Result<Endpoint> ParseEndpoint(const std::string& text) {
  const auto wrong = [&] {
    return Invalid("endpoint '" + text + "' is not ADDRESS:PORT with an IP address");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  Endpoint endpoint;
  endpoint.address = text.substr(0, colon);
  const std::string port = text.substr(colon + 1);
  const bool brackets = endpoint.address.size() > 2 && endpoint.address.front() == '[' &&
                        endpoint.address.back() == ']';
  if (brackets) endpoint.address = endpoint.address.substr(1, endpoint.address.size() - 2);
  if (brackets != (endpoint.address.find(':') != std::string::npos)) return wrong();
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (ec != std::errc() || end != port.data() + port.size() || endpoint.port == 0) return wrong();
  if (!IsIpAddress(endpoint.address)) return wrong();
  return endpoint;
}

Json EndpointToJson(const Endpoint& endpoint) {
  if (endpoint.grpc_port == 0) return FormatEndpoint(endpoint);
  return {{"at", FormatEndpoint(endpoint)}, {"grpcPort", endpoint.grpc_port}};
}

// Throws Json::exception where it is no number.
Result<std::uint16_t> ReadPort(const Json& json, const std::string& what) {
  const auto port = json.get<std::int64_t>();
  if (port < 1 || port > 65535)
    return Invalid(what + " " + std::to_string(port) + " is not 1 to 65535");
  return static_cast<std::uint16_t>(port);
}

// Throws Json::exception where a field has another type.
Result<Endpoint> ReadEndpoint(const Json& json) {
  if (!json.is_object()) return ParseEndpoint(json.get<std::string>());
  PENSTOCK_ASSIGN(Endpoint endpoint, ParseEndpoint(json.at("at").get<std::string>()));
  PENSTOCK_ASSIGN(endpoint.grpc_port, ReadPort(json.at("grpcPort"), "grpcPort"));
  return endpoint;
}

Result<void> CheckVersions(const DeploymentRoute& route) {
  const std::string where = "deployment '" + route.name + "': ";
  std::set<std::int64_t> versions;
  int sum = 0;
  for (const VersionRoute& version : route.versions) {
    const std::string which = where + "version " + std::to_string(version.version) + ": ";
    if (version.version < 1) return Invalid(which + "versions begin with 1");
    if (!versions.insert(version.version).second) return Invalid(which + "stands there twice");
    if (version.weight < 0 || version.weight > kWhole || version.shadow < 0 ||
        version.shadow > kWhole)
      return Invalid(which + "weight and shadow are 0% to 100%");
    if (version.max_error_rate && !(*version.max_error_rate >= 0 && *version.max_error_rate <= 1))
      return Invalid(which + "maxErrorRate is 0% to 100%");
    for (const Endpoint& endpoint : version.endpoints) {
      if (endpoint.port == 0 || !IsIpAddress(endpoint.address))
        return Invalid(which + "endpoint '" + FormatEndpoint(endpoint) +
                       "' is no IP address and port");
    }
    sum += version.weight;
  }
  if (!route.versions.empty() && sum != kWhole)
    return Invalid(where + "the weights add up to " + FormatShare(sum) + ", not to 100%");
  return {};
}

Json VersionToJson(const VersionRoute& version) {
  Json json = {{"version", version.version},
               {"weight", FormatShare(version.weight)},
               {"shadow", FormatShare(version.shadow)},
               {"endpoints", Json::array()}};
  if (version.max_error_rate)
    json["maxErrorRate"] =
        FormatShare(static_cast<int>(std::lround(*version.max_error_rate * kWhole)));
  for (const Endpoint& endpoint : version.endpoints)
    json["endpoints"].push_back(EndpointToJson(endpoint));
  return json;
}

// Throws Json::exception where a field has another type.
Result<VersionRoute> ReadVersion(const Json& json) {
  VersionRoute version;
  version.version = json.at("version").get<std::int64_t>();
  PENSTOCK_ASSIGN(version.weight, ParseShare(json.value("weight", "0%")));
  PENSTOCK_ASSIGN(version.shadow, ParseShare(json.value("shadow", "0%")));
  if (json.contains("maxErrorRate")) {
    PENSTOCK_ASSIGN(const int bound, ParseShare(json.at("maxErrorRate").get<std::string>()));
    version.max_error_rate = static_cast<double>(bound) / kWhole;
  }
  for (const Json& one : json.value("endpoints", Json::array())) {
    PENSTOCK_ASSIGN(Endpoint endpoint, ReadEndpoint(one));
    version.endpoints.push_back(std::move(endpoint));
  }
  return version;
}

Result<void> ReadHold(const Json& json, HoldBounds* hold) {
  hold->requests = json.value("requests", hold->requests);
  hold->bytes = json.value("bytes", hold->bytes);
  if (json.contains("time")) {
    PENSTOCK_ASSIGN(hold->time, ParseDuration(json.at("time").get<std::string>()));
  }
  return {};
}

Json EdgeToJson(const TlsRoute& tls) {
  return {
      {"secret", tls.secret}, {"certificateFile", tls.certificate_file}, {"keyFile", tls.key_file}};
}

Json EdgeToJson(const TokenRoute& tokens) {
  Json json = {{"issuer", tokens.issuer}, {"audiences", tokens.audiences}, {"from", tokens.from}};
  const auto put = [&json](const char* name, const std::string& text) {
    if (!text.empty()) json[name] = text;
  };
  put("keys", tokens.keys);
  put("keysFile", tokens.keys_file);
  put("keysUri", tokens.keys_uri);
  put("caFile", tokens.ca_file);
  return json;
}

// Throws Json::exception where a field is missing or has another type: what guards a port is never
// left out because it could not be read.
void ReadEdge(const Json& json, DeploymentRoute* route) {
  if (json.contains("tls")) {
    const Json& tls = json.at("tls");
    route->tls = {tls.value("secret", ""), tls.at("certificateFile").get<std::string>(),
                  tls.at("keyFile").get<std::string>()};
  }
  if (json.contains("tokens")) {
    const Json& tokens = json.at("tokens");
    route->tokens = {tokens.at("issuer").get<std::string>(),
                     tokens.at("audiences").get<std::vector<std::string>>(),
                     tokens.value("keys", ""),
                     tokens.value("keysFile", ""),
                     tokens.value("from", "the keys"),
                     tokens.value("keysUri", ""),
                     tokens.value("caFile", "")};
  }
}

Result<void> CheckEdge(const DeploymentRoute& route) {
  const std::string where = "deployment '" + route.name + "': ";
  if (route.tls && (route.tls->certificate_file.empty() || route.tls->key_file.empty()))
    return Invalid(where + "tls needs certificateFile and keyFile");
  if (route.tokens && (route.tokens->issuer.empty() || route.tokens->audiences.empty()))
    return Invalid(where + "tokens need an issuer and audiences");
  if (route.tokens) {
    const TokenRoute& tokens = *route.tokens;
    if (!tokens.keys.empty() + !tokens.keys_file.empty() + !tokens.keys_uri.empty() != 1)
      return Invalid(where + "tokens need one of keys, keysFile and keysUri");
    // Who answers in an issuer's place decides whom everybody takes for whom.
    if (!tokens.keys_uri.empty() && !tokens.keys_uri.starts_with("https://"))
      return Invalid(where + "keysUri must be https");
  }
  return {};
}

Result<DeploymentRoute> ReadDeployment(const Json& json) {
  DeploymentRoute route;
  route.name = json.at("name").get<std::string>();
  route.resource_version = json.value("resourceVersion", "");
  const std::string of = "deployment '" + route.name + "': ";
  PENSTOCK_ASSIGN(route.port, ReadPort(json.at("port"), of + "port"));
  if (json.contains("grpcPort")) {
    PENSTOCK_ASSIGN(route.grpc_port, ReadPort(json.at("grpcPort"), of + "grpcPort"));
  }
  route.shadow_output = json.value("shadowOutput", "");
  if (json.contains("shadowThreshold"))
    route.shadow_threshold = json.at("shadowThreshold").get<double>();
  if (json.contains("timeout")) {
    PENSTOCK_ASSIGN(route.timeout, ParseDuration(json.at("timeout").get<std::string>()));
  }
  if (json.contains("hold")) PENSTOCK_TRY(ReadHold(json.at("hold"), &route.hold));
  ReadEdge(json, &route);
  for (const Json& one : json.value("versions", Json::array())) {
    auto version = ReadVersion(one);
    if (!version) return Wrap("deployment '" + route.name + "'", version.error());
    route.versions.push_back(std::move(*version));
  }
  return route;
}

}  // namespace

Result<int> ParseShare(std::string_view text) {
  const auto wrong = [&] {
    return Invalid("'" + std::string(text) +
                   "' is no share: 0% to 100%, with at most two digits after the point");
  };
  if (text.empty() || text.back() != '%') return wrong();
  const std::string_view number = text.substr(0, text.size() - 1);
  const auto point = number.find('.');
  const std::string_view whole = number.substr(0, point);
  std::string after(point == std::string_view::npos ? "" : number.substr(point + 1));
  if (!AllDigits(whole) || whole.size() > 3) return wrong();
  if (point != std::string_view::npos &&
      (!AllDigits(after) || after.size() > kMostDigitsAfterPoint))
    return wrong();
  after.resize(kMostDigitsAfterPoint, '0');
  const int share = std::stoi(std::string(whole)) * 100 + std::stoi(after);
  if (share > kWhole) return wrong();
  return share;
}

std::string FormatShare(int share) {
  std::string text = std::to_string(share / 100);
  if (const int rest = share % 100; rest != 0) {
    text += '.';
    text += static_cast<char>('0' + rest / 10);
    if (rest % 10 != 0) text += static_cast<char>('0' + rest % 10);
  }
  return text + "%";
}

Result<void> Check(const RouteTable& table) {
  std::set<std::string> names;
  std::set<std::uint16_t> ports;
  for (const DeploymentRoute& route : table.deployments) {
    if (route.name.empty()) return Invalid("a deployment has no name");
    if (!names.insert(route.name).second)
      return Invalid("deployment '" + route.name + "' stands there twice");
    if (route.port == 0 || !ports.insert(route.port).second)
      return Invalid("deployment '" + route.name + "': port " + std::to_string(route.port) +
                     " is none, or another deployment's");
    if (route.grpc_port != 0 && !ports.insert(route.grpc_port).second)
      return Invalid("deployment '" + route.name + "': grpcPort " +
                     std::to_string(route.grpc_port) + " is another port of the table");
    if (route.timeout.count() <= 0 || route.hold.requests < 0 || route.hold.bytes < 0 ||
        route.hold.time.count() < 0)
      return Invalid("deployment '" + route.name + "': time-outs and bounds are above 0");
    PENSTOCK_TRY(CheckEdge(route));
    PENSTOCK_TRY(CheckVersions(route));
  }
  return {};
}

Json ToJson(const RouteTable& table) {
  Json deployments = Json::array();
  for (const DeploymentRoute& route : table.deployments) {
    Json versions = Json::array();
    for (const VersionRoute& version : route.versions) versions.push_back(VersionToJson(version));
    deployments.push_back({{"name", route.name},
                           {"resourceVersion", route.resource_version},
                           {"port", route.port},
                           {"timeout", FormatDuration(route.timeout)},
                           {"hold",
                            {{"requests", route.hold.requests},
                             {"bytes", route.hold.bytes},
                             {"time", FormatDuration(route.hold.time)}}},
                           {"shadowOutput", route.shadow_output},
                           {"versions", std::move(versions)}});
    Json& json = deployments.back();
    if (route.grpc_port != 0) json["grpcPort"] = route.grpc_port;
    if (route.shadow_threshold) json["shadowThreshold"] = *route.shadow_threshold;
    if (route.tls) json["tls"] = EdgeToJson(*route.tls);
    if (route.tokens) json["tokens"] = EdgeToJson(*route.tokens);
  }
  return {{"deployments", std::move(deployments)}};
}

Result<RouteTable> ParseRouteTable(std::string_view text, const std::string& what) {
  PENSTOCK_ASSIGN(const Json json, ParseJson(text, what));
  RouteTable table;
  try {
    for (const Json& one : json.at("deployments")) {
      auto route = ReadDeployment(one);
      if (!route) return Wrap(what, route.error());
      table.deployments.push_back(std::move(*route));
    }
  } catch (const Json::exception& e) {
    return Invalid(what + ": " + e.what());
  }
  if (auto checked = Check(table); !checked) return Wrap(what, checked.error());
  return table;
}

}  // namespace penstock::router
