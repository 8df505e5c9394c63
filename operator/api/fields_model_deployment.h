// The fields of ModelDeployment. See fields.h.
#pragma once

#include <algorithm>

#include "operator/api/fields.h"
#include "operator/api/fields_model_server.h"
#include "operator/api/fields_rollout.h"
#include "operator/api/model_deployment.h"

namespace penstock::api {

inline constexpr std::size_t kMaxModelDeploymentName = 50;
inline constexpr Format kDns1035{"^[a-z]([-a-z0-9]*[a-z0-9])?$",
                                 "a lower-case letter, then letters, digits and '-', with a letter "
                                 "or digit at the end"};
// Of a URI the digest is left to a rule of its own, which says where to get one.
inline constexpr Format kModelReference{
    "^([$][(]pipelines[.][a-z0-9]([-a-z0-9]*[a-z0-9])?[.]outputs[.][a-zA-Z][a-zA-Z0-9_-]*[)]"
    "|[$][(]models[.][a-z0-9]([-a-z0-9]*[a-z0-9])?[.](versions[.][1-9][0-9]{0,8}"
    "|[a-z]([-a-z0-9]*[a-z0-9])?)[)]"
    "|[$][(]server[.]image[)]"
    "|(https?|oci|s3|gs|az|s?webhdfs)://[!-#%-?A-~]+(@sha256:[0-9a-f]{64})?"
    "|pvc://[a-z0-9]([-.a-z0-9]*[a-z0-9])?/[!-#%-?A-~]+(@sha256:[0-9a-f]{64})?"
    "|sha256:[0-9a-f]{64})$",
    "$(pipelines.<pipeline>.outputs.<output>), $(models.<model>.<alias>), $(server.image), sha256: "
    "and 64 hexadecimal digits, or a URI with its digest: https://, oci://, pvc://<claim>/<path>, "
    "s3://, gs://, az:// or webhdfs://"};
inline constexpr const char* kModelWithoutDigest =
    "a URI needs the digest that pins it, as in https://host/model.onnx@sha256:<64 hexadecimal "
    "digits>: `penstock model digest <URI>` prints it";
inline constexpr const char* kClimbingModel = "the path of a pvc:// URI must not hold '..'";
inline constexpr const char* kOfOurServer =
    "batching, queue, env and volumeMounts are Penstock's own server's: leave them out beside "
    "server.container, which has env and volumeMounts itself";
inline constexpr const char* kOfAnotherServer =
    "protocol and readiness are for server.container: Penstock's own server speaks V2 and V1";
inline constexpr const char* kNoReadiness =
    "server.readiness must say which path answers 200 when the server is ready: only protocol V2 "
    "has one for all";
inline constexpr const char* kRowsOfV2 =
    "a gate of rows sends requests of protocol V2: server.protocol is another";
inline constexpr const char* kGatesOfOurServer =
    "gates of queue, compute and drift go by what Penstock's own server tells: leave them out "
    "beside server.container";
inline constexpr const char* kExperimentOfOurServer =
    "rollout.experiment goes by what Penstock's own server tells: leave it out beside "
    "server.container";
inline constexpr const char* kLogOfOurServer =
    "monitoring.log is what Penstock's own server writes: leave it out beside server.container";
inline constexpr const char* kResourcesOfOurServer =
    "resources are those of Penstock's own server: beside server.container they stand in it";
inline constexpr const char* kSamePort =
    "the ports of transformer.container and of the server must differ; Penstock's own server has "
    "8080";
inline constexpr const char* kSameGrpcPort =
    "server.grpcPort must differ from the server's port; Penstock's own server has 8080";
inline constexpr const char* kGrpcPastTransformer =
    "server.grpcPort would lead past the transformer: leave out one of the two";
inline constexpr const char* kReservedVolume =
    "the volumes model, tmp, claim, registry and those that begin with penstock- are Penstock's "
    "own: use another name";

inline constexpr Format kUtilization{"^(100|[1-9][0-9]?)%$", "a percentage from 1% to 100%"};
// They become names of files in the routers' pods.
inline constexpr Format kMountedName{"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
                                     "lower-case letters, digits, '-' and '.', with a letter or "
                                     "digit at both ends"};
inline constexpr Format kMountedKey{"^[-_a-zA-Z0-9][-._a-zA-Z0-9]*$",
                                    "letters, digits, '-', '_' and '.', not first"};
inline constexpr const char* kNoAudience =
    "audiences must name whom tokens are for, so that those for others are refused";
inline constexpr Format kHttpsUrl{"^https://[^ #]+$", "a URL that begins with https://"};
inline constexpr const char* kOneKeySet =
    "jwks is one of inline, configMap and uri, which gives the issuer's public keys";
inline constexpr const char* kCaOfUri =
    "ca is whom to trust as the server of uri: leave it out beside inline and configMap";

// As the Gateway API has them.
inline constexpr Format kHostname{
    "^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "a DNS name in lower case, like flights.example.com or *.example.com"};
inline constexpr Format kPathPrefix{
    "^(/[a-zA-Z0-9_~-][a-zA-Z0-9._~-]*)+$",
    "a path like /flights, of letters, digits, '-', '_', '~' and '.', without '/' at the end"};
inline constexpr const char* kRouteOfGateway =
    "hostname and path are of a route from expose.gateway: say which Gateway, or leave them out";
inline constexpr const char* kGatewayOfEverything =
    "beside gateway say a hostname, a path or both: without them the route would take all that "
    "comes to the Gateway";

inline constexpr Format kLoggedColumn{"^[^,$]+$", "the name of a column, without ',' and '$'"};

inline constexpr Format kPublicPem{
    "^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n?$",
    "a public key in PEM: -----BEGIN PUBLIC KEY-----, lines of base64, -----END PUBLIC KEY-----"};
inline constexpr const char* kOneKey = "say exactly one of pem, configMap and secret";

template <typename Io>
void Fields(Io& io, typename Io::template Of<DataKey>& d) {
  io.String("name", d.name, kRequiredObjectName);
  io.String("key", d.key, {253, &kConfigMapKey, true});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<SigningKey>& k) {
  io.String("pem", k.pem, {2048, &kPublicPem});
  io.Optional("configMap", k.config_map);
  io.Optional("secret", k.secret);
  if constexpr (Io::kReads)
    io.Check(io.Has("pem") + io.Has("configMap") + io.Has("secret") == 1, "", kOneKey);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelVerification>& v) {
  io.Optional("key", v.key, true);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<AutoscalingSpec>& a) {
  io.Integer("minReplicas", a.min_replicas, {0, 1000}, 1);
  io.Integer("maxReplicas", a.max_replicas, {1, 1000, true}, std::nullopt);
  io.String("targetUtilization", a.target_utilization, {4, &kUtilization});
  io.OptionalInteger("concurrency", a.concurrency, {1, 100000});
  io.Duration("idleAfter", a.idle_after, Milliseconds(600'000));
  if constexpr (Io::kReads) {
    io.Check(a.min_replicas <= a.max_replicas, "", "minReplicas must not be above maxReplicas");
    io.Check(a.idle_after >= Milliseconds(5'000), "idleAfter", "must be 5s or more");
    io.Check(a.min_replicas == 0 || a.idle_after == Milliseconds(600'000), "idleAfter",
             "is for minReplicas: 0, which lets the servers go when nobody asks");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ExposeTls>& t) {
  io.String("secretName", t.secret_name, {253, &kMountedName, true});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<KeySetSource>& k) {
  io.String("inline", k.inline_keys, {65536});
  io.Group("configMap", [&](auto& g) {
    g.String("name", k.config_map, {253, &kMountedName, true});
    g.String("key", k.config_map_key, {253, &kMountedKey, true});
  });
  io.String("uri", k.uri, {2048, &kHttpsUrl});
  io.Group("ca", [&](auto& g) {
    g.Group(
        "configMap",
        [&](auto& map) {
          map.String("name", k.ca_config_map, {253, &kMountedName, true});
          map.String("key", k.ca_config_map_key, {253, &kMountedKey, true});
        },
        true);
  });
  if constexpr (Io::kReads) {
    const int given = !k.inline_keys.empty() + io.Has("configMap") + io.Has("uri");
    io.Check(given == 1 || (given == 0 && io.HasOthers()), "", kOneKeySet);
    io.Check(io.Has("uri") || !io.Has("ca") || io.HasOthers(), "", kCaOfUri);
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ExposeJwt>& j) {
  io.String("issuer", j.issuer, {1024, nullptr, true});
  io.StringList("audiences", j.audiences, 20, {1024, nullptr, true});
  io.Group(
      "jwks", [&](auto& g) { Fields(g, j.jwks); }, true);
  if constexpr (Io::kReads) io.Check(!j.audiences.empty() || io.HasOthers(), "", kNoAudience);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<GatewayRef>& g) {
  io.String("name", g.name, kRequiredObjectName);
  io.String("namespace", g.namespace_, {63, &kDnsLabel});
  io.String("sectionName", g.section_name, kObjectName);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ExposeSpec>& e) {
  io.Optional("tls", e.tls);
  io.Optional("jwt", e.jwt);
  io.Optional("gateway", e.gateway);
  io.String("hostname", e.hostname, {253, &kHostname});
  io.String("path", e.path, {1024, &kPathPrefix});
  if constexpr (Io::kReads) {
    const bool route = io.Has("hostname") || io.Has("path");
    io.Check(io.Has("gateway") || !route, "", kRouteOfGateway);
    io.Check(!io.Has("gateway") || route, "", kGatewayOfEverything);
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<DisruptionSpec>& d) {
  io.String("maxUnavailable", d.max_unavailable, {4, &kUtilization});
}

template <typename Io>
void ServerFields(Io& io, typename Io::template Of<ModelDeploymentSpec::Server>& s) {
  io.Group("batching", [&](auto& g) {
    g.Integer("maxSize", s.max_batch, {1, 65536}, 32);
    g.Duration("maxDelay", s.max_delay, Milliseconds(0));
  });
  io.Group("queue", [&](auto& g) { g.Integer("size", s.queue, {1, 1000000}, 512); });
  io.RawList("env", s.env, 200, core::kEnvVar, "name");
  io.RawList("volumeMounts", s.volume_mounts, 50, core::kVolumeMount, "mountPath");
  io.Optional("container", s.container);
  io.Enum("protocol", s.protocol, kModelProtocols, ModelProtocol::kV2);
  io.Integer("grpcPort", s.grpc_port, {0, 65535}, 0);
  io.String("readiness", s.readiness, {1024, &kUrlPath});
  if constexpr (Io::kReads) {
    const bool ours = !s.container;
    io.Check(
        ours || !(io.Has("batching") || io.Has("queue") || io.Has("env") || io.Has("volumeMounts")),
        "", kOfOurServer);
    io.Check(!ours || (s.protocol == ModelProtocol::kV2 && s.readiness.empty()), "",
             kOfAnotherServer);
    io.Check(ours || s.protocol == ModelProtocol::kV2 || !s.readiness.empty(), "", kNoReadiness);
  }
}

// What a pod of servers may say of itself.
template <typename Io>
void ModelPodFields(Io& io, typename Io::template Of<ModelDeploymentSpec>& s) {
  io.String("serviceAccountName", s.service_account_name, kObjectName);
  io.RawList("imagePullSecrets", s.image_pull_secrets, 20, core::kLocalRef, "name");
  io.StringMap("nodeSelector", s.node_selector, 50, {317}, {63});
  io.RawList("tolerations", s.tolerations, 50, core::kToleration, nullptr);
  io.Raw("affinity", s.affinity, core::kAffinity);
  io.RawList("topologySpreadConstraints", s.topology_spread, 20, core::kTopologySpread, nullptr);
  io.RawList("volumes", s.volumes, 50, core::kVolume, "name");
  io.RawList("resourceClaims", s.resource_claims, 20, core::kDeviceClaim, "name");
  io.String("priorityClassName", s.priority_class_name, kObjectName);
  io.String("runtimeClassName", s.runtime_class_name, kObjectName);
  io.String("schedulerName", s.scheduler_name, kObjectName);
  io.Group("pod", [&](auto& g) {
    g.StringMap("labels", s.pod_labels, 50, {253, &kMetadataName}, {63, &kLabelText});
    // All of them stay within the API server's 256 KiB.
    g.StringMap("annotations", s.pod_annotations, 50, {253, &kMetadataName}, {4096});
    if constexpr (Io::kReads) {
      g.Check(AreOfUsers(s.pod_labels), "labels", kReservedLabel);
      g.Check(AreOfUsers(s.pod_annotations), "annotations", kReservedLabel);
    }
  });
}

// What only the whole of a spec can say.
template <typename Io>
void CheckModelDeployment(Io& io, const ModelDeploymentSpec& s) {
  const bool ours = !s.server.container;
  const bool uri = s.model.find("://") != std::string::npos;
  io.Check(!uri || s.model.find("@sha256:") != std::string::npos, "model", kModelWithoutDigest);
  io.Check(s.model.rfind("pvc://", 0) != 0 || s.model.find("..") == std::string::npos, "model",
           kClimbingModel);
  io.Check(ours || s.log.columns.empty(), "", kLogOfOurServer);
  const auto& gates = s.rollout.gates;
  io.Check(s.server.protocol == ModelProtocol::kV2 ||
               std::none_of(gates.begin(), gates.end(), [](const auto& g) { return bool(g.rows); }),
           "rollout", kRowsOfV2);
  io.Check(ours || std::none_of(gates.begin(), gates.end(),
                                [](const auto& g) {
                                  return g.metric.starts_with("queue") ||
                                         g.metric.starts_with("compute") || g.metric == kDrift;
                                }),
           "rollout", kGatesOfOurServer);
  io.Check(ours || !s.rollout.experiment, "rollout", kExperimentOfOurServer);
  io.Check(ours || s.resources.is_null(), "", kResourcesOfOurServer);
  const int port = ours ? kServerPort : s.server.container->container.port;
  io.Check(!s.transformer || s.transformer->container.port != port, "", kSamePort);
  io.Check(s.server.grpc_port == 0 || s.server.grpc_port != port, "", kSameGrpcPort);
  io.Check(s.server.grpc_port == 0 || !s.transformer, "", kGrpcPastTransformer);
  const bool image = s.model == kModelOfImage;
  CheckImageVersion(io, s);
  if (!ours) CheckWords(io, s.server.container->container, "server", false, image);
  if (s.transformer) CheckWords(io, s.transformer->container, "transformer", true, image);
  for (const Json& volume : s.volumes) {
    const std::string name = volume.is_object() ? volume.value("name", "") : "";
    const bool reserved = name == "model" || name == "tmp" || name == "claim" ||
                          name == "registry" || name.rfind("penstock-", 0) == 0;
    io.Check(!reserved, "volumes", kReservedVolume);
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelDeploymentSpec>& s) {
  io.String("model", s.model, {1024, &kModelReference, true});
  io.Integer("replicas", s.replicas, {0, 1000}, 1);
  io.Integer("revisionHistoryLimit", s.revision_history_limit, {1, kMostRemembered},
             kMostRemembered);
  io.Optional("autoscaling", s.autoscaling);
  io.Raw("resources", s.resources, core::kContainerResources);
  io.Group("server", [&](auto& server) { ServerFields(server, s.server); });
  io.Optional("transformer", s.transformer);
  io.Object("fetch", s.fetch);
  io.Optional("verify", s.verify);
  io.Group("cache", [&](auto& g) { g.String("claim", s.cache_claim, {253, nullptr, true}); });
  io.Object("rollout", s.rollout);
  io.Object("expose", s.expose);
  io.Object("disruption", s.disruption);
  io.Group("monitoring", [&](auto& g) {
    g.Group("log", [&](auto& log) {
      log.String("sample", s.log.sample, {8, &kPercent});
      log.StringList("columns", s.log.columns, 100, {253, &kLoggedColumn, true});
      log.Duration("retention", s.log.retention, kPredictionRetention);
    });
  });
  ModelPodFields(io, s);
  if constexpr (Io::kReads) CheckModelDeployment(io, s);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelVersionStatus>& v) {
  io.Integer("version", v.version, {0, kMaxSafe, true}, std::nullopt);
  io.String("digest", v.digest, {71, &kDigest});
  io.Bool("folder", v.folder, true);
  io.Integer("bytes", v.bytes, kBytes, 0);
  io.String("run", v.run, kObjectName);
  io.String("source", v.source, {1024});
  io.Integer("replicas", v.replicas, kCount, 0);
  io.Integer("readyReplicas", v.ready_replicas, kCount, 0);
  io.Time("since", v.since);
  io.String("weight", v.weight, {8, &kShare});
  io.String("phase", v.phase, {16});
  io.Integer("step", v.step, kCount, 0);
  io.Time("stepSince", v.step_since);
  io.String("message", v.message, {1024});
  io.List("gates", v.gates, 12, nullptr);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelHistoryEntry>& h) {
  io.Integer("version", h.version, {0, kMaxSafe, true}, std::nullopt);
  io.String("digest", h.digest, {71, &kDigest});
  io.String("outcome", h.outcome, {40});
  io.String("reason", h.reason, {1024});
  io.Time("time", h.time);
  io.String("templateHash", h.template_hash, {64});
  io.Integer("to", h.to, kBytes, 0);
  io.Bool("folder", h.folder, true);
  io.Integer("bytes", h.bytes, kBytes, 0);
  io.String("source", h.source, {1024});
  io.List("gates", h.gates, 12, nullptr);
  io.String("report", h.report, {71, &kDigest});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelDeploymentStatus>& s) {
  io.Integer("observedGeneration", s.observed_generation, kBytes, 0);
  io.Optional("stable", s.stable);
  io.Optional("candidate", s.candidate);
  io.Integer("replicas", s.replicas, kCount, std::nullopt);
  io.String("selector", s.selector, {1024});
  io.String("url", s.url, {2048});
  io.Object("router", s.router);
  io.List("traffic", s.traffic, 10, nullptr);
  io.List("history", s.history, 20, nullptr);
  io.Integer("lastVersion", s.last_version, kBytes, 0);
  io.List("conditions", s.conditions, 20, "type");
}

}  // namespace penstock::api
