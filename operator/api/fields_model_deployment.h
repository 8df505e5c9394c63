// The fields of ModelDeployment. See fields.h.
#pragma once

#include "operator/api/fields.h"
#include "operator/api/model_deployment.h"

namespace penstock::api {

inline constexpr std::array<Named<ModelDeploymentSpec::Strategy>, 2> kStrategies{
    {{ModelDeploymentSpec::Strategy::kBlueGreen, "BlueGreen"},
     {ModelDeploymentSpec::Strategy::kRecreate, "Recreate"}}};
inline constexpr std::size_t kMaxModelDeploymentName = 50;
inline constexpr Format kDns1035{"^[a-z]([-a-z0-9]*[a-z0-9])?$",
                                 "a lower-case letter, then letters, digits and '-', with a letter "
                                 "or digit at the end"};
inline constexpr Format kModelReference{
    "^([$][(]pipelines[.][a-z0-9]([-a-z0-9]*[a-z0-9])?[.]outputs[.][a-zA-Z][a-zA-Z0-9_]*[)]|sha256:"
    "[0-9a-f]{64})$",
    "$(pipelines.<pipeline>.outputs.<output>), or sha256: and 64 hexadecimal digits"};

inline constexpr Format kPercent{"^(100|[0-9]{1,2}([.][0-9]{1,4})?)%$",
                                 "a percentage from 0% to 100%"};
inline constexpr Format kLoggedColumn{"^[^,$]+$", "the name of a column, without ',' and '$'"};

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelDeploymentSpec>& s) {
  io.String("model", s.model, {256, &kModelReference, true});
  io.Integer("replicas", s.replicas, {0, 1000}, 1);
  io.Raw("resources", s.resources, core::kResources);
  io.Group("server", [&](auto& server) {
    server.Group("batching", [&](auto& g) {
      g.Integer("maxSize", s.server.max_batch, {1, 65536}, 32);
      g.Duration("maxDelay", s.server.max_delay, Milliseconds(0));
    });
    server.Group("queue", [&](auto& g) { g.Integer("size", s.server.queue, {1, 1000000}, 512); });
  });
  io.Group("rollout", [&](auto& g) {
    g.Enum("strategy", s.strategy, kStrategies, ModelDeploymentSpec::Strategy::kBlueGreen);
    g.Duration("progressDeadline", s.progress_deadline, Milliseconds(600'000));
  });
  io.Group("monitoring", [&](auto& g) {
    g.Group("log", [&](auto& log) {
      log.String("sample", s.log.sample, {8, &kPercent});
      log.StringList("columns", s.log.columns, 100, {253, &kLoggedColumn, true});
      log.Duration("retention", s.log.retention, kPredictionRetention);
    });
  });
  io.String("serviceAccountName", s.service_account_name, kObjectName);
  io.RawList("imagePullSecrets", s.image_pull_secrets, 20, core::kLocalRef, "name");
  io.StringMap("nodeSelector", s.node_selector, 50, {317}, {63});
  io.RawList("tolerations", s.tolerations, 50, core::kToleration, nullptr);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelVersionStatus>& v) {
  io.Integer("version", v.version, {0, kMaxSafe, true}, std::nullopt);
  io.String("digest", v.digest, {71, &kDigest});
  io.Bool("folder", v.folder, true);
  io.Integer("bytes", v.bytes, kBytes, 0);
  io.String("run", v.run, kObjectName);
  io.Integer("replicas", v.replicas, kCount, 0);
  io.Integer("readyReplicas", v.ready_replicas, kCount, 0);
  io.Time("since", v.since);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelHistoryEntry>& h) {
  io.Integer("version", h.version, {0, kMaxSafe, true}, std::nullopt);
  io.String("digest", h.digest, {71, &kDigest});
  io.String("outcome", h.outcome, {40});
  io.String("reason", h.reason, {1024});
  io.Time("time", h.time);
  io.String("templateHash", h.template_hash, {64});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelDeploymentStatus>& s) {
  io.Integer("observedGeneration", s.observed_generation, kBytes, 0);
  io.Optional("stable", s.stable);
  io.Optional("candidate", s.candidate);
  io.Integer("replicas", s.replicas, kCount, std::nullopt);
  io.String("selector", s.selector, {1024});
  io.String("url", s.url, {2048});
  io.List("history", s.history, 20, nullptr);
  io.List("conditions", s.conditions, 20, "type");
}

}  // namespace penstock::api
