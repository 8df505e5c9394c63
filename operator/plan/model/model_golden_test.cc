// testdata/<case>: spec.yaml is the spec of the ModelDeployment "flights", observed.yaml what is
// seen of it. A Deployment there is {version, digest}, made by this operator, with what is said
// beside them laid over; `old: true` gives it the template of another spec, `release: other` that
// of another release and authority. Unless a case has `signatureAsked: true`, a candidate's
// signature was compared and is the stable version's. Unless said otherwise pods are of today's
// template, the servers know where the store is, and the Service has pointed where it does for a
// minute. The object's resourceVersion is 100; the policy for Approvals is in force. What a case
// with `firstLookBefore` sees it saw so long ago for the first time, its servers there.
#include <gtest/gtest.h>

#include "operator/api/codec.h"
#include "operator/plan/model/model_companions.h"
#include "operator/plan/model/model_deployment_fact.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/model/model_deployment_plan.h"
#include "operator/plan/resolve/testing/spec_fixture.h"
#include "operator/plan/rollout/gate.h"
#include "operator/plan/testing/golden_test.h"

namespace penstock::plan {
namespace {

struct Namer {
  Json operator()(const ApplyDeployment& a) const {
    Json j{{"applyDeployment", a.name}, {"replicas", a.deployment.at("spec").at("replicas")}};
    if (whole) j["deployment"] = a.deployment;
    return j;
  }
  Json operator()(const ApplyService& a) const {
    Json j{{"applyService", a.name}, {"selector", a.service.at("spec").at("selector")}};
    const Json& port = a.service.at("spec").at("ports").at(0).at("targetPort");
    if (port != 8080) j["targetPort"] = port;
    const Json& number = a.service.at("spec").at("ports").at(0).at("port");
    if (number == 443) j["port"] = number;
    if (whole) j["service"] = a.service;
    return j;
  }
  Json operator()(const PatchDeployment& a) const {
    return {{"patchDeployment", a.name}, {"patch", a.patch}};
  }
  Json operator()(const ApplyConfigMap& a) const { return {{"applyConfigMap", a.name}}; }
  Json operator()(const DeleteDeployment& a) const { return {{"deleteDeployment", a.name}}; }
  Json operator()(const DeleteService& a) const { return {{"deleteService", a.name}}; }
  Json operator()(const ApplyCompanion& a) const {
    Json j{{std::string("apply") + KindOf(a.kind), a.name}};
    if (whole) j["object"] = a.object;
    return j;
  }
  Json operator()(const DeleteCompanion& a) const {
    return {{std::string("delete") + KindOf(a.kind), a.name}};
  }
  bool whole = false;
};

Json AsJson(const ModelPlan& plan, bool whole) {
  Json j{{"actions", Json::array()}, {"status", api::Encode(plan.status)}};
  for (const auto& a : plan.actions) j["actions"].push_back(std::visit(Namer{whole}, a));
  for (const auto& q : plan.questions) {
    j["questions"].push_back(q.gate.Name());
    if (!q.servers) continue;
    Json& asked = j["asked"];
    const auto text = [](const rollout::ServerAddress& server) {
      return server.pod + " " + server.address + ":" + std::to_string(server.port);
    };
    asked["candidate"] = text(q.servers->candidate);
    if (q.servers->stable) asked["stable"] = text(*q.servers->stable);
  }
  if (plan.listens) j["listens"] = true;
  if (plan.report) j["report"] = plan.report->version;
  PutEventsAndRequeue(plan.events, plan.requeue_after, j);
  return j;
}

// As the API server would show what the operator applied.
DeploymentFact DeploymentOf(const Json& seen, const ModelObserved& o, ModelSettings settings) {
  if (seen.value("release", "") == "other") {
    settings.serve_image = "serve:0";
    settings.launcher_image = "launcher:0";
    settings.store.url = "https://elsewhere:8443";
    settings.token_audience = "another";
  }
  const ModelRef model(seen.at("digest"), true, 10, seen.value("source", ""));
  Json object = BuildDeployment(o.md, seen.at("version"), model, settings);
  if (seen.value("old", false))
    object["metadata"]["annotations"][kAnnotationTemplateHash] = "0123456789abcdef";
  object.merge_patch({{"metadata", {{"uid", "d-uid"}, {"generation", 1}}},
                      {"status", {{"observedGeneration", 1}}}});
  object.merge_patch(seen.value("object", Json::object()));
  const auto fact = DecodeDeployment(object, o.md.meta.uid);
  EXPECT_TRUE(fact) << seen;
  return fact.value_or(DeploymentFact{});
}

ServingPodFact PodOf(Json pod, const ModelObserved& o) {
  Json& hash = pod["metadata"]["annotations"][kAnnotationTemplateHash];
  if (hash.is_null()) hash = TemplateHash(o.md);
  const auto fact = DecodeServingPod(pod);
  EXPECT_TRUE(fact) << pod;
  return fact.value_or(ServingPodFact{});
}

// {"2": {requests, serverErrors, timeouts, clientErrors: {kind: n}, compared, flips, shift: {rows,
// values, absolute, squared}}}.
std::vector<rollout::VersionCounters> CountersOf(const Json& versions) {
  std::vector<rollout::VersionCounters> all;
  for (const auto& [version, said] : versions.items()) {
    rollout::VersionCounters& c = all.emplace_back();
    c.version = std::stoll(version);
    c.requests = said.value("requests", 0);
    c.server_errors = said.value("serverErrors", 0);
    c.timeouts = said.value("timeouts", 0);
    c.client_errors = said.value("clientErrors", std::map<std::string, std::int64_t>());
    c.asked = said.value("asked", 0);
    c.in_flight_seconds = said.value("inFlightSeconds", 0.0);
    c.compared = said.value("compared", 0);
    c.flips = said.value("flips", 0);
    if (const Json shift = said.value("shift", Json()); shift.is_object())
      c.shift = {shift.at("rows"), shift.at("values"), shift.at("absolute"), shift.at("squared"),
                 shift.value("lost", std::int64_t{0})};
  }
  return all;
}

// `routers`: one that is Ready each, {acknowledged, endpoints: {version: n}, versions, certificate:
// {inUse, trouble}, keys, grpc: false where it speaks none}; `null`: it did not answer.
void ObserveRouters(const Json& seen, ModelObserved& o) {
  o.no_router_for = ParseDuration(seen.value("noRouterFor", "0s")).value();
  for (const Json& said : seen.value("routers", Json::array())) {
    ++o.ready_routers;
    if (said.is_null()) continue;
    RouterFact& router = o.routers.emplace_back();
    router.pod = router.run = "router-" + std::to_string(o.ready_routers);
    router.ready = true;
    router.speaks_grpc = said.value("grpc", true);
    router.acknowledged = said.value("acknowledged", "");
    const Json endpoints = said.value("endpoints", Json::object());
    for (const auto& [version, n] : endpoints.items()) router.endpoints[std::stoll(version)] = n;
    router.versions = CountersOf(said.value("versions", Json::object()));
    router.ejected = said.value("ejected", 0);
    router.ejected_why = said.value("why", "");
    router.held = said.value("held", 0);
    router.sampled_seconds = said.value("sampledSeconds", 0.0);
    const auto guard = [&](const char* what) {
      const Json one = said.value(what, Json::object());
      return rollout::GuardFact{one.value("inUse", false), one.value("trouble", "")};
    };
    router.certificate = guard("certificate");
    router.keys = guard("keys");
  }
}

// What was learned at a look before this one, when the routers had counted nothing, since the step
// began. Where the case says `newOperator: true` there was none.
rollout::Evidence EvidenceOf(ModelObserved o, const ModelSettings& settings, TimePoint now) {
  for (RouterFact& router : o.routers)
    for (auto& counters : router.versions) {
      const std::int64_t version = counters.version;
      counters = {};
      counters.version = version;
    }
  std::erase_if(o.measurements, [](const auto& m) {
    return m.gate != rollout::kSignatureCheck || !m.good || m.message != "is the same";
  });
  rollout::Evidence evidence = PlanModelDeployment(o, settings, now).evidence;
  const auto& candidate = o.md.status.candidate;
  if (evidence.began && candidate && candidate->step_since) evidence.began = candidate->step_since;
  return evidence;
}

// As of a first look, when the routers had counted nothing.
scaling::Load LoadOf(ModelObserved o, const ModelSettings& settings, TimePoint now) {
  for (RouterFact& router : o.routers) {
    router.sampled_seconds = std::min(router.sampled_seconds, 1.0);
    for (auto& counters : router.versions) counters.in_flight_seconds = 0;
  }
  return PlanModelDeployment(o, settings, now).load;
}

// `disruptionBudget`: there, none, or old (made of another spec); where nothing is said it stands
// as soon as two servers do. `route`: what is laid over the HTTPRoute as it was applied; without it
// there is none. `noRoutes: true`: nor could there be any. `routeEdited`, `budgetEdited`: not by
// us; `routeUnread`, `budgetUnread`: why nobody could look.
void ObserveCompanions(const Json& seen, ModelObserved& o) {
  const Json owner = Json::array({{{"apiVersion", api::kApiVersion},
                                   {"kind", "ModelDeployment"},
                                   {"name", o.md.meta.name},
                                   {"uid", o.md.meta.uid},
                                   {"controller", true}}});
  const bool two = std::any_of(o.deployments.begin(), o.deployments.end(),
                               [](const auto& d) { return d.spec_replicas >= 2; });
  const std::string budget = seen.value("disruptionBudget", two ? "there" : "none");
  if (budget != "none") {
    auto& fact = o.companions[Companion::kDisruptionBudget];
    fact = DecodeCompanion(BuildDisruptionBudget(o.md), o.md.meta.uid);
    if (budget == "old") fact.made_of = "0123456789abcdef";
    fact.edited = seen.value("budgetEdited", false);
  }
  o.other_budget = seen.value("otherBudget", "");
  o.has_routes = !seen.value("noRoutes", false);
  if (seen.contains("routeUnread")) o.unread[Companion::kRoute] = seen.at("routeUnread");
  if (seen.contains("budgetUnread"))
    o.unread[Companion::kDisruptionBudget] = seen.at("budgetUnread");
  if (!seen.contains("route")) return;
  Json route = o.md.spec.expose.gateway
                   ? BuildRoute(o.md)
                   : Json{{"metadata", {{"name", o.md.meta.name}, {"ownerReferences", owner}}}};
  route.merge_patch(seen.at("route"));
  o.companions[Companion::kRoute] = DecodeCompanion(route, o.md.meta.uid);
  o.companions[Companion::kRoute].edited = seen.value("routeEdited", false);
  o.route = DecodeRoute(route, o.md);
}

void ObserveGates(const Json& seen, ModelObserved& o) {
  for (const Json& m : seen.value("measurements", Json::array()))
    o.measurements.push_back(
        {m.at("gate"), NowOf(seen),
         m.contains("value") ? std::optional(m.at("value").get<double>()) : std::nullopt,
         m.value("good", false), m.value("error", ""), m.value("message", ""),
         m.value("samples", 0)});
  if (!seen.value("signatureAsked", false))
    o.measurements.push_back({rollout::kSignatureCheck, NowOf(seen), {}, true, "", "is the same"});
  for (const Json& one : seen.value("approvals", Json::array())) {
    auto approval = api::DecodeApproval(one);
    EXPECT_TRUE(approval.errors.empty()) << api::Describe(approval.errors);
    o.approvals.made.push_back({approval.value, ""});
  }
  o.approvals.policy.why_not.clear();
  const Json annotations = seen.value("annotations", Json::object());
  for (const auto& [name, value] : annotations.items()) o.md.meta.annotations[name] = value;
}

void Observe(const Json& seen, const ModelSettings& settings, ModelObserved& o) {
  if (seen.contains("target"))
    o.target = ModelRef(seen.at("target"), true, 10, seen.value("targetSource", ""));
  o.target_run = seen.value("targetRun", "");
  o.target_problem = seen.value("targetProblem", "");
  for (const Json& d : seen.value("deployments", Json::array()))
    o.deployments.push_back(DeploymentOf(d, o, settings));
  for (const Json& p : seen.value("pods", Json::array())) o.pods.push_back(PodOf(p, o));
  for (const Json& r : seen.value("refusals", Json::array())) o.refusals.push_back(RefusalOf(r));
  o.service_for = ParseDuration(seen.value("serviceFor", "1m")).value();
  const std::string store = seen.value("store", "there");
  if (store != "none") o.store = store == "there" ? StoreText(settings) : store;
  if (seen.contains("service")) {
    Json service = BuildService(o.md, seen.at("service"), seen.value("serviceToRouters", false));
    if (seen.value("serviceIsPlain", false)) service["spec"]["ports"].erase(1);  // of gRPC
    if (seen.contains("servicePort"))
      service["spec"]["ports"][0]["targetPort"] = seen.at("servicePort");
    o.service = DecodeService(service, o.md.meta.uid);
  }
  for (const Json& version : seen.value("versionServices", Json::array()))
    o.version_services[version] = "s-uid";
  ObserveCompanions(seen, o);
  for (const Json& made : seen.value("reports", Json::array()))
    o.reports.push_back({made.at("version"), ParseTime(made.at("time").get<std::string>()).value(),
                         made.at("digest")});
  if (seen.contains("routerPort")) o.router_port = seen.at("routerPort");
  if (seen.contains("routerGrpcPort")) o.router_grpc_port = seen.at("routerGrpcPort");
  for (const Json& version : seen.value("plainVersionServices", Json::array()))
    o.plain_version_services.insert(version.get<std::int64_t>());
  ObserveRouters(seen, o);
  o.foreign_service = seen.value("foreignService", false);
  const Json endpoints = seen.value("endpoints", Json::object());
  for (const auto& [version, n] : endpoints.items()) o.endpoints[std::stoll(version)] = n;
  const Json wrong = seen.value("specErrors", Json::object());
  for (const auto& [path, why] : wrong.items()) o.spec_errors.push_back({path, why});
}

Json PlanCase(const std::filesystem::path& folder) {
  ModelSettings settings;
  settings.serve_image = "serve:1";
  settings.launcher_image = "launcher:1";
  settings.store.url = "https://gateway:8443";
  const Json seen = LoadYaml(folder / "observed.yaml");
  Json md{{"spec", LoadYaml(folder / "spec.yaml")}};
  if (seen.contains("status")) md["status"] = seen.at("status");
  auto decoded = api::DecodeModelDeployment(ObjectOf("ModelDeployment",
                                                     {{"name", "flights"},
                                                      {"namespace", "team"},
                                                      {"uid", "md-uid"},
                                                      {"generation", 1},
                                                      {"resourceVersion", "100"}},
                                                     md));
  EXPECT_TRUE(decoded.errors.empty()) << api::Describe(decoded.errors);
  ModelObserved o;
  o.md = decoded.value;
  Observe(seen, settings, o);
  ObserveGates(seen, o);
  if (!seen.value("newOperator", false)) o.evidence = EvidenceOf(o, settings, NowOf(seen));
  if (seen.contains("firstLookBefore")) {
    o.load = LoadOf(o, settings, NowOf(seen));
    o.clock = ParseDuration(seen.at("firstLookBefore").get<std::string>()).value();
  }
  return AsJson(PlanModelDeployment(o, settings, NowOf(seen)), seen.value("wholeObjects", false));
}

TEST(GoldenPlans, OfModelDeploymentsAreAsTheyStandInTestdata) {
  CheckGoldenCases("model", PlanCase);
}

}  // namespace
}  // namespace penstock::plan
