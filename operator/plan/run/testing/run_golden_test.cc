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
  Json operator()(const CreateClaim& a) const {
    return {{"createClaim", a.name}, {"spec", a.claim.at("spec")}};
  }
  Json operator()(const DeletePod& a) const {
    return {{"deletePod", a.name}, {"grace", a.grace_seconds}};
  }
  Json operator()(const RecordCache& a) const { return {{"recordCache", a.key}}; }
  Json operator()(const DropCache& a) const { return {{"dropCache", a.key}}; }
  Json operator()(const CreateChild& a) const {
    Json j{{"createRun", a.name}};
    if (whole) j["run"] = a.run;
    return j;
  }
  Json operator()(const CancelChild& a) const {
    return {{"cancelRun", a.name}, {"mode", a.mode == api::CancelMode::kNow ? "Now" : "Stop"}};
  }
  Json operator()(const KeepReceipt& a) const { return {{"keepReceipt", a.receipt.pod}}; }
  Json operator()(const PutRunLabels& a) const { return {{"putRunLabels", a.labels}}; }
  bool whole = false;
};

Json AsJson(const RunPlan& plan, bool whole_pods) {
  Json j{{"actions", Json::array()},
         {"status", api::Encode(plan.status)},
         {"urgentStatus", plan.urgent_status},
         {"finished", plan.finished}};
  if (plan.takes_locks) j["statusFirst"] = true;
  for (const auto& a : plan.actions) j["actions"].push_back(std::visit(Namer{whole_pods}, a));
  PutEventsAndRequeue(plan.events, plan.requeue_after, j);
  const FactRequests& r = plan.requests;
  if (!r.cache_keys.empty()) j["asksCache"] = r.cache_keys;
  if (!r.receipts.empty()) j["asksReceipts"] = r.receipts;
  if (!r.live_pods.empty()) j["asksPods"] = r.live_pods;
  if (!r.live_runs.empty()) j["asksRuns"] = r.live_runs;
  if (!r.fingerprints.empty()) j["asksFingerprints"] = r.fingerprints;
  for (const auto& request : r.last_good) j["asksLastGood"].push_back(request.step);
  for (const auto& gather : r.gathers) j["asksToGather"][gather.step] = gather.succeeded;
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
  for (const Json& run : seen.value("children", Json::array())) {
    auto child = api::DecodePipelineRun(run);
    EXPECT_TRUE(child.errors.empty()) << api::Describe(child.errors);
    o.children.push_back(ReadChild(child.value));
  }
  for (const Json& run : seen.value("goneRuns", Json::array())) o.run_gone[run] = true;
  for (const Json& pod : seen.value("gonePods", Json::array())) o.pod_gone[pod] = true;
  for (const Json& pod : seen.value("noReceipts", Json::array())) o.receipts[pod];
  for (const Json& uri : seen.value("silentSources", Json::array())) o.fingerprints[uri];
  for (const Json& use : seen.value("locks", Json::array())) {
    const std::string run = use.at("run");
    o.locks.others.push_back({run + "/" + use.value("step", "") + "/", run, use.value("step", ""),
                              std::nullopt, use.at("names"), use.at("turn"),
                              use.value("held", false)});
  }
  if (seen.contains("lockSizes")) o.locks.sizes = seen.at("lockSizes");
  for (const Json& one : seen.value("approvals", Json::array())) {
    auto approval = api::DecodeApproval(one);
    EXPECT_TRUE(approval.errors.empty()) << api::Describe(approval.errors);
    o.approvals.made.push_back({approval.value, ""});
  }
  if (seen.contains("policySince")) {
    o.approvals.policy.why_not.clear();
    o.approvals.policy.since = *ParseTime(seen.at("policySince").get<std::string>());
  }
  const Json last_good = seen.value("lastGood", Json::object());
  for (const auto& [step, last] : last_good.items()) {
    LastGoodAnswer answer;
    answer.found = LastGood{last.at("run"), *ParseTime(last.at("time").get<std::string>()), {}, {}};
    for (const auto& [name, digest] : last.at("outputs").items())
      answer.found->outputs.push_back({name, "dataset", digest, false, 7});
    o.last_good[step] = std::make_shared<const LastGoodAnswer>(std::move(answer));
  }
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
