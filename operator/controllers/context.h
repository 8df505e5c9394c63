// What every controller works with. The Engine owns all of it and outlives the controllers.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/artifacts/store.h"
#include "operator/base/time.h"
#include "operator/controllers/object_table.h"
#include "operator/controllers/pod_table.h"
#include "operator/kube/client.h"
#include "operator/metadata/recorder.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/run/world.h"

namespace penstock::controllers {

// Runs work on a bounded pool of threads that may block on disks and networks. Never blocks itself.
using Submit = std::function<void(std::function<void()> work)>;

// An event about an object, sent off the caller's thread.
struct EventNote {
  const kube::ResourceType* type = nullptr;
  std::string ns, name, uid, resource_version;
  std::string event_type;  // Normal or Warning
  std::string reason;
  std::string message;
};

struct Snapshots {
  ObjectTable<Known<api::Pipeline>> pipelines;
  ObjectTable<Known<api::PipelineRun>> runs;
  ObjectTable<Known<api::Component>> components;
  ObjectTable<Known<api::ModelDeployment>> model_deployments;
  PodTable pods;
};

struct Settings {
  plan::PodSettings pods;
  std::string library_namespace;  // where `library: true` looks
  std::string library_image;      // what the library's own components run in; see kLibraryImage
  std::string serve_image;
  bool local_files = false;  // the operator reads file:// sources itself (`penstock run`)
  Milliseconds status_interval{1'000};
  Milliseconds follow_interval{1'000};   // between looks at another run's pod
  Milliseconds follow_limit{600'000};    // then the follower starts its own
  Milliseconds confirm_after{10'000};    // a created pod that no informer has shown is asked for
  Milliseconds retry_fact_after{1'000};  // a fact that the store could not give
};

struct Context {
  kube::Client& client;
  const artifacts::Store& store;
  metadata::Recorder& recorder;
  const Clock& clock;
  const Settings& settings;
  Snapshots& snapshots;
  Submit submit_api;  // calls to the API server
  Submit submit_io;   // the store, sources, digests
  std::function<void(EventNote)> send_event;
  std::function<void(Milliseconds)> observe_handoff;  // pod seen ended -> next pod created
  std::stop_token stop;                               // ends every call
};

// Nothing = done until the next event; a time = look again then.
using Outcome = Result<std::optional<Milliseconds>>;

// The sooner of two times to look again.
[[nodiscard]] inline std::optional<Milliseconds> Sooner(std::optional<Milliseconds> a,
                                                        std::optional<Milliseconds> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace penstock::controllers
