// The fields of Model and ModelVersion. See fields.h.
#pragma once

#include <limits>

#include "operator/api/fields_model_deployment.h"
#include "operator/api/registry/registered_model.h"

namespace penstock::api {

inline constexpr Shape kVersionNumber{Shape::kInteger, 2147483647};
inline constexpr Shape kAliases{Shape::kMap, 50, {}, &kVersionNumber};
inline constexpr Range kVersionRange{1, 2147483647, true};
inline constexpr const char* kAliasForm =
    "an alias is a lower-case letter, then letters, digits and '-', and not the word versions";

template <typename Io>
void Fields(Io& io, typename Io::template Of<RegisteredModelSpec>& s) {
  io.String("description", s.description, kDescription);
  io.Raw("aliases", s.aliases, kAliases);
  if constexpr (Io::kReads) {
    if (!s.aliases.is_object()) return;
    for (const auto& [alias, version] : s.aliases.items())
      io.Check(!TextProblem(alias, {40, &kDns1035, true}) && alias != "versions", "aliases",
               kAliasForm);
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RegisteredVersionSpec>& s) {
  io.String("model", s.model, {kMaxModelDeploymentName, &kDns1035, true});
  io.Integer("version", s.version, kVersionRange, std::nullopt);
  io.String("digest", s.digest, {71, &kDigest, true});
  io.Bool("folder", s.folder, true);
  io.Integer("bytes", s.bytes, kBytes, 0);
  io.String("source", s.source, {1024});
  io.String("run", s.run, kObjectName);
  io.StringMap("data", s.data, kMaxVersionData, {81, nullptr, true}, {71, &kDigest});
  io.ValueMap("parameters", s.parameters, 200, kIdentifierName);
  io.String("evaluation", s.evaluation, {71, &kDigest});
  io.String("verdict", s.verdict, {1024});
  io.String("description", s.description, kDescription);
}

}  // namespace penstock::api
