#include "operator/plan/step/child_fact.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "operator/api/approval.h"
#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_spec.h"

namespace penstock::plan {
namespace {

std::string TextUnder(const std::map<std::string, std::string>& map, const char* key) {
  const auto it = map.find(key);
  return it == map.end() ? "" : it->second;
}

// A whole number of decimal digits; nullopt: the text is none.
std::optional<int> NumberIn(const std::string& text) {
  int number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool all = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return all && number >= 0 ? std::optional(number) : std::nullopt;
}

api::ValueType TypeOfValue(const Json& value) {
  for (const auto type : {api::ValueType::kInteger, api::ValueType::kNumber,
                          api::ValueType::kBoolean, api::ValueType::kList, api::ValueType::kObject})
    if (HasType(value, Name(type))) return type;
  return api::ValueType::kString;
}

// With the types of the values and inputs that are there; what is not given is absent.
api::PipelineSpec Typed(api::PipelineSpec spec, const AttemptSpec& attempt) {
  for (api::ParameterSpec& declared : spec.parameters) {
    api::ParameterSpec p;
    p.name = declared.name;
    p.type = declared.type;
    p.optional = true;
    if (const auto value = attempt.parameters.find(p.name); value != attempt.parameters.end())
      p.type = TypeOfValue(value->second);
    declared = std::move(p);
  }
  for (api::InputSpec& input : spec.inputs)
    for (const TaskInput& given : attempt.inputs)
      if (given.name == input.name && given.artifact && !given.type.empty())
        input.type = given.type;
  return spec;
}

}  // namespace

const api::OwnerReference* ParentOf(const api::ObjectMeta& run) {
  const auto it = std::find_if(run.owners.begin(), run.owners.end(), [](const auto& o) {
    return o.controller && o.kind == "PipelineRun" &&
           o.api_version.starts_with(std::string(api::kApiGroup) + "/");
  });
  return it == run.owners.end() ? nullptr : &*it;
}

ChildFact ReadChild(const api::PipelineRun& run) {
  ChildFact c;
  c.name = run.meta.name;
  c.uid = run.meta.uid;
  c.step = TextUnder(run.meta.labels, kLabelStep);
  c.item = NumberIn(TextUnder(run.meta.labels, kLabelItem));
  c.attempt = NumberIn(TextUnder(run.meta.labels, kLabelAttempt)).value_or(1);
  c.spent = DecodeSpent(TextUnder(run.meta.annotations, kAnnotationSpent));
  c.outcome = OutcomeOf(run);
  c.cancel = run.spec.cancel;
  c.suspended = run.spec.suspend;
  c.deleting = run.meta.deleted.has_value();
  if (const auto* how = api::FindCondition(run.status.conditions, "Succeeded")) {
    c.reason = how->reason;
    c.message = how->message;
  }
  c.trouble = run.status.trouble;
  c.created = run.meta.created;
  c.started = run.status.start_time;
  c.finished = run.status.finish_time;
  c.outputs = run.status.outputs;
  c.results = run.status.results;
  return c;
}

bool ShowsParentMore(const api::PipelineRun* before, const api::PipelineRun& now) {
  if (before == nullptr) return true;
  const auto shown = [](const ChildFact& c) {
    return std::tuple(c.outcome, c.started, c.cancel, c.trouble, c.reason, c.deleting);
  };
  return shown(ReadChild(*before)) != shown(ReadChild(now));
}

std::string ChildName(const api::PipelineRun& run, const AttemptSpec& spec) {
  const auto item = spec.item ? std::optional(spec.item->index) : std::nullopt;
  return PodName(run.meta.name, run.meta.uid, spec.step->name, spec.attempt, item);
}

Json BuildChild(const api::PipelineRun& run, const Family& family, const AttemptSpec& spec) {
  const ResolvedNested& nested = *spec.step->nested;
  api::PipelineRun child;
  child.meta.name = ChildName(run, spec);
  child.meta.namespace_ = run.meta.namespace_;
  child.meta.labels = {{kLabelParentUid, run.meta.uid},
                       {kLabelRootUid, family.root_uid.empty() ? run.meta.uid : family.root_uid},
                       {kLabelStep, spec.step->name},
                       {kLabelAttempt, std::to_string(spec.attempt)}};
  if (spec.item) child.meta.labels[kLabelItem] = std::to_string(spec.item->index);
  child.meta.annotations = {{kAnnotationSpent, EncodeSpent(spec.spent)}};
  // Who started the outermost run.
  if (const std::string by = TextUnder(run.meta.annotations, api::kSubmittedBy); !by.empty())
    child.meta.annotations[api::kSubmittedBy] = by;
  child.meta.owners = {
      {api::kApiVersion, "PipelineRun", run.meta.name, run.meta.uid, /*controller=*/true}};
  child.spec.pipeline_ref = nested.pipeline;
  child.spec.library = nested.library;
  if (nested.spec) child.spec.pipeline_spec = Typed(*nested.spec, spec);
  child.spec.parameters = spec.parameters;
  for (const TaskInput& input : spec.inputs)
    child.spec.inputs[input.name] = input.artifact ? input.artifact->digest : input.uri;
  child.spec.publish = false;
  return api::Encode(child);
}

std::optional<std::pair<std::string, int>> ItemOf(const api::PipelineRun& child) {
  const auto item = NumberIn(TextUnder(child.meta.labels, kLabelItem));
  if (!item) return std::nullopt;
  const std::string numbers =
      "-" + std::to_string(*item) + "-" + TextUnder(child.meta.labels, kLabelAttempt) + "-";
  const std::string& name = child.meta.name;
  const auto hash = name.rfind('-') + 1;  // 0: there is no dash
  if (hash < numbers.size() || name.compare(hash - numbers.size(), numbers.size(), numbers) != 0)
    return std::nullopt;
  return std::pair(TextUnder(child.meta.labels, kLabelStep), *item);
}

void TakeItemFromName(const api::PipelineRun& run, const std::vector<std::string>& loops,
                      ChildFact& child) {
  const auto is = [&](const std::string& step, int attempt, std::optional<int> item) {
    return PodName(run.meta.name, run.meta.uid, step, attempt, item) == child.name;
  };
  if (is(child.step, child.attempt, child.item)) return;
  // <run>-<step>-<item>-<attempt>-<hash>
  std::string rest = child.name;
  const auto take_last = [&rest] {
    const auto dash = rest.rfind('-');
    std::string last = dash == std::string::npos ? rest : rest.substr(dash + 1);
    rest.resize(dash == std::string::npos ? 0 : dash);
    return last;
  };
  static_cast<void>(take_last());  // the hash
  const auto attempt = NumberIn(take_last());
  const auto item = NumberIn(take_last());
  if (!attempt || !item) return;
  for (const std::string& step : loops) {
    if (!is(step, *attempt, item)) continue;
    child.step = step;
    child.attempt = *attempt;
    child.item = item;
    return;
  }
}

}  // namespace penstock::plan
