// Registered models. Value types, and JSON to and from them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "operator/api/codec.h"

namespace penstock::api {

// What people say of a model, and which of its versions an alias means.
struct RegisteredModelSpec {
  std::string description;
  Json aliases;  // {"champion": 3}
  // Nothing where there is no such alias.
  [[nodiscard]] std::optional<std::int64_t> VersionOf(const std::string& alias) const;
};
struct RegisteredModel {
  ObjectMeta meta;
  RegisteredModelSpec spec;
};

// One version: what it is and what it was made of. Never changed.
struct RegisteredVersionSpec {
  std::string model;
  std::int64_t version = 0;
  std::string digest;  // of the artifact, or of what `source` names
  bool folder = true;
  std::uint64_t bytes = 0;
  std::string source;                       // a URI with that digest; empty: the artifact store
  std::string run;                          // the PipelineRun that made it
  std::map<std::string, std::string> data;  // digests of datasets, by name
  std::map<std::string, Json> parameters;   // of the run
  std::string evaluation;                   // digest of the metrics
  std::string verdict;                      // what bless said
  std::string description;
};
struct RegisteredVersion {
  ObjectMeta meta;
  RegisteredVersionSpec spec;
};

inline constexpr std::size_t kMaxVersionData = 100;

// What the run says of what it gave: parameters, datasets (of each step, the first so many),
// metrics, and what bless said.
void DescribeByRun(const PipelineRun& run, RegisteredVersionSpec& version);

// "<model>-v<version>": the ModelVersion's name.
[[nodiscard]] std::string VersionObjectName(const std::string& model, std::int64_t version);

[[nodiscard]] Decoded<RegisteredModel> DecodeRegisteredModel(const Json& object);
[[nodiscard]] Decoded<RegisteredVersion> DecodeRegisteredVersion(const Json& object);
[[nodiscard]] Json Encode(const RegisteredModel& o);
[[nodiscard]] Json Encode(const RegisteredVersion& o);

// $(models.<name>.<alias>) and $(models.<name>.versions.<n>).
struct RegisteredReference {
  std::string model;
  std::string alias;         // or
  std::int64_t version = 0;  // more than 0
};
// Nothing where the text is neither.
[[nodiscard]] std::optional<RegisteredReference> ParseRegisteredReference(const std::string& text);

}  // namespace penstock::api
