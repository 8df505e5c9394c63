// The fields of a server of one's own and of a transformer. See fields.h.
#pragma once

#include "operator/api/fields.h"
#include "operator/api/model_server.h"

namespace penstock::api {

inline constexpr std::array<Named<ModelProtocol>, 3> kModelProtocols{
    {{ModelProtocol::kV2, "V2"}, {ModelProtocol::kV1, "V1"}, {ModelProtocol::kHttp, "HTTP"}}};
inline constexpr Format kUrlPath{"^/[!-~]*$", "a path of a URL, such as /health"};
inline constexpr Format kFolder{"^/[!-~]*[!-.0-~]$", "an absolute path, without '/' at its end"};
// Never root, nor root's group.
inline constexpr Range kUserId{1, 2147483647};

template <typename Io>
void Fields(Io& io, typename Io::template Of<ModelContainer>& c) {
  io.String("image", c.image, {1024, nullptr, true});
  io.Choice("imagePullPolicy", c.image_pull_policy, kPullPolicies, "");
  io.StringList("command", c.command, 100, kArgument);
  io.StringList("args", c.args, 1000, kArgument);
  io.String("workingDir", c.working_dir, {1024});
  io.RawList("env", c.env, 200, core::kEnvVar, "name");
  io.RawList("envFrom", c.env_from, 50, core::kEnvFrom, nullptr);
  io.Integer("port", c.port, {1, 65535, true}, std::nullopt);
  io.Raw("resources", c.resources, core::kContainerResources);
  io.RawList("volumeMounts", c.volume_mounts, 50, core::kVolumeMount, "mountPath");
  io.Group("securityContext", [&](auto& g) {
    g.OptionalInteger("runAsUser", c.run_as_user, kUserId);
    g.OptionalInteger("runAsGroup", c.run_as_group, kUserId);
    g.Bool("readOnlyRootFilesystem", c.read_only_root, false);
  });
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<OwnServer>& s) {
  Fields(io, s.container);
  io.String("modelPath", s.model_path, {1024, &kFolder});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<FetchSettings>& f) {
  io.RawList("env", f.env, 200, core::kEnvVar, "name");
  io.RawList("volumeMounts", f.volume_mounts, 50, core::kVolumeMount, "mountPath");
  io.Raw("resources", f.resources, core::kResources);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<Transformer>& t) {
  io.Group(
      "container", [&](auto& g) { Fields(g, t.container); }, true);
  io.String("readiness", t.readiness, {1024, &kUrlPath});
}

}  // namespace penstock::api
