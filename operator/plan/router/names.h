// What a namespace's routers are called: names, labels, ports.
#pragma once

namespace penstock::plan {

inline constexpr const char* kRouterName = "penstock-router";       // of each of their objects
inline constexpr const char* kLabelRouter = "penstock.dev/router";  // "true" on all of them
inline constexpr int kRouterAdminPort = 9402;
// Where the routers' pods have the Secrets and ConfigMaps of tls and jwt: secrets/NAME,
// configmaps/NAME.
inline constexpr const char* kRouterEdgeFolder = "/edge";
// Of the ports that routers listen on, one for each ModelDeployment (two where it speaks gRPC).
inline constexpr int kFirstRoutePort = 20001;
inline constexpr int kLastRoutePort = 29999;

}  // namespace penstock::plan
