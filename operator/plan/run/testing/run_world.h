// A cluster of one run for the tests of its plan: pods as the kubelet would show them.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/resolve/testing/spec_fixture.h"
#include "operator/plan/run/run_plan.h"
#include "operator/plan/run/status_entries.h"
#include "operator/plan/step/child_fact.h"
#include "operator/plan/values/indexes.h"

namespace penstock::plan {

inline TerminationMessage Message(TaskOutcome outcome, int exit_code = 0,
                                  const std::string& text = "") {
  TerminationMessage m;
  m.outcome = outcome;
  m.exit_code = exit_code;
  m.message = text;
  return m;
}

// A cluster of one run: applies what the plan says, in so far as a test asks for it.
class RunWorld {
 public:
  explicit RunWorld(const std::string& spec_yaml, const std::map<std::string, Json>& given = {},
                    const Surroundings& around = {}) {
    o.run.meta.name = "first";
    o.run.meta.namespace_ = "team";
    o.run.meta.uid = "uid-1";
    o.run.meta.generation = 1;
    o.revision = "first-rev";
    o.resolved = std::make_shared<ResolvedRun>(MustResolve(spec_yaml, given, around));
    settings.launcher_image = "launcher:1";
    settings.store.url = "https://gateway:8443";
  }

  // Plans, keeps the status, makes the pods.
  const RunPlan& Step() {
    plan = PlanRun(o, settings, now);
    o.run.status = plan.status;
    for (const RunAction& action : plan.actions) {
      if (const auto* create = std::get_if<CreatePod>(&action)) {
        PodFact pod = DecodePod(create->pod);
        pod.uid = "uid-" + pod.name;
        pod.created = now;
        o.pods.push_back(pod);
        created.push_back(NameOf(pod) + "/" + std::to_string(pod.attempt));
        objects[pod.name] = create->pod;
      }
      if (const auto* child = std::get_if<CreateChild>(&action)) {
        auto run = api::DecodePipelineRun(child->run);
        EXPECT_TRUE(run.errors.empty()) << api::Describe(run.errors);
        run.value.meta.uid = "uid-" + child->name;
        run.value.meta.created = now;
        o.children.push_back(ReadChild(run.value));
        created.push_back(NameOf(o.children.back()) + "/" +
                          std::to_string(o.children.back().attempt));
        objects[child->name] = child->run;
      }
      if (const auto* cancel = std::get_if<CancelChild>(&action))
        for (ChildFact& c : o.children)
          if (c.name == cancel->name) c.cancel = cancel->mode;
      if (const auto* gone = std::get_if<DeletePod>(&action)) deleted.push_back(gone->name);
      if (const auto* entry = std::get_if<RecordCache>(&action)) recorded.push_back(entry->key);
      if (const auto* kept = std::get_if<KeepReceipt>(&action)) Keep(kept->receipt);
    }
    for (const auto& step : plan.requests.taken_up) {
      auto answer = *o.gathered[step];
      answer.taken_up = true;
      o.gathered[step] = std::make_shared<const GatherAnswer>(std::move(answer));
    }
    return plan;
  }

  // Answers every question of the last plan with "there is none" and plans again, until it asks no
  // more.
  const RunPlan& Settle() {
    for (int i = 0; i < 20; ++i) {
      Step();
      const FactRequests& r = plan.requests;
      if (r.cache_keys.empty() && r.receipts.empty() && r.live_pods.empty() &&
          r.fingerprints.empty() && r.gathers.empty())
        break;
      for (const auto& gather : r.gathers) AnswerGather(gather);
      for (const auto& key : r.cache_keys) o.cache[key];
      for (const auto& pod : r.receipts) o.receipts[pod];
      for (const auto& pod : r.live_pods) o.pod_gone[pod] = true;
      for (const auto& uri : r.fingerprints) o.fingerprints[uri];
    }
    return plan;
  }

  PodFact& Pod(const std::string& step, int attempt = 1) {
    for (PodFact& p : o.pods)
      if (p.step == step && p.attempt == attempt) return p;
    ADD_FAILURE() << "no pod " << step << "/" << attempt;
    return o.pods.emplace_back();
  }
  ChildFact& Child(const std::string& step, int attempt = 1) {
    for (ChildFact& c : o.children)
      if (c.step == step && c.attempt == attempt) return c;
    ADD_FAILURE() << "no run of " << step << "/" << attempt;
    return o.children.emplace_back();
  }
  void End(ChildFact& child, RunOutcome outcome, const std::string& message = "") {
    child.outcome = outcome;
    child.started = child.started.value_or(now);
    child.finished = now;
    child.reason = Name(outcome);
    child.message = message;
  }

