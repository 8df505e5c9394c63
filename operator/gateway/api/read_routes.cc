// What is read of runs, pipelines and models.
#include <algorithm>

#include "operator/base/try.h"
#include "operator/base/version.h"
#include "operator/gateway/api/api_routes.h"
#include "operator/views/artifact_view.h"
#include "operator/views/compare_view.h"
#include "operator/views/lineage_view.h"
#include "operator/views/object_rows.h"
#include "operator/views/run_rows.h"
#include "operator/views/run_view.h"
#include "operator/views/step_rows.h"

namespace penstock::gateway {
namespace {

constexpr std::uint64_t kPageRows = 50, kMostRows = 500, kGridRuns = 25, kMostGridRuns = 200;
constexpr std::size_t kMostNamespaces = 200;
constexpr std::size_t kMostAsked =
    20;  // namespaces beside them: each costs the API server a review

const std::string kRunsPath = "/namespaces/{ns}/runs";
const std::string kRunPath = kRunsPath + "/{name}";
const std::vector<std::string> kPhases{"Pending", "Suspended", "Running", "Succeeded",
                                       "Failed",  "Cancelled", "Invalid"};

Right To(const char* verb, const char* resource) {
  return {.verb = verb, .resource = resource, .subresource = ""};
}

std::vector<ApiParameter> PageParameters(std::vector<ApiParameter> more = {}) {
  more.push_back({"limit", "rows of a page: 1 to 500; 50 where it is not given", true});
  more.push_back({"after", "`next` of the page before"});
  return more;
}

Result<Reply> Ok(Result<Json> view) {
  if (!view) return view.error();
  return Reply{200, *std::move(view), {}};
}

Result<Reply> ListRuns(const views::Place& place, ApiRequest& r) {
  PENSTOCK_ASSIGN(const auto limit, r.Number("limit", kPageRows, 1, kMostRows));
  metadata::RunFilter filter;
  filter.namespace_ = r.ns();
  filter.pipeline = r.Text("pipeline");
  if (!r.Text("phase").empty()) {
    PENSTOCK_ASSIGN(filter.phase, r.OneOf("phase", kPhases));
  }
  filter.cause = r.Text("cause");
  filter.text = r.Text("q");
  auto rows = views::RunRows(place, filter, static_cast<int>(limit), r.Text("after"));
  if (!rows && rows.error().kind == ErrorKind::kInvalid) r.Blame("after");
  return Ok(std::move(rows));
}

using ObjectRows = Result<Json> (*)(const views::Place&, const std::string&, int,
                                    const std::string&, const std::stop_token&);

Result<Reply> ListObjects(const views::Place& place, ApiRequest& r, ObjectRows rows) {
  PENSTOCK_ASSIGN(const auto limit, r.Number("limit", kPageRows, 1, kMostRows));
  return Ok(rows(place, r.ns(), static_cast<int>(limit), r.Text("after"), r.stop()));
}

Result<Reply> Lineage(const views::Place& place, ApiRequest& r) {
  views::LineageAsk ask;
  ask.ns = r.ns();
  ask.artifact = r.Text("artifact");
  ask.model = r.Text("model");
  ask.request = r.Text("request");
  static const SystemClock kClock;
  ask.clock = &kClock;
  PENSTOCK_ASSIGN(const auto direction, r.OneOf("direction", {"up", "down", "both"}));
  ask.up = direction != "down";
  ask.down = direction != "up";
  PENSTOCK_ASSIGN(const auto depth, r.Number("depth", 50, 1, 1'000));
  ask.depth = static_cast<int>(depth);
  return Ok(views::LineageView(place, ask, r.stop()));
}

Result<Reply> Metrics(const views::Place& place, ApiRequest& r) {
  PENSTOCK_ASSIGN(const auto attempt, r.Index("attempt"));
  PENSTOCK_ASSIGN(const auto item, r.Index("item"));
  PENSTOCK_ASSIGN(auto run, views::FindRun(place, r.ns(), r.Path("name"), r.stop()));
  // What came from the cache has the curves of the run that made it, while that is known.
  const api::StepStatus* step = run.known.Step(r.Path("step"));
  if (step != nullptr && step->cached && !step->cached_from.empty())
    if (auto maker = views::FindRun(place, r.ns(), step->cached_from, r.stop()))
      run = *std::move(maker);
  PENSTOCK_ASSIGN(const auto pod,
                  views::PodOf(place, run.known, r.Path("step"), attempt, item, r.stop()));
  return Ok(views::MetricsView(place, run.known, pod, r.All("names")));
}

// What the caller may do in a namespace: verbs on runs, to decide approvals and to steer rollouts;
// without `list` nobody is shown that it is.
Result<std::vector<std::string>> Verbs(const ApiParts& parts, const ApiRequest& r,
                                       const std::string& ns) {
  const std::pair<const char*, Right> rights[]{
      {"list", To("list", "pipelineruns")},     {"get", To("get", "pipelineruns")},
      {"create", To("create", "pipelineruns")}, {"patch", To("patch", "pipelineruns")},
      {"approve", To("create", "approvals")},   {"steer", To("patch", "modeldeployments")}};
  std::vector<std::string> verbs;
  for (const auto& [verb, right] : rights) {
    PENSTOCK_ASSIGN(const bool may, parts.access->May(r.caller(), ns, right, r.stop()));
    if (may) verbs.emplace_back(verb);
    if (verbs.empty()) return verbs;
  }
  return verbs;
}

Result<Reply> Me(const ApiParts& parts, ApiRequest& r) {
  Json me{{"user", r.caller().user},     {"groups", r.caller().groups},
          {"mode", parts.place->mode()}, {"version", PenstockVersion()},
          {"namespaces", Json::array()}, {"may", Json::object()}};
  if (r.caller().session) me["session"] = true;
  // On a cluster the namespace itself is all that a command needs.
  if (parts.place->mode() == "local") me["flags"] = parts.place->Flags("");
  std::vector<std::string> all = parts.place->namespaces();
  if (all.empty()) {
    PENSTOCK_ASSIGN(all, parts.place->history().Namespaces(kMostNamespaces));
    // One that has no run yet is named by who wants to begin there.
    const std::vector<std::string> more = r.All("namespace");
    if (more.size() > kMostAsked) {
      r.Blame("namespace");
      return Invalid("namespace: name at most " + std::to_string(kMostAsked));
    }
    for (const std::string& asked : more)
      if (std::find(all.begin(), all.end(), asked) == all.end()) all.push_back(asked);
  }
  for (const std::string& ns : all) {
    PENSTOCK_ASSIGN(const auto verbs, Verbs(parts, r, ns));
    if (verbs.empty()) continue;
    me["namespaces"].push_back(ns);
    me["may"][ns] = verbs;
  }
  return Reply{200, std::move(me), {}};
}

}  // namespace

void AddReadRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes) {
  const views::Place* place = parts.place;
  const auto add = [&](const char* path, const char* id, const char* summary, Right right,
                       std::vector<ApiParameter> query, const char* answer,
                       std::function<Result<Reply>(ApiRequest&)> handle) {
    routes.push_back({.method = "GET",
                      .path = path,
                      .id = id,
                      .summary = summary,
                      .right = std::move(right),
                      .query = std::move(query),
                      .answer = answer,
                      .handle = std::move(handle)});
  };
  const Right list_runs = To("list", "pipelineruns"), get_run = To("get", "pipelineruns");
  add("/me", "me", "Who you are, where you may look and what you may do", {},
      {{"namespace", "also tell of this one", false, true}}, "Me",
      [&parts](ApiRequest& r) { return Me(parts, r); });
  add(kRunsPath.c_str(), "listRuns", "Runs, newest first, deleted ones too", list_runs,
      PageParameters({{"pipeline", "only of this Pipeline"},
                      {"phase", "only in this phase", false, false, kPhases},
                      {"cause", "only those made for it: Change, Schedule, Trigger, Backfill"},
                      {"q", "only those whose name has this text"}}),
      "RunList", [place](ApiRequest& r) { return ListRuns(*place, r); });
  add(kRunPath.c_str(), "getRun", "One run: parameters, graph, steps, conditions", get_run, {},
      "Run", [place](ApiRequest& r) {
        return Ok(views::RunView(*place, r.ns(), r.Path("name"), r.stop()));
      });
  add((kRunPath + "/steps/{step}").c_str(), "getStep",
      "One step: why it is as it is, attempts, what it read and gave, events", get_run, {}, "Step",
      [place](ApiRequest& r) {
        return Ok(views::StepView(*place, r.ns(), r.Path("name"), r.Path("step"), r.stop()));
      });
  add((kRunPath + "/steps/{step}/metrics").c_str(), "getMetrics",
      "Curves and progress that a step wrote into $PENSTOCK_METRICS, while it runs and after",
      get_run,
      {{"names", "only these series", false, true},
       {"attempt", "from 1; the newest where it is not given", true},
       {"item", "of a looped step, from 0", true}},
      "Series", [place](ApiRequest& r) { return Metrics(*place, r); });
  add("/namespaces/{ns}/compare", "compareRuns",
      "Runs side by side: parameters, metrics, what they read", get_run,
      {{"runs", "a run's name; once for each run, 500 at most", false, true}}, "Comparison",
      [place](ApiRequest& r) {
        auto view = views::CompareView(*place, r.ns(), r.All("runs"));
        if (!view && view.error().kind == ErrorKind::kInvalid) r.Blame("runs");
        return Ok(std::move(view));
      });
  add("/namespaces/{ns}/grid", "grid", "The newest runs of a Pipeline by their steps", list_runs,
      {{"pipeline", "the Pipeline"}, {"limit", "runs: 1 to 200; 25 where it is not given", true}},
      "Grid", [place](ApiRequest& r) -> Result<Reply> {
        PENSTOCK_ASSIGN(const auto limit, r.Number("limit", kGridRuns, 1, kMostGridRuns));
        return Ok(views::GridView(*place, r.ns(), r.Text("pipeline"), static_cast<int>(limit)));
      });
  add("/namespaces/{ns}/pipelines", "listPipelines", "Pipelines by name", To("list", "pipelines"),
      PageParameters(), "PipelineList",
      [place](ApiRequest& r) { return ListObjects(*place, r, views::PipelineRows); });
  add("/namespaces/{ns}/pipelines/{name}", "getPipeline",
      "One Pipeline: the parameters that a run of it takes, its approvals", To("get", "pipelines"),
      {}, "Pipeline", [place](ApiRequest& r) {
        return Ok(views::PipelineView(*place, r.ns(), r.Path("name"), r.stop()));
      });
  add("/namespaces/{ns}/models", "listModels", "ModelDeployments by name",
      To("list", "modeldeployments"), PageParameters(), "ModelList",
      [place](ApiRequest& r) { return ListObjects(*place, r, views::ModelRows); });
  add("/namespaces/{ns}/models/{name}", "getModel",
      "One ModelDeployment: versions, rollout, gates, history", To("get", "modeldeployments"), {},
      "Model", [place](ApiRequest& r) {
        return Ok(views::ModelView(*place, r.ns(), r.Path("name"), r.stop()));
      });
  add("/namespaces/{ns}/artifacts/{digest}", "getArtifact",
      "One artifact: its files, schema, statistics, and who made it", get_run, {}, "Artifact",
      [&parts, place](ApiRequest& r) {
        BodyBudget::Held held(*parts.bodies, r.ns());
        return Ok(views::ArtifactView(*place, r.ns(), r.Path("digest"),
                                      [&](std::uint64_t bytes) { return held.Hold(bytes); }));
      });
  add("/namespaces/{ns}/lineage", "lineage",
      "What an artifact or a model was made of, down to the files, and what was made of it",
      get_run,
      {{"artifact", "sha256:<hex>; or"},
       {"model", "a ModelDeployment, a Model, NAME:NUMBER or NAME:ALIAS; or"},
       {"request",
        "the id of a request in a prediction log, of the ModelDeployment `model` or any"},
       {"direction",
        "up to what it was made of, down to what was made of it",
        false,
        false,
        {"up", "down", "both"}},
       {"depth", "steps, one behind the other: 1 to 1000; 50 where it is not given", true}},
      "Lineage", [place](ApiRequest& r) { return Lineage(*place, r); });
}

}  // namespace penstock::gateway
