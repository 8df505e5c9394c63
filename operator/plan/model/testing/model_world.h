// A cluster of one ModelDeployment for tests of its plan: what a plan asks for is there at once,
// and is available when the test says so. Of what a step did, objects beside the servers are left
// out.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "operator/plan/model/model_companions.h"
#include "operator/plan/model/model_deployment_fact.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/model/model_deployment_plan.h"
#include "operator/plan/resolve/testing/spec_fixture.h"
#include "operator/plan/rollout/gate.h"

namespace penstock::plan {

class PlanModels : public ::testing::Test {
 protected:
  PlanModels() { Begin(); }

  // Nothing is served yet.
  void Begin() {
    o_ = {};
    settings_ = {};
    o_.md.meta.name = "flights";
    o_.md.meta.namespace_ = "team";
    o_.md.meta.uid = "md-uid";
    o_.md.meta.generation = 1;
    o_.md.spec.replicas = 2;
    settings_.serve_image = "serve:1";
    settings_.launcher_image = "launcher:1";
    settings_.store.url = "https://gateway:8443";
    o_.store = StoreText(settings_);
    Follow('a');
  }

  void Follow(char digest) { o_.target = ArtifactRef{Digest(digest), true, 10}; }

  std::vector<std::string> Step() {
    if (signature_)
      o_.measurements.push_back({rollout::kSignatureCheck, now_, {}, true, "", "is the same"});
    plan_ = PlanModelDeployment(o_, settings_, now_);
    o_.md.status = plan_.status;
    o_.evidence = plan_.evidence;
    o_.measurements.clear();
    std::vector<std::string> did;
    for (const auto& action : plan_.actions) {
      if (const auto* apply = std::get_if<ApplyDeployment>(&action)) {
        did.push_back("apply " + apply->name);
        Put(apply->deployment);
      } else if (const auto* patch = std::get_if<PatchDeployment>(&action)) {
        did.push_back("patch " + patch->name);
        Json object = last_;
        object.merge_patch(patch->patch);
        Put(object);
      } else if (const auto* store = std::get_if<ApplyConfigMap>(&action)) {
        did.push_back("apply " + store->name);
        o_.store = DecodeStore(store->config_map, "md-uid");
      } else if (const auto* service = std::get_if<ApplyService>(&action)) {
        did.push_back(Put(*service));
      } else if (const auto* service = std::get_if<DeleteService>(&action)) {
        did.push_back("delete Service " + service->name);
        std::erase_if(o_.version_services, [&](const auto& s) { return s.second == service->uid; });
      } else if (const auto* beside = std::get_if<ApplyCompanion>(&action)) {
        o_.companions[beside->kind] = DecodeCompanion(beside->object, "md-uid");
      } else if (const auto* beside = std::get_if<DeleteCompanion>(&action)) {
        o_.companions.erase(beside->kind);
      } else {
        const auto& gone = std::get<DeleteDeployment>(action);
        did.push_back("delete " + gone.name);
        std::erase_if(o_.deployments, [&](const auto& d) { return d.name == gone.name; });
      }
    }
    return did;
  }

  std::string Put(const ApplyService& a) {
    if (const auto version = DecodeVersionService(a.service, "md-uid"); version > 0) {
      o_.version_services[version] = a.name + "-uid";
      return "apply Service " + a.name;
    }
    o_.service = DecodeService(a.service, "md-uid");
    o_.service_for = Milliseconds(0);
    return "switch to " + std::to_string(o_.service->version) +
           (o_.service->to_routers ? " by routers" : "");
  }

  void Put(Json object) {
    last_ = object;
    object["metadata"]["uid"] = "uid";
    object["metadata"]["generation"] = 1;
    object["metadata"]["creationTimestamp"] = FormatTime(now_);
    auto fact = DecodeDeployment(object, "md-uid");
    ASSERT_TRUE(fact);
    for (auto& d : o_.deployments)
      if (d.name == fact->name) {
        d.template_hash = fact->template_hash;
        d.spec_replicas = fact->spec_replicas;
        d.progress_deadline_seconds = fact->progress_deadline_seconds;
        return;
      }
    o_.deployments.push_back(*fact);
  }

  DeploymentFact& Version(std::int64_t v) {
    for (auto& d : o_.deployments)
      if (d.version == v) return d;
    ADD_FAILURE() << "no version " << v;
    return o_.deployments.emplace_back();
  }
  void Ready(std::int64_t v) {
    auto& d = Version(v);
    d.observed_generation = 1;
    d.updated_replicas = d.ready_replicas = d.available_replicas = d.spec_replicas;
  }
  // A pod of version `v` as today's template makes it.
  ServingPodFact Pod(std::int64_t v) {
    ServingPodFact pod;
    pod.name = "x";
    pod.version = v;
    pod.template_hash = TemplateHash(o_.md);
    return pod;
  }
  ServingPodFact Waiting(std::int64_t v, const std::string& reason, const std::string& message) {
    auto pod = Pod(v);
    pod.waiting_reason = reason;
    pod.waiting_message = message;
    return pod;
  }
  ServingPodFact Ended(std::int64_t v, const char* container, int restarts, int exit_code,
                       const std::string& message) {
    auto pod = Waiting(v, "CrashLoopBackOff", "");
    pod.restarts = restarts;
    pod.last_container = container;
    pod.last_exit_code = exit_code;
    pod.last_message = message;
    return pod;
  }
  // Serves the first version.
  void Serve() {
    Step();
    Ready(1);
    Step();
    Step();
    o_.endpoints = {{1, 2}};
  }
  std::string Is(const char* type) const {
    const auto* c = api::FindCondition(plan_.status.conditions, type);
    if (c == nullptr) return "absent";
    return std::string(c->status == api::ConditionStatus::kTrue ? "True" : "False") + " " +
           c->reason;
  }
  std::string Says(const char* type) const {
    return api::FindCondition(plan_.status.conditions, type)->message;
  }

  ModelObserved o_;
  ModelSettings settings_;
  ModelPlan plan_;
  TimePoint now_ = kNoon;
  Json last_;
  bool signature_ = true;  // of a candidate: it is compared, and found to be the same
};

}  // namespace penstock::plan
