#include <algorithm>

#include "operator/api/codec.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/views/object_page.h"
#include "operator/views/object_rows.h"
#include "operator/views/run/json_out.h"
#include "operator/views/run/run_words.h"
#include "operator/views/run/yaml_text.h"

namespace penstock::views {
namespace {

Json ScheduleRows(const api::Pipeline& pipeline) {
  Json list = Json::array();
  for (const api::ScheduleSpec& schedule : pipeline.spec.schedules) {
    Json row{{"name", schedule.name}, {"cron", schedule.cron}, {"suspended", schedule.suspend}};
    Put(row, "timeZone", schedule.time_zone);
    for (const api::ScheduleStatus& status : pipeline.status.schedules) {
      if (status.name != schedule.name) continue;
      Put(row, "last", status.last);
      Put(row, "next", status.next);
    }
    list.push_back(std::move(row));
  }
  return list;
}

Json RowOfPipeline(const Json& object, const api::Pipeline& pipeline) {
  Json row{{"name", pipeline.meta.name},
           {"suspended", pipeline.spec.suspend},
           {"activeRuns", pipeline.status.active_runs},
           {"schedules", ScheduleRows(pipeline)}};
  Put(row, "ready", ConditionStatus(object, "Ready"));
  Put(row, "message", ConditionMessage(object, "Ready"));
  Put(row, "nextRun", pipeline.status.next_schedule);
  if (const auto& last = pipeline.status.last_run) {
    row["lastRun"] = {{"name", last->name},
                      {"phase", last->outcome.empty() ? "Running" : last->outcome}};
    Put(row["lastRun"], "finished", last->finish_time);
  }
  return row;
}

}  // namespace

Json ParameterRow(const api::ParameterSpec& p) {
  Json row{{"name", p.name}, {"type", api::Name(p.type)}};
  Put(row, "description", p.description);
  Put(row, "pattern", p.pattern);
  if (p.default_value) row["default"] = *p.default_value;
  if (p.optional || p.default_value || !p.value_from.is_null()) row["optional"] = true;
  if (p.minimum) row["minimum"] = *p.minimum;
  if (p.maximum) row["maximum"] = *p.maximum;
  if (p.max_length) row["maxLength"] = *p.max_length;
  if (!p.enum_values.empty()) row["enum"] = p.enum_values;
  if (!p.items.is_null()) row["items"] = p.items;
  return row;
}

Result<Json> PipelineRows(const Place& place, const std::string& ns, int limit,
                          const std::string& after, const std::stop_token& stop) {
  PENSTOCK_ASSIGN(auto objects, place.List(kube::kPipelines, ns, "", stop));
  return ObjectPage(std::move(objects), limit, after, [](const Json& object) {
    return RowOfPipeline(object, api::DecodePipeline(object).value);
  });
}

Result<Json> PipelineView(const Place& place, const std::string& ns, const std::string& name,
                          const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const Json object, place.Get(kube::kPipelines, ns, name, stop));
  const api::Pipeline pipeline = api::DecodePipeline(object).value;
  Json view = RowOfPipeline(object, pipeline);
  Put(view, "description", pipeline.spec.description);
  for (const char* list : {"parameters", "inputs", "steps", "approvals", "triggers"})
    view[list] = Json::array();
  for (const auto& p : pipeline.spec.parameters) view["parameters"].push_back(ParameterRow(p));
  for (const auto& i : pipeline.spec.inputs) {
    Json row{{"name", i.name}, {"type", i.type}, {"optional", i.optional}};
    Put(row, "description", i.description);
    view["inputs"].push_back(std::move(row));
  }
  for (const auto* steps : {&pipeline.spec.steps, &pipeline.spec.finally}) {
    for (const api::StepSpec& step : *steps) {
      view["steps"].push_back(step.name);
      if (step.approval) view["approvals"].push_back(step.name);
    }
  }
  for (const api::TriggerSpec& t : pipeline.spec.triggers) {
    Json row = Json::object();
    Put(row, "pipeline", t.pipeline);
    Put(row, "output", t.output);
    Put(row, "source", t.source);
    if (t.webhook) row["webhook"] = t.webhook->name;
    view["triggers"].push_back(std::move(row));
  }
  view["spec"] = YamlText(object.value("spec", Json::object()));
  return view;
}

}  // namespace penstock::views
