// The fields of a server of one's own and of a transformer, and what the words, the image and the
// labels of a ModelDeployment's pods must be. See fields.h.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "operator/api/fields.h"
#include "operator/api/model_deployment.h"
#include "operator/base/sha256.h"

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

inline constexpr const char* kImageWithoutDigest =
    "model: $(server.image) needs a server.container whose image is named by digest, as in "
    "registry.example.com/team/app@sha256:<64 hexadecimal digits>: that is the version";
inline constexpr const char* kNothingToFetch =
    "with model: $(server.image) nothing is fetched: leave out cache, verify, fetch and "
    "server.container.modelPath";
inline constexpr const char* kNoModelPath =
    "$(model.path) is a fetched model's: with model: $(server.image) there is none";
inline constexpr const char* kUnknownWord =
    "knows $(model.path), $(model.name), $(model.version), $(model.digest), and of a transformer "
    "$(server.url), and no other $(model. or $(server.";
inline constexpr Format kLabelText{
    "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
    "letters, digits, '-', '_' and '.', with a letter or digit at both ends"};
inline constexpr Format kMetadataName{
    "^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    "[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$",
    "at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends, and a "
    "domain with a / before it or none"};
inline constexpr const char* kReservedLabel =
    "names within penstock.dev, kubernetes.io and k8s.io are others': use a domain of your own";

// Whether none of the names is within a domain that is not the user's.
[[nodiscard]] inline bool AreOfUsers(const std::map<std::string, std::string>& named) {
  return std::none_of(named.begin(), named.end(), [](const auto& one) {
    const std::string domain = "." + one.first.substr(0, one.first.find('/'));
    if (one.first.find('/') == std::string::npos) return false;
    return domain.ends_with(".penstock.dev") || domain.ends_with(".kubernetes.io") ||
           domain.ends_with(".k8s.io");
  });
}

// Whether a reference of ours in it is one that is filled in.
[[nodiscard]] inline bool KnowsItsWords(const std::string& text, bool of_transformer) {
  for (std::size_t at = 0; (at = text.find("$(", at)) != std::string::npos; at += 2) {
    const auto begins = [&](const char* with) {
      return text.compare(at, std::strlen(with), with) == 0;
    };
    if (!begins("$(model.") && !begins("$(server.")) continue;
    if (begins("$(model.path)") || begins("$(model.name)") || begins("$(model.version)") ||
        begins("$(model.digest)") || (of_transformer && begins("$(server.url)")))
      continue;
    return false;
  }
  return true;
}

// `holds` of each word of a container that may hold references.
template <typename Holds>
[[nodiscard]] bool AllWords(const ModelContainer& c, const Holds& holds) {
  bool all = std::all_of(c.command.begin(), c.command.end(), holds) &&
             std::all_of(c.args.begin(), c.args.end(), holds);
  for (const Json& variable : c.env) {
    const auto value = variable.is_object() ? variable.find("value") : variable.end();
    if (value != variable.end() && value->is_string())
      all &= holds(value->template get<std::string>());
  }
  return all;
}

template <typename Io>
void CheckWords(Io& io, const ModelContainer& c, const char* field, bool of_transformer,
                bool of_image) {
  const auto known = [&](const std::string& word) { return KnowsItsWords(word, of_transformer); };
  const auto no_path = [](const std::string& word) {
    return word.find("$(model.path)") == std::string::npos;
  };
  io.Check(AllWords(c, known), field, kUnknownWord);
  io.Check(!of_image || AllWords(c, no_path), field, kNoModelPath);
}

// name@sha256:<hex>, the name with at most 900 bytes: status has it too.
[[nodiscard]] inline bool IsPinned(const std::string& image) {
  const auto at = image.find('@');
  return at != std::string::npos && at > 0 && at <= 900 &&
         IsDigest(std::string_view(image).substr(at + 1));
}

// The image is the version, and nothing is fetched.
template <typename Io>
void CheckImageVersion(Io& io, const ModelDeploymentSpec& s) {
  if (s.model != kModelOfImage) return;
  const bool pinned = s.server.container && IsPinned(s.server.container->container.image);
  io.Check(pinned, "", kImageWithoutDigest);
  const bool fetches = io.Has("cache") || io.Has("verify") || io.Has("fetch") ||
                       (s.server.container && !s.server.container->model_path.empty());
  io.Check(!fetches, "", kNothingToFetch);
}

}  // namespace penstock::api
