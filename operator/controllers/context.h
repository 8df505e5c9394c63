// What every controller works with. The Engine owns all of it and outlives the controllers.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/api/approval.h"
#include "operator/artifacts/store.h"
#include "operator/base/time.h"
#include "operator/controllers/tables/object_table.h"
#include "operator/controllers/tables/pod_room.h"
#include "operator/controllers/tables/pod_table.h"
#include "operator/gates/approval_policy.h"
#include "operator/gates/lock_table.h"
#include "operator/kube/client.h"
#include "operator/metadata/query.h"
#include "operator/metadata/recorder.h"
#include "operator/net/address_policy.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/step/world.h"
#include "operator/revisions/revisions.h"
#include "operator/runtime/rate_limit.h"
#include "operator/runtime/workers.h"
#include "operator/sources/fingerprint.h"

namespace penstock::controllers {

// Runs work on a bounded pool of threads that may block on disks and networks. Never blocks itself.
using Submit = std::function<void(std::function<void()> work)>;
// The same on a pool in whose threads every namespace has its share.
using SubmitFor = std::function<void(const std::string& ns, std::function<void()> work)>;

// An event about an object, sent off the caller's thread.
struct EventNote {
  const kube::ResourceType* type = nullptr;
  std::string ns, name, uid, resource_version;
  std::string event_type;  // Normal or Warning
  std::string reason;
  std::string message;
};

using revisions::Revisions;

struct Snapshots {
  ObjectTable<Known<api::Pipeline>> pipelines;
  ObjectTable<Known<api::PipelineRun>> runs;
  ObjectTable<Known<api::Component>> components;
  ObjectTable<Known<api::ModelDeployment>> model_deployments;
  PodTable pods;
  PodRoom pod_room;
  gates::LockTable locks;
  ObjectTable<Known<api::Approval>> approvals;
  gates::ApprovalPolicyCheck approval_policy;
};

struct Settings {
  plan::PodSettings pods;
  std::string library_namespace;  // where `library: true` looks
  std::string library_image;      // what the library's own components run in; see kLibraryImage
  std::string git_image;          // what its component git runs in
  std::string serve_image;
  std::string router_image;                 // empty: no ModelDeployment can go through routers
  std::vector<std::string> source_deny{};   // ranges of addresses that routers ask for no user
  std::vector<std::string> source_allow{};  // those of them that they do
  bool local_files = false;  // the operator reads file:// sources itself (`penstock run`)
  std::optional<std::set<std::string>> pod_fields{};  // Surroundings::pod_fields
  int max_pods = 0;             // of runs, in one namespace at a time; 0: no limit
  bool ask_registries = false;  // for the entry points of images
  // What is kept of a run that is gone; none: nothing is. Blocks; any thread.
  std::function<Result<metadata::Story>(const std::string& ns, const std::string& run)> story_of;
  // Runs of a Pipeline that are not listed; none: all that there are, are. Blocks; any thread.
  std::function<Result<std::vector<api::PipelineRun>>(const std::string& ns,
                                                      const std::string& pipeline)>
      earlier_runs;
  std::string approval_policy;     // name of the chart's, without which no Approval counts
  bool approvals_by_hand = false;  // `penstock run`: whoever runs it decides
  // Those of runs that are not listed: `penstock run` knows its own alone.
  bool keep_receipts = false;
  net::AddressCheck may_ask;  // of sources; none: what FingerprintOptions says
  Milliseconds status_interval{1'500};
  Milliseconds follow_interval{1'000};  // between looks at another run's pod
  Milliseconds confirm_after{10'000};   // a created pod that no informer has shown is asked for
  // The least between two looks at a pod that no informer shows; doubles up to fifteen times that.
  Milliseconds look_again{2'000};
  Milliseconds retry_fact_after{1'000};  // a fact that the store could not give
};

struct Context {
  kube::Client& client;
  const artifacts::Store& store;
  metadata::Recorder& recorder;
  const Clock& clock;
  const Settings& settings;
  Snapshots& snapshots;
  Submit submit_api;         // calls to the API server
  SubmitFor submit_io;       // the store, digests
  SubmitFor submit_sources;  // what is outside, and may never answer
  sources::Fingerprints& fingerprints;
  Revisions& revisions;
  std::function<void(EventNote)> send_event;
  std::function<void(const std::string&)> warn;       // the log
  std::function<void(Milliseconds)> observe_handoff;  // pod seen ended -> next pod created
  std::stop_token stop;                               // ends every call
  runtime::RateLimit& pod_rate;                       // of creates
};

using runtime::Outcome;

// The sooner of two times to look again.
[[nodiscard]] inline std::optional<Milliseconds> Sooner(std::optional<Milliseconds> a,
                                                        std::optional<Milliseconds> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace penstock::controllers