  // "each.3" of an item of a looped step. Fact is PodFact or ChildFact.
  template <typename Fact>
  static std::string NameOf(const Fact& fact) {
    return fact.step + (fact.item ? "." + std::to_string(*fact.item) : "");
  }
  ChildFact& ItemRun(int item, int attempt = 1) {
    for (ChildFact& c : o.children)
      if (c.item == item && c.attempt == attempt) return c;
    ADD_FAILURE() << "no run of item " << item << "/" << attempt;
    return o.children.emplace_back();
  }
  PodFact& Item(int item, int attempt = 1) {
    for (PodFact& p : o.pods)
      if (p.item == item && p.attempt == attempt) return p;
    ADD_FAILURE() << "no pod of item " << item << "/" << attempt;
    return o.pods.emplace_back();
  }

  // The store's receipts of items, and what it makes of them.
  void Keep(const Receipt& receipt) {
    if (receipt.item_index) item_receipts[receipt.step][*receipt.item_index] = receipt;
  }
  void AnswerGather(const GatherRequest& request) {
    const ResolvedStep& step = *request.resolved->Find(request.step);
    GatherAnswer answer;
    answer.succeeded = request.succeeded;
    const auto total = static_cast<std::size_t>(request.total);
    const auto& receipts = item_receipts[request.step];
    for (const auto& result : step.results) {
      Json& list = answer.results[result.name] = Json::array();
      for (std::size_t i = 0; i < total; ++i) list.push_back(nullptr);
    }
    for (const std::size_t i : ParseIndexes(request.succeeded, total)) {
      const auto receipt = receipts.find(static_cast<int>(i));
      if (receipt == receipts.end()) {
        answer.missing.push_back(i);
        continue;
      }
      for (auto& [name, list] : answer.results)
        list[i] = receipt->second.results.value(name, Json());
    }
    for (const auto& output : step.outputs)
      answer.outputs.push_back({output.name, "file", {Digest('f'), true, 7 * total}});
    o.gathered[request.step] = std::make_shared<const GatherAnswer>(std::move(answer));
  }

  void Drop(const std::string& step, int attempt = 1) {
    std::erase_if(o.pods, [&](const auto& p) { return p.step == step && p.attempt == attempt; });
  }

  Receipt ReceiptOf(const PodFact& pod) const {
    Receipt r;
    r.run_uid = o.run.meta.uid;
    r.step = pod.step;
    r.pod = pod.name;
    r.attempt = pod.attempt;
    r.item_index = pod.item;
    for (const auto& out : o.resolved->Find(pod.step)->outputs)
      r.outputs.push_back({out.name, out.type, {Digest('a'), false, 7}});
    return r;
  }

  void Run(PodFact& pod) {
    pod.phase = PodPhase::kRunning;
    pod.started = now;
  }
  void End(PodFact& pod, const TerminationMessage& m) {
    pod.phase = m.outcome == TaskOutcome::kSucceeded ? PodPhase::kSucceeded : PodPhase::kFailed;
    pod.exit_code = LauncherExitCode(m);
    pod.termination_message = FormatTerminationMessage(m);
    pod.started = pod.started.value_or(now);
    pod.finished = now;
  }
  void Succeed(PodFact& pod, const Json& results = Json::object()) {
    TerminationMessage m;
    m.outcome = TaskOutcome::kSucceeded;
    m.receipt = ReceiptOf(pod);
    m.receipt->results = results;
    Keep(*m.receipt);
    End(pod, m);
  }
  // Succeeds with what the step says to have seen of its URI inputs; then plans.
  void EndHavingRead(PodFact& pod, const std::map<std::string, std::string>& fingerprints) {
    TerminationMessage m;
    m.outcome = TaskOutcome::kSucceeded;
    m.receipt = ReceiptOf(pod);
    m.receipt->input_fingerprints = fingerprints;
    End(pod, m);
    Settle();
  }
  void Fail(PodFact& pod, int exit_code = 1, const std::string& text = "boom") {
    End(pod, Message(TaskOutcome::kFailed, exit_code, text));
  }

  [[nodiscard]] const api::StepStatus& Status(const std::string& step) const {
    for (const auto& s : plan.status.steps)
      if (s.name == step) return s;
    ADD_FAILURE() << "no status of " << step;
    static const api::StepStatus kNone;
    return kNone;
  }
  [[nodiscard]] std::string Is(const char* condition) const {
    const auto* c = api::FindCondition(plan.status.conditions, condition);
    if (c == nullptr) return "absent";
    return std::string(c->status == api::ConditionStatus::kTrue    ? "True"
                       : c->status == api::ConditionStatus::kFalse ? "False"
                                                                   : "Unknown") +
           " " + c->reason;
  }
  [[nodiscard]] std::string Says(const char* condition) const {
    const auto* c = api::FindCondition(plan.status.conditions, condition);
    return c == nullptr ? "" : c->message;
  }

  RunObserved o;
  PodSettings settings;
  TimePoint now = kNoon;
  RunPlan plan;
  std::vector<std::string> created, deleted, recorded;
  std::map<std::string, Json> objects;
  std::map<std::string, std::map<int, Receipt>> item_receipts;  // by step and item
};

}  // namespace penstock::plan
