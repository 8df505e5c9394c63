#include "operator/views/run/run_story.h"

#include <set>

#include "operator/plan/step/child_fact.h"
#include "operator/plan/step/step_cache.h"
#include "operator/protocol/reference.h"
#include "operator/views/run/run_ingredients.h"
#include "operator/views/run/run_words.h"
#include "operator/views/run/step_makers.h"
#include "operator/views/run/used_inputs.h"

namespace penstock::views {
namespace {

class Story {
 public:
  Story(const KnownRun& run, const std::vector<KnownRun>& older, const ItemRuns& of_items)
      : known_(run), run_(run.run), older_(older), of_items_(of_items) {}

  [[nodiscard]] Json Tell() const {
    Json story{{"run", run_.meta.name},
               {"namespace", run_.meta.namespace_},
               {"pipeline", run_.spec.pipeline_ref},
               {"parent", ParentRun(known_.object)},
               {"status", RunWord(known_.object)},
               {"message", ConditionMessage(known_.object, "Succeeded")},
               {"publish", run_.spec.publish},
               {"parameters", known_.resolved ? known_.resolved->parameters : run_.spec.parameters},
               {"steps", Json::array()},
               {"outputs", Outputs()},
               {"results", run_.status.results}};
    if (run_.meta.created) story["created"] = FormatTime(*run_.meta.created);
    PutTimes(run_.status.start_time, run_.status.finish_time, story);
    if (const auto* c = api::FindCondition(run_.status.conditions, "Blessed")) {
      story["blessed"] = {{"status", ConditionStatus(known_.object, "Blessed")},
                          {"reason", c->reason},
                          {"message", c->message}};
    }
    for (const api::StepStatus& step : run_.status.steps) story["steps"].push_back(Step(step));
    return story;
  }

 private:
  static void PutTimes(const std::optional<TimePoint>& start, const std::optional<TimePoint>& end,
                       Json& told) {
    if (start) told["startTime"] = FormatTime(*start);
    if (end) told["finishTime"] = FormatTime(*end);
  }

  [[nodiscard]] Json Step(const api::StepStatus& step) const {
    Json told{
        {"name", step.name},        {"phase", api::Name(step.phase)}, {"reason", step.reason},
        {"message", step.message},  {"attempts", step.attempts},      {"pod", step.pod},
        {"run", step.run},          {"cached", step.cached},          {"inputs", Inputs(step.name)},
        {"outputs", Json::array()}, {"results", step.results}};
    PutTimes(step.start_time, step.finish_time, told);
    if (step.items) PutItems(step, told);
    for (const auto& o : step.outputs) {
      told["outputs"].push_back(
          {{"name", o.name}, {"type", o.type}, {"digest", o.digest}, {"bytes", o.bytes}});
    }
    if (step.cached) {
      const Maker maker = MakerOf(step, older_);
      told["cachedFrom"] = maker.name;
      told["cachedFromIsKept"] = maker.step != nullptr;
    } else if (step.run.empty() && !of_items_.contains(step.name) &&
               step.phase != api::StepPhase::kWaiting && step.phase != api::StepPhase::kSkipped) {
      WhyItRan(step, told);
    }
    return told;
  }

  void PutItems(const api::StepStatus& step, Json& told) const {
    const api::ItemsStatus& items = *step.items;
    told["items"] = {{"total", items.total},           {"running", items.running},
                     {"cached", items.cached},         {"succeeded", items.succeeded_indexes},
                     {"failed", items.failed_indexes}, {"skipped", items.skipped_indexes}};
    const auto runs = of_items_.find(step.name);
    if (runs == of_items_.end()) return;
    told["items"]["runs"] = Json::array();
    for (const KnownRun& of_item : runs->second) {
      const auto item = plan::ItemOf(of_item.run);
      told["items"]["runs"].push_back({{"item", item ? item->second : -1},
                                       {"run", of_item.run.meta.name},
                                       {"status", RunWord(of_item.object)}});
    }
  }

