// How requests come from the Service of a ModelDeployment to its servers: at once, or through the
// routers of the namespace. Pure.
//
// The Service moves to the routers when every one of them that is Ready goes by this
// ModelDeployment's status, knows Ready servers of the stable version and speaks gRPC where these
// do, and it moves back when the spec wants none any more, or when none has been Ready for a while:
// the stable version's servers are behind it all the time. Where tls or jwt is asked for it goes to
// the routers from the first moment on, and nowhere else.
#pragma once

#include "operator/plan/model/world.h"

namespace penstock::plan {

// It goes through routers, or is on its way to or from them.
[[nodiscard]] bool GoesThroughRouters(const api::ModelDeployment& md);

// The router goes by a state of the object that is no older than this one.
[[nodiscard]] bool Acknowledges(const RouterFact& router, const std::string& resource_version);

// Whether the Service is to point to the routers now; else it points to the pods of `stable`.
[[nodiscard]] bool PointsToRouters(const ModelObserved& observed, std::int64_t stable);

// No router that is Ready sends the version anything any more: it goes by a status in which the
// version has no traffic.
[[nodiscard]] bool RoutersHaveLeft(const ModelObserved& observed, std::int64_t version);

// What makes the Service point where it should; nullopt: it does.
[[nodiscard]] std::optional<ModelAction> MoveService(const ModelObserved& observed,
                                                     std::int64_t stable);

// Keeps what routers go by: the port in the plan's status, a Service without address for each
// version that stands, by which routers know its endpoints; and takes them away when the Service
// has pointed to pods for a while. Needs the plan's stable version.
void PutRouting(const ModelObserved& observed, ModelPlan& plan);

}  // namespace penstock::plan
