#include "operator/plan/resolve/schedule_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/plan/schedule/firing.h"

namespace penstock::plan {
namespace {

Result<Json> ValueAt(const Json& value, TimePoint time) {
  return ExpandAll(value, [&](const Reference& r) -> Result<Json> {
    if (r.Is({"run", "scheduledTime"})) return Json(FormatTime(time));
    return Invalid(r.Text() +
                   " cannot stand in a schedule's parameters: they know $(run.scheduledTime) only");
  });
}

// CheckGiven's paths are a run's.
constexpr std::string_view kRoot = "spec", kParameters = "spec.parameters.";
std::string ParameterOf(const api::FieldError& error) {
  return error.path.starts_with(kParameters) ? error.path.substr(kParameters.size()) : error.path;
}

bool IsDeclared(const api::PipelineSpec& spec, const std::string& name) {
  return std::any_of(spec.parameters.begin(), spec.parameters.end(),
                     [&](const auto& p) { return p.name == name; });
}

// True where the value says something of the body; then only the delivery knows what it will be.
bool CheckReferences(const Json& value, const std::string& path, Findings& out) {
  std::vector<FoundReference> found;
  const std::size_t before = out.errors.size();
  CollectReferences(value, path, found, out.errors);
  for (const FoundReference& f : found)
    if (!f.reference.Is({"body"}))
      out.Add(f.path, f.reference.Text() +
                          " cannot stand in a webhook's parameters: they know the delivery's JSON "
                          "only, as $(body.field)");
  return !found.empty() || out.errors.size() > before;
}

// What nothing but a run by hand could give, quoted; "" for none.
std::string ParametersWithoutValue(const api::PipelineSpec& spec,
                                   const std::map<std::string, Json>& given) {
  std::string names;
  for (const api::ParameterSpec& p : spec.parameters) {
    const auto it = given.find(p.name);
    if (p.default_value || !p.value_from.is_null() || p.optional ||
        (it != given.end() && !it->second.is_null()))
      continue;
    names += (names.empty() ? "'" : ", '") + p.name + "'";
  }
  return names;
}

void CheckParameters(const api::PipelineSpec& spec, const api::ScheduleSpec& schedule,
                     const std::string& path, Findings& out) {
  std::map<std::string, Json> values;
  for (const auto& [name, value] : schedule.parameters) {
    auto expanded = ValueAt(value, TimePoint{});
    if (expanded)
      values[name] = std::move(*expanded);
    else
      out.Add(api::ChildPath(path + ".parameters", name), expanded.error().message);
  }
  for (api::FieldError& wrong : CheckGiven(spec.parameters, values))
    out.Add(path + wrong.path.substr(kRoot.size()), std::move(wrong.message));
  const std::string missing = ParametersWithoutValue(spec, schedule.parameters);
  if (!missing.empty())
    out.Add(path + ".parameters",
            "nothing gives a value to " + missing + ": name it here, or give it a default");
}

void CheckSchedule(const api::PipelineSpec& spec, std::size_t index, Findings& out) {
  const api::ScheduleSpec& schedule = spec.schedules[index];
  const std::string path = api::ItemPath("spec.schedules", index);
  if (!IsDnsLabel(schedule.name, 40))
    out.Add(path + ".name", "'" + schedule.name.substr(0, 80) +
                                "' is no name: lower-case letters, digits and '-', a letter or "
                                "digit at both ends, at most 40");
  if (const auto cron = ParseCron(schedule.cron); !cron)
    out.Add(path + ".cron", cron.error().message);
  if (const auto zone = FindZone(schedule.time_zone); !zone)
    out.Add(path + ".timeZone", zone.error().message);
  if (schedule.finish_within && schedule.finish_within->count() <= 0)
    out.Add(path + ".finishWithin", "must be above 0");
  CheckParameters(spec, schedule, path, out);
}

// Of a trigger, whose path is `path`.
void CheckWebhook(const api::PipelineSpec& spec, const api::WebhookSpec& webhook,
                  const std::string& path, Findings& out) {
  if (!IsDnsLabel(webhook.name, 40))
    out.Add(path + ".webhook.name",
            "'" + webhook.name.substr(0, 80) +
                "' is no name: lower-case letters, digits and '-', a letter or digit at both "
                "ends, at most 40");
  const std::string below = path + ".webhook.parameters";
  std::map<std::string, Json> literal;
  for (const auto& [name, value] : webhook.parameters) {
    const std::string at = api::ChildPath(below, name);
    if (!CheckReferences(value, at, out))
      literal[name] = value;
    else if (!IsDeclared(spec, name))
      out.Add(at, "the Pipeline has no such parameter");
  }
  for (api::FieldError& wrong : CheckGiven(spec.parameters, literal))
    out.Add(path + ".webhook" + wrong.path.substr(kRoot.size()), std::move(wrong.message));
  const std::string missing = ParametersWithoutValue(spec, webhook.parameters);
  if (!missing.empty())
    out.Add(below, "nothing gives a value to " + missing +
                       " when a delivery starts a run: name it here, or give it a default");
}

}  // namespace

void CheckSchedules(const api::PipelineSpec& spec, Findings& out) {
  for (std::size_t i = 0; i < spec.schedules.size(); ++i) CheckSchedule(spec, i, out);
  const auto& deadline = spec.schedule_policy.starting_deadline;
  if (deadline && deadline->count() <= 0)
    out.Add("spec.schedulePolicy.startingDeadline", "must be above 0");
  if (spec.freshness.max_age && spec.freshness.max_age->count() <= 0)
    out.Add("spec.freshness.maxAge", "must be above 0");
  std::set<std::string> followed;
  for (std::size_t i = 0; i < spec.triggers.size(); ++i) {
    const api::TriggerSpec& trigger = spec.triggers[i];
    const std::string path = api::ItemPath("spec.triggers", i);
    const std::string name = trigger.webhook          ? "webhook " + trigger.webhook->name
                             : trigger.source.empty() ? trigger.pipeline + "." + trigger.output
                                                      : trigger.source;
    if (!followed.insert(name).second) out.Add(path, name + " stands there twice");
    if (trigger.webhook) CheckWebhook(spec, *trigger.webhook, path, out);
    if (trigger.source.empty()) continue;
    if (const auto wrong = CheckUri(trigger.source)) out.Add(path + ".source", *wrong);
    if (trigger.interval < std::chrono::minutes(1))
      out.Add(path + ".interval", "must be 1m or more");
  }
  const std::string missing = ParametersWithoutValue(spec, {});
  const bool follows = std::any_of(spec.triggers.begin(), spec.triggers.end(),
                                   [](const api::TriggerSpec& t) { return !t.webhook; });
  if (follows && !missing.empty())
    out.Add("spec.triggers", "nothing gives a value to " + missing +
                                 " when a trigger starts a run: give it a default");
}

void CheckTriggersOf(const std::string& pipeline, const api::PipelineSpec& spec, Findings& out) {
  for (std::size_t i = 0; i < spec.triggers.size(); ++i)
    if (!pipeline.empty() && spec.triggers[i].pipeline == pipeline)
      out.Add(api::ItemPath("spec.triggers", i) + ".pipeline",
              "is this Pipeline itself, which would run for ever");
}

Result<std::map<std::string, Json>> ParametersAt(const api::ScheduleSpec& schedule,
                                                 TimePoint time) {
  std::map<std::string, Json> values;
  for (const auto& [name, value] : schedule.parameters) {
    auto expanded = ValueAt(value, time);
    if (!expanded) return expanded.error();
    if (!expanded->is_null()) values[name] = std::move(*expanded);
  }
  return values;
}

DeliveredParameters ParametersOf(const api::PipelineSpec& spec, const api::WebhookSpec& webhook,
                                 const Json& body) {
  DeliveredParameters out;
  for (const auto& [name, value] : webhook.parameters) {
    auto expanded = ExpandAll(value, [&](const Reference& r) -> Result<Json> {
      if (r.Is({"body"})) return Select(body, r, 1);
      return Invalid(r.Text() + " is nothing of the delivery");
    });
    if (!expanded)
      out.errors.push_back({name, expanded.error().message});
    else if (!expanded->is_null())
      out.values[name] = *std::move(expanded);
  }
  for (const api::FieldError& wrong : CheckGiven(spec.parameters, out.values))
    out.errors.push_back({ParameterOf(wrong), wrong.message});
  // What is null, or was left out by firstOf; not what has its error already.
  std::map<std::string, Json> told = out.values;
  for (const api::FieldError& e : out.errors) told.emplace(e.path, Json(true));
  const std::string missing = ParametersWithoutValue(spec, told);
  if (!missing.empty()) out.errors.push_back({"", "the delivery gives no value to " + missing});
  return out;
}

}  // namespace penstock::plan
