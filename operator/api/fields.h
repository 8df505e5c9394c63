// The fields of every kind, each described once: name, bounds and default. The reader, the writer
// and the schema test all follow these descriptions.
//
// `Io` is Reader, Writer or the test's SchemaSketch; Io::Of<T> is T or const T. Order is the order
// of errors. How a field is written in JSON stands here and nowhere else.
#pragma once

#include "operator/api/core_shapes.h"
#include "operator/api/limits.h"
#include "operator/api/meta.h"
#include "operator/api/pipeline.h"
#include "operator/api/reader.h"

namespace penstock::api {

inline constexpr std::array<Named<ValueType>, 6> kValueTypes{{{ValueType::kString, "string"},
                                                              {ValueType::kInteger, "integer"},
                                                              {ValueType::kNumber, "number"},
                                                              {ValueType::kBoolean, "boolean"},
                                                              {ValueType::kList, "list"},
                                                              {ValueType::kObject, "object"}}};
inline constexpr std::array<Named<ConditionStatus>, 3> kConditionStatuses{
    {{ConditionStatus::kTrue, "True"},
     {ConditionStatus::kFalse, "False"},
     {ConditionStatus::kUnknown, "Unknown"}}};
inline constexpr std::array<Named<DependencyOutcome>, 3> kDependencyOutcomes{
    {{DependencyOutcome::kSucceeded, "Succeeded"},
     {DependencyOutcome::kFailed, "Failed"},
     {DependencyOutcome::kAny, "Any"}}};
inline constexpr const char* kArtifactTypes[] = {"dataset", "statistics", "schema", "transform",
                                                 "model",   "metrics",    "report", "file"};
inline constexpr const char* kPullPolicies[] = {"Always", "IfNotPresent", "Never"};
inline constexpr const char* kLaunchers[] = {"InImage"};

inline constexpr Text kDescription{1024};
inline constexpr Text kIdentifierName{40, &kIdentifier, true};
inline constexpr Text kLabelName{40, &kDnsLabel, true};
inline constexpr Text kObjectName{253};
inline constexpr Text kRequiredObjectName{253, nullptr, true};
inline constexpr Text kArgument{65536};

template <typename Io>
void Fields(Io& io, typename Io::template Of<Condition>& c) {
  io.String("type", c.type, {316, nullptr, true});
  io.Enum("status", c.status, kConditionStatuses, std::nullopt);
  io.String("reason", c.reason, {1024, &kConditionReason, true});
  io.String("message", c.message, {32768, nullptr, false, true});
  io.Integer("observedGeneration", c.observed_generation, kBytes, 0);
  io.Time("lastTransitionTime", c.last_transition);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ParameterSpec>& p) {
  io.String("name", p.name, kIdentifierName);
  io.Enum("type", p.type, kValueTypes, ValueType::kString);
  io.String("description", p.description, kDescription);
  io.Value("default", p.default_value);
  io.Bool("optional", p.optional, false);
  io.Number("minimum", p.minimum, {-kMaxSafe, kMaxSafe});
  io.Number("maximum", p.maximum, {-kMaxSafe, kMaxSafe});
  io.OptionalInteger("maxLength", p.max_length, {0, 65536});
  io.String("pattern", p.pattern, {1024});
  io.RawList("enum", p.enum_values, 100, core::kAnyValue, nullptr);
  if constexpr (Io::kReads) {
    const bool number = p.type == ValueType::kInteger || p.type == ValueType::kNumber;
    io.Check(number || (!p.minimum && !p.maximum), "",
             "minimum and maximum are for parameters of type integer or number");
    io.Check(p.type == ValueType::kString || (!p.max_length && p.pattern.empty()), "",
             "maxLength and pattern are for parameters of type string");
    io.Check(!p.minimum || !p.maximum || *p.minimum <= *p.maximum, "",
             "minimum must not be above maximum");
    io.Check(!p.optional || !p.default_value, "",
             "a parameter with a default is never absent: leave optional out");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RetryBudget>& b) {
  io.OptionalInteger("limit", b.limit, {0, 100});
  io.Duration("backoff", b.backoff);
  io.Duration("maxBackoff", b.max_backoff);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RetrySpec>& r) {
  io.Object("user", r.user);
  io.Object("outOfMemory", r.out_of_memory);
  io.Object("infrastructure", r.infrastructure);
  io.Object("timeout", r.timeout);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<TimeoutSpec>& t) {
  io.Duration("attempt", t.attempt);
  io.Duration("pending", t.pending);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<CacheSpec>& c) {
  io.Bool("enabled", c.enabled, true);
  io.Bool("trustTag", c.trust_tag, false);
  io.String("salt", c.salt, {256});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<OutputSpec>& o) {
  io.String("name", o.name, kIdentifierName);
  io.Choice("type", o.type, kArtifactTypes, "file");
  io.Bool("optional", o.optional, false);
  io.String("description", o.description, kDescription);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<InputSpec>& i) {
  io.String("name", i.name, kIdentifierName);
  io.Choice("type", i.type, kArtifactTypes, "file");
  io.Bool("optional", i.optional, false);
  io.String("description", i.description, kDescription);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ResultSpec>& r) {
  io.String("name", r.name, kIdentifierName);
  io.Enum("type", r.type, kValueTypes, ValueType::kString);
  io.String("description", r.description, kDescription);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<PublishedOutput>& o) {
  io.String("name", o.name, kIdentifierName);
  io.String("type", o.type, {40});
  io.String("digest", o.digest, {71, &kDigest});
  io.Bool("folder", o.folder, false);
  io.Integer("bytes", o.bytes, kBytes, 0);
  io.String("run", o.run, kObjectName);
  io.Time("runCreated", o.run_created);
}

// Name, image, command: what a Component may say of its container.
template <typename Io>
void ProgramFields(Io& io, typename Io::template Of<ContainerSpec>& c) {
  io.String("image", c.image, {1024, nullptr, true});
  io.Choice("imagePullPolicy", c.image_pull_policy, kPullPolicies, "");
  io.Choice("launcher", c.launcher, kLaunchers, "");
  io.StringList("command", c.command, 100, kArgument);
  io.StringList("args", c.args, 1000, kArgument);
  io.String("workingDir", c.working_dir, {1024});
}

}  // namespace penstock::api
