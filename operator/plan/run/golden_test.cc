// Golden plans: testdata/<case>/{spec,observed}.yaml give testdata/<case>/plan.yaml.
// UPDATE_GOLDEN=1 writes the plans anew; read the difference before you commit it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "operator/base/file.h"
#include "operator/plan/testing/plan_fixture.h"

namespace penstock::plan {
namespace {

namespace fs = std::filesystem;

std::string Indent(int depth) { return std::string(static_cast<std::size_t>(depth) * 2, ' '); }

// Block YAML; scalars as JSON writes them, which YAML reads.
std::string AsYaml(const Json& j, int depth = 0) {
  if (!j.is_structured() || j.empty()) return " " + j.dump() + "\n";
  std::string out = depth == 0 ? "" : "\n";
  const auto line = [&](const std::string& head, const Json& value) {
    out += Indent(depth) + head + AsYaml(value, depth + 1);
  };
  if (j.is_object())
    for (const auto& [key, value] : j.items()) line(key + ":", value);
  else
    for (const Json& value : j) line("-", value);
  return out;
}

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
  for (const auto& e : plan.events)
    j["events"].push_back(e.type + " " + e.reason + ": " + e.message);
  const FactRequests& r = plan.requests;
  if (!r.cache_keys.empty()) j["asksCache"] = r.cache_keys;
  if (!r.receipts.empty()) j["asksReceipts"] = r.receipts;
  if (!r.live_pods.empty()) j["asksPods"] = r.live_pods;
  if (!r.fingerprints.empty()) j["asksFingerprints"] = r.fingerprints;
  if (plan.requeue_after) j["requeueAfter"] = FormatDuration(*plan.requeue_after);
  return j;
}

Json Load(const fs::path& path) {
  auto text = ReadFile(path);
  EXPECT_TRUE(text) << text.error().message;
  return text ? Yaml(*text) : Json();
}

RunPlan PlanCase(const fs::path& folder, bool* whole_pods) {
  auto text = ReadFile(folder / "spec.yaml");
  RunWorld w(*text);
  const Json seen = Load(folder / "observed.yaml");
  *whole_pods = seen.value("wholePods", false);
  w.now = *ParseTime(seen.at("now").get<std::string>());
  Json run{
      {"apiVersion", api::kApiVersion},
      {"kind", "PipelineRun"},
      {"metadata", {{"name", "first"}, {"namespace", "team"}, {"uid", "uid-1"}, {"generation", 1}}},
      {"spec", {{"pipelineRef", {{"name", "p"}}}}}};
  if (seen.contains("spec")) run["spec"].update(seen.at("spec"));
  if (seen.contains("status")) run["status"] = seen.at("status");
  auto decoded = api::DecodePipelineRun(run);
  EXPECT_TRUE(decoded.errors.empty()) << api::Describe(decoded.errors);
  w.o.run = decoded.value;
  for (const Json& pod : seen.value("pods", Json::array())) w.o.pods.push_back(DecodePod(pod));
  for (const Json& pod : seen.value("gonePods", Json::array())) w.o.pod_gone[pod] = true;
  for (const Json& pod : seen.value("noReceipts", Json::array())) w.o.receipts[pod];
  const Json refused = seen.value("createErrors", Json::object());
  for (const auto& [pod, why] : refused.items()) w.o.create_errors[pod] = why;
  auto plan = PlanRun(w.o, w.settings, w.now);
  if (!seen.value("cacheMisses", false)) return plan;
  for (const auto& key : plan.requests.cache_keys) w.o.cache[key];
  return PlanRun(w.o, w.settings, w.now);
}

TEST(GoldenPlans, AreAsTheyStandInTestdata) {
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(fs::path(PENSTOCK_TEST_SOURCE_DIR) / "testdata"))
    cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  ASSERT_FALSE(cases.empty());
  for (const fs::path& folder : cases) {
    SCOPED_TRACE(folder.filename());
    bool whole_pods = false;
    const RunPlan plan = PlanCase(folder, &whole_pods);
    const std::string got = AsYaml(AsJson(plan, whole_pods));
    if (std::getenv("UPDATE_GOLDEN") != nullptr) {
      ASSERT_TRUE(WriteFileAtomically(folder / "plan.yaml", got));
    } else {
      auto want = ReadFile(folder / "plan.yaml");
      ASSERT_TRUE(want) << want.error().message;
      EXPECT_EQ(got, *want);
    }
    EXPECT_TRUE(Yaml(got).is_object());
  }
}

}  // namespace
}  // namespace penstock::plan
