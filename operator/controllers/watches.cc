#include "operator/controllers/watches.h"

#include <set>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::controllers {
namespace {

// A pod without its spec and its task: nothing of them is read after its creation.
void TrimPod(Json& pod) {
  pod.erase("spec");
  Json& metadata = pod.at("metadata");
  if (metadata.contains("annotations") && metadata.at("annotations").is_object()) {
    metadata.at("annotations").erase(plan::kAnnotationTask);
  }
}

// Name, labels and owners only: the object is a reason to look, and is read then.
void TrimToMetadata(Json& object) {
  for (const char* field : {"spec", "status", "endpoints", "ports"}) object.erase(field);
}

// What is kept of an object whose decoded state the engine holds: who it is and whose; of a run
// also its Pipeline, which is woken when the run is gone.
Json KeepIdentity(const Json& object) {
  Json kept;
  const Json& metadata = object.at("metadata");
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "ownerReferences"}) {
    if (const auto it = metadata.find(field); it != metadata.end()) kept["metadata"][field] = *it;
  }
  return kept;
}

Json KeepRunIdentity(const Json& run) {
  Json kept = KeepIdentity(run);
  const Json::json_pointer pipeline("/spec/pipelineRef");
  if (run.contains(pipeline)) kept[pipeline] = run.at(pipeline);
  return kept;
}

}  // namespace

Watches::Watches(kube::Client& client, const Clock& clock, std::vector<std::string> namespaces,
                 Log log)
    : client_(client), clock_(clock), namespaces_(std::move(namespaces)), log_(std::move(log)) {}

void Watches::Add(const kube::ResourceType& type, const std::string& selector, const Handle& handle,
                  const std::string& also, const std::string& name) {
  std::set<std::string> namespaces(namespaces_.begin(), namespaces_.end());
  if (namespaces.empty()) {
    namespaces.emplace();  // "" = all, `also` among them
  } else if (!also.empty()) {
    namespaces.insert(also);
  }
  for (const std::string& ns : namespaces) {
    kube::InformerOptions options;
    options.ns = ns;
    options.label_selector = selector;
    if (!name.empty()) options.field_selector = "metadata.name=" + name;
    // A thousand runs' pods must fit the operator's memory: what nobody reads is dropped before
    // the store sees it, and of what the snapshots hold decoded the store keeps the identity.
    if (type == kube::kPods) options.transform = TrimPod;
    if (type == kube::kDeployments || type == kube::kServices || type == kube::kEndpointSlices) {
      options.transform = TrimToMetadata;
    } else {
      options.keep = type == kube::kPipelineRuns ? KeepRunIdentity : KeepIdentity;
    }
    informers_.push_back(std::make_unique<kube::Informer>(client_, type, options, clock_));
    informers_.back()->AddHandler(handle);
    informers_.back()->OnFailure([log = log_, plural = std::string(type.plural)](const Error& e) {
      log("warn", "watching " + plural + ": " + e.message + "; tried again");
    });
  }
}

void Watches::Start() {
  for (auto& informer : informers_) informer->Start();
}

bool Watches::AwaitFirstLists(const std::stop_token& stop) const {
  for (const auto& informer : informers_) {
    while (!informer->WaitForSync(std::chrono::seconds(10), stop)) {
      if (stop.stop_requested()) return false;
      log_("info", "waiting for the first list of " + std::string(informer->type().plural));
    }
  }
  return true;
}

void Watches::Stop() {
  for (auto& informer : informers_) informer->Stop();
}

std::vector<const kube::Informer*> Watches::informers() const {
  std::vector<const kube::Informer*> all;
  for (const auto& informer : informers_) all.push_back(informer.get());
  return all;
}

}  // namespace penstock::controllers