  void WhyItRan(const api::StepStatus& step, Json& told) const {
    told["cacheMiss"] = step.cache_miss;
    const KnownRun* before = BeforeOf(known_, step.name, older_);
    if (before == nullptr) return;
    told["comparedWith"] = before->run.meta.name;
    const std::string& then_said = before->Step(step.name)->cache_miss;
    if (then_said.starts_with(plan::kNotReusable)) told["comparedWithSays"] = then_said;
    told["differences"] = Json::array();
    const Ingredients now = IngredientsOf(known_, step.name);
    const Ingredients then = IngredientsOf(*before, step.name);
    if (now.empty() || then.empty()) {
      told["differences"] = nullptr;  // a spec is not kept
      return;
    }
    for (const Difference& d : Compare(then, now)) {
      told["differences"].push_back({{"what", d.what}, {"before", d.before}, {"after", d.after}});
    }
  }

  // What the step read, and where it came from.
  [[nodiscard]] Json Inputs(const std::string& name) const {
    Json inputs = Json::array();
    for (const UsedInput& used : UsedInputs(known_, name)) {
      Json told{{"name", used.input.name}};
      if (used.input.artifact) {
        told["digest"] = used.input.artifact->digest;
      } else {
        told["uri"] = used.input.uri;
      }
      if (!used.from_step.empty()) told["from"] = used.from_step + "." + used.from_name;
      if (!used.fingerprint.empty()) told["fingerprint"] = used.fingerprint;
      inputs.push_back(std::move(told));
    }
    return inputs;
  }

  // What the run gave, each with the steps that it went through, the last first.
  [[nodiscard]] Json Outputs() const {
    Json outputs = Json::array();
    for (const api::PublishedOutput& o : run_.status.outputs) {
      Json told{{"name", o.name}, {"type", o.type}, {"digest", o.digest}, {"bytes", o.bytes}};
      told["lineage"] = Json::array();
      for (const std::string& step : Upstream(o.name)) {
        told["lineage"].push_back({{"step", step}, {"inputs", Inputs(step)}});
      }
      outputs.push_back(std::move(told));
    }
    return outputs;
  }

  [[nodiscard]] std::vector<std::string> Upstream(const std::string& output) const {
    if (!known_.resolved) return {};
    const auto text = known_.resolved->outputs.find(output);
    if (text == known_.resolved->outputs.end()) return {};
    const auto parsed = ParseTemplate(text->second);
    if (!parsed || parsed->Whole() == nullptr) return {};
    std::set<std::string> wanted{parsed->Whole()->path[1]};
    std::vector<std::string> steps;
    // They stand in topological order.
    const auto& all = known_.resolved->steps;
    for (auto step = all.rbegin(); step != all.rend(); ++step) {
      if (!wanted.contains(step->name)) continue;
      steps.push_back(step->name);
      for (const plan::ResolvedInput& input : step->inputs) {
        for (const plan::ResolvedSource* source : input.Sources()) {
          if (!source->step.empty()) wanted.insert(source->step);
        }
      }
    }
    return steps;
  }

  const KnownRun& known_;
  const api::PipelineRun& run_;
  const std::vector<KnownRun>& older_;
  const ItemRuns& of_items_;
};

}  // namespace

const KnownRun* BeforeOf(const KnownRun& run, const std::string& step,
                         const std::vector<KnownRun>& older) {
  for (const KnownRun& other : older) {
    if (other.run.spec.pipeline_ref != run.run.spec.pipeline_ref) continue;
    const api::StepStatus* status = other.Step(step);
    if (status != nullptr && status->phase == api::StepPhase::kSucceeded) return &other;
  }
  return nullptr;
}

Json TellRun(const KnownRun& run, const std::vector<KnownRun>& older, const ItemRuns& of_items) {
  return Story(run, older, of_items).Tell();
}

}  // namespace penstock::views
