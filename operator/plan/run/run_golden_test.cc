// testdata/<case>: spec.yaml is the Pipeline's spec, observed.yaml what is seen of its run "first".
#include "operator/plan/run/testing/run_world.h"
#include "operator/plan/testing/golden_test.h"

namespace penstock::plan {
namespace {

struct Namer {
  Json operator()(const CreatePod& a) const {
    Json j{{"createPod", a.name}};
    if (whole) j["pod"] = a.pod;
    return j;
  }
  Json operator()(const CreateConfigMap& a) const { return {{"createConfigMap", a.name}}; }
  Json operator()(const DeletePod& a) const {
    return {{"deletePod", a.name}, {"grace", a.grace_seconds}};
  }
  Json operator()(const RecordCache& a) const { return {{"recordCache", a.key}}; }
  Json operator()(const DropCache& a) const { return {{"dropCache", a.key}}; }
  bool whole = false;
};

Json AsJson(const RunPlan& plan, bool whole_pods) {
  Json j{{"actions", Json::array()},
         {"status", api::Encode(plan.status)},
         {"urgentStatus", plan.urgent_status},
         {"finished", plan.finished}};
  for (const auto& a : plan.actions) j["actions"].push_back(std::visit(Namer{whole_pods}, a));
  PutEventsAndRequeue(plan.events, plan.requeue_after, j);
  const FactRequests& r = plan.requests;
  if (!r.cache_keys.empty()) j["asksCache"] = r.cache_keys;
  if (!r.receipts.empty()) j["asksReceipts"] = r.receipts;
  if (!r.live_pods.empty()) j["asksPods"] = r.live_pods;
  if (!r.fingerprints.empty()) j["asksFingerprints"] = r.fingerprints;
  return j;
}

// What the store says of every cache key that the plan asks for.
std::optional<CacheAnswer> CacheAnswerOf(const Json& seen) {
  if (seen.contains("cacheHit")) {
    auto receipt = ParseReceipt(seen.at("cacheHit").dump());
    EXPECT_TRUE(receipt) << receipt.error().message;
    return CacheAnswer{*receipt, ""};
  }
  if (seen.contains("following")) {
    const std::string since = seen.value("followingSince", "");
    return CacheAnswer{std::nullopt, seen.at("following"),
                       since.empty() ? NowOf(seen) : *ParseTime(since)};
  }
  if (seen.value("cacheMisses", false)) return CacheAnswer{};
  return std::nullopt;
}

void Answer(const Json& seen, RunObserved& o) {
  for (const Json& pod : seen.value("pods", Json::array())) o.pods.push_back(DecodePod(pod));
  for (const Json& pod : seen.value("gonePods", Json::array())) o.pod_gone[pod] = true;
  for (const Json& pod : seen.value("noReceipts", Json::array())) o.receipts[pod];
  for (const Json& uri : seen.value("silentSources", Json::array())) o.fingerprints[uri];
  const Json refused = seen.value("createErrors", Json::object());
  for (const auto& [pod, why] : refused.items()) {
    CreateRefusal& refusal = o.create_errors[pod];
    refusal = {Invalid(why.at("message")), NowOf(seen)};
    for (const ErrorKind kind : {ErrorKind::kQuota, ErrorKind::kWebhook, ErrorKind::kForbidden})
      if (why.at("kind") == Name(kind)) refusal.why.kind = kind;
    if (why.contains("since")) refusal.since = *ParseTime(why.at("since").get<std::string>());
  }
  const Json wrong = seen.value("specErrors", Json::object());
  for (const auto& [path, why] : wrong.items()) o.spec_errors.push_back({path, why});
  if (!wrong.empty()) o.resolved = nullptr;
}

Json PlanCase(const std::filesystem::path& folder) {
  RunWorld w(LoadYaml(folder / "spec.yaml").dump(), {}, AroundGit());
  const Json seen = LoadYaml(folder / "observed.yaml");
  Json run = {{"spec", {{"pipelineRef", {{"name", "p"}}}}}};
  if (seen.contains("spec")) run["spec"].update(seen.at("spec"));
  if (seen.contains("status")) run["status"] = seen.at("status");
  auto decoded = api::DecodePipelineRun(ObjectOf(
      "PipelineRun",
      {{"name", "first"}, {"namespace", "team"}, {"uid", "uid-1"}, {"generation", 1}}, run));
  EXPECT_TRUE(decoded.errors.empty()) << api::Describe(decoded.errors);
  w.o.run = decoded.value;
  Answer(seen, w.o);
  RunPlan plan = PlanRun(w.o, w.settings, NowOf(seen));
  if (const auto answer = CacheAnswerOf(seen)) {
    for (const auto& key : plan.requests.cache_keys) w.o.cache[key] = *answer;
    plan = PlanRun(w.o, w.settings, NowOf(seen));
  }
  return AsJson(plan, seen.value("wholePods", false));
}

TEST(GoldenPlans, OfRunsAreAsTheyStandInTestdata) { CheckGoldenCases("run", PlanCase); }

}  // namespace
}  // namespace penstock::plan
