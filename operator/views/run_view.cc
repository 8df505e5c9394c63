#include "operator/views/run_view.h"

#include "operator/api/codec.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/metadata/tracking.h"
#include "operator/revisions/revision.h"
#include "operator/views/run/json_out.h"
#include "operator/views/run/run_record.h"
#include "operator/views/run/run_words.h"
#include "operator/views/run/yaml_text.h"
#include "operator/views/run_rows.h"
#include "operator/views/step_rows.h"

namespace penstock::views {
namespace {

Result<Json> FindRevision(const Place& place, const std::string& ns, const std::string& name,
                          const std::stop_token& stop) {
  auto stands = place.Get(kube::kControllerRevisions, ns, name, stop);
  if (stands || stands.error().kind != ErrorKind::kNotFound) return stands;
  return place.history().Revision(ns, name);
}

Result<void> ReadSpec(const Place& place, KnownRun& run, const std::stop_token& stop) {
  const std::string& name = run.run.status.revision;
  if (name.empty()) return {};
  auto revision = FindRevision(place, run.run.meta.namespace_, name, stop);
  if (!revision && revision.error().kind == ErrorKind::kNotFound) return {};
  if (!revision) return revision.error();
  PENSTOCK_ASSIGN(run.resolved, revisions::ReadRevision(*revision));
  return {};
}

// As ShownValue, of all that stands within. What has spaces is a program's text, and no URI.
Json ShownWithin(Json value) {
  if (value.is_structured()) {
    for (Json& one : value) one = ShownWithin(std::move(one));
    return value;
  }
  const auto* text = value.get_ptr<const std::string*>();
  const bool may_be_uri = text != nullptr && text->find_first_of(" \t\n") == std::string::npos;
  return may_be_uri ? ShownValue(value) : value;
}

std::string KindOf(const plan::ResolvedStep& step) {
  if (step.approval) return "approval";
  if (step.wait) return "wait";
  if (step.loop) return "loop";
  if (step.nested) return "pipeline";
  return step.daemon ? "daemon" : "step";
}

Json ConditionsOf(const api::PipelineRun& run) {
  Json list = Json::array();
  for (const api::Condition& c : run.status.conditions) {
    const char* status = c.status == api::ConditionStatus::kTrue    ? "True"
                         : c.status == api::ConditionStatus::kFalse ? "False"
                                                                    : "Unknown";
    list.push_back({{"type", c.type},
                    {"status", status},
                    {"reason", c.reason},
                    {"message", c.message},
                    {"time", FormatTime(c.last_transition)}});
  }
  return list;
}

Json OutputsOf(const api::PipelineRun& run) {
  Json list = Json::array();
  for (const api::PublishedOutput& o : run.status.outputs)
    list.push_back({{"name", o.name},
                    {"type", o.type},
                    {"digest", o.digest},
                    {"bytes", o.bytes},
                    {"folder", o.folder}});
  return list;
}

// What another run that does this one again is to say too.
Json AskedOf(const KnownRun& run) {
  Json asked = Json::object();
  for (const char* field : {"pipelineRef", "publish", "ttlAfterFinished"})
    if (run.object.at("spec").contains(field)) asked[field] = run.object.at("spec").at(field);
  asked["scheduledTime"] = FormatTime(api::ScheduledTime(run.run));
  return asked;
}

}  // namespace

Result<FoundRun> FindRun(const Place& place, const std::string& ns, const std::string& name,
                         const std::stop_token& stop) {
  FoundRun found;
  auto object = place.Get(kube::kPipelineRuns, ns, name, stop);
  if (!object && object.error().kind == ErrorKind::kNotFound) {
    auto story = place.history().StoryOf(ns, name);
    if (!story && story.error().kind == ErrorKind::kNotFound) {
      const auto recorded = place.history().Run(ns, name);
      if (recorded && recorded->cause == metadata::kTrackedCause)
        return NotFound("the run " + name +
                        " was logged by a program through MLflow's API: it has no steps; its "
                        "parameters and metrics stand in comparisons of runs");
      return NotFound("there is no run " + name + " in namespace " + ns);
    }
    if (!story) return story.error();
    found.archived = true;
    object = std::move(story->object);
  }
  if (!object) return object.error();
  PENSTOCK_ASSIGN(found.known, ReadRun(*std::move(object)));
  PENSTOCK_TRY(ReadSpec(place, found.known, stop));
  return found;
}

Json RowOf(const Place& place, const KnownRun& run, bool archived) {
  Json row = RunRow(place, SummaryOf(run.run));
  row["archived"] = archived;
  return row;
}

Json GraphOf(const KnownRun& run) {
  Json graph{{"nodes", Json::array()}, {"edges", Json::array()}};
  if (!run.resolved) {
    for (const api::StepStatus& step : run.run.status.steps)
      graph["nodes"].push_back({{"name", step.name}, {"kind", step.items ? "loop" : "step"}});
    return graph;
  }
  for (const plan::ResolvedStep& step : run.resolved->steps) {
    Json node{{"name", step.name}, {"kind", KindOf(step)}};
    const api::StepStatus* status = step.loop ? run.Step(step.name) : nullptr;
    if (status != nullptr && status->items) node["items"] = status->items->total;
    graph["nodes"].push_back(std::move(node));
    for (const api::Dependency& d : step.depends_on) graph["edges"].push_back({d.step, step.name});
  }
  return graph;
}

Result<Json> RunView(const Place& place, const std::string& ns, const std::string& name,
                     const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const FoundRun found, FindRun(place, ns, name, stop));
  const KnownRun& run = found.known;
  Json view = RowOf(place, run, found.archived);
  view["parameters"] = Json::object();
  for (const auto& [parameter, value] :
       run.resolved ? run.resolved->parameters : run.run.spec.parameters)
    view["parameters"][parameter] = ShownValue(value);
  if (run.resolved)
    view["spec"] =
        YamlText(ShownWithin(plan::EncodeResolved(*run.resolved).value("spec", Json::object())));
  Put(view, "parent", ParentRun(run.object));
  view["asked"] = AskedOf(run);
  view["graph"] = GraphOf(run);
  view["counts"] = std::move(view["steps"]);
  view["steps"] = StepRows(place, run);
  view["conditions"] = ConditionsOf(run.run);
  view["outputs"] = OutputsOf(run.run);
  view["results"] = run.run.status.results;
  const std::string flags = place.Flags(ns);
  view["command"] = "penstock describe " + name + (flags.empty() ? "" : " " + flags);
  return view;
}

}  // namespace penstock::views
