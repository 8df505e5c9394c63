// testdata/<case>: spec.yaml is the spec of the Pipeline "flights", observed.yaml what is seen of
// it. In names and labels of runs, HASH stands for the hash of what would run now.
#include <gtest/gtest.h>

#include "operator/plan/pipeline/pipeline_plan.h"
#include "operator/plan/resolve/testing/spec_fixture.h"
#include "operator/plan/testing/golden_test.h"

namespace penstock::plan {
namespace {

struct Namer {
  Json operator()(const CreateRun& a) const { return {{"createRun", a.name}, {"run", a.run}}; }
  Json operator()(const CancelRun& a) const { return {{"cancelRun", a.name}, {"mode", a.mode}}; }
  Json operator()(const ReleaseRun& a) const { return {{"releaseRun", a.name}}; }
  Json operator()(const LabelRun& a) const { return {{"labelRun", a.name}}; }
  Json operator()(const DeleteRun& a) const {
    Json out{{"deleteRun", a.name}, {"why", a.why}};
    if (!a.told.empty()) out["told"] = a.told;
    return out;
  }
  Json operator()(const RegisterVersion& a) const {
    return {{"registerVersion", a.name}, {"spec", api::Encode(a.version).at("spec")}};
  }
};

Json AsJson(const PipelinePlan& plan) {
  Json j{{"actions", Json::array()}, {"status", api::Encode(plan.status)}};
  for (const auto& a : plan.actions) j["actions"].push_back(std::visit(Namer{}, a));
  for (const auto& q : plan.questions) j["questions"].push_back(q.model + " of " + q.run);
  PutEventsAndRequeue(plan.events, plan.requeue_after, j);
  return j;
}

std::string Replace(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

Json PlanCase(const std::filesystem::path& folder) {
  const Json spec = LoadYaml(folder / "spec.yaml");
  const std::string hash = RunHash(Spec(spec.dump()));
  const Json seen = Json::parse(Replace(LoadYaml(folder / "observed.yaml").dump(), "HASH", hash));
  Json pipeline{{"spec", spec}};
  if (seen.contains("status")) pipeline["status"] = seen.at("status");
  auto decoded = api::DecodePipeline(ObjectOf(
      "Pipeline", {{"name", "flights"}, {"namespace", "team"}, {"uid", "p-uid"}, {"generation", 1}},
      pipeline));
  EXPECT_TRUE(decoded.errors.empty()) << api::Describe(decoded.errors);
  PipelineObserved o;
  o.pipeline = decoded.value;
  for (const Json& run : seen.value("runs", Json::array())) {
    Json whole = run;
    whole["spec"].update({{"pipelineRef", {{"name", "flights"}}}});
    auto one = api::DecodePipelineRun(ObjectOf("PipelineRun", {{"namespace", "team"}}, whole));
    EXPECT_TRUE(one.errors.empty()) << api::Describe(one.errors);
    o.runs.push_back(one.value);
  }
  for (const Json& r : seen.value("refusals", Json::array())) o.refusals.push_back(RefusalOf(r));
  const Json followed = seen.value("followed", Json::object());
  for (const auto& [name, digest] : followed.items()) o.followed[name] = digest;
  // `versions: {model: {number: digest}}`.
  const Json versions = seen.value("versions", Json::object());
  for (const auto& [model, all] : versions.items()) {
    auto& known = o.versions[model];
    for (const auto& [number, digest] : all.items()) {
      auto& spec = known.emplace_back().spec;
      spec.version = std::stoll(number);
      spec.digest = digest;
    }
  }
  for (const auto& run : o.runs) api::DescribeByRun(run, o.stories[run.meta.name]);
  o.warnings = seen.value("warnings", std::vector<std::string>());
  const Json wrong = seen.value("specErrors", Json::object());
  for (const auto& [path, why] : wrong.items()) o.spec_errors.push_back({path, why});
  return AsJson(PlanPipeline(o, NowOf(seen)));
}

TEST(GoldenPlans, OfPipelinesAreAsTheyStandInTestdata) { CheckGoldenCases("pipeline", PlanCase); }

}  // namespace
}  // namespace penstock::plan
