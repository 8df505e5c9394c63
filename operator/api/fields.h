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
inline constexpr std::array<Named<DependencyOutcome>, 5> kDependencyOutcomes{
    {{DependencyOutcome::kSucceeded, "Succeeded"},
     {DependencyOutcome::kFailed, "Failed"},
     {DependencyOutcome::kSkipped, "Skipped"},
     {DependencyOutcome::kSucceededOrSkipped, "SucceededOrSkipped"},
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

// What a value must be beyond its type, of a parameter, a result or what is in them.
template <typename Io, typename Spec>
void RuleFields(Io& io, Spec& s) {
  io.Number("minimum", s.minimum, {-kMaxSafe, kMaxSafe});
  io.Number("maximum", s.maximum, {-kMaxSafe, kMaxSafe});
  io.OptionalInteger("maxLength", s.max_length, {0, 65536});
  io.String("pattern", s.pattern, {1024});
  io.RawList("enum", s.enum_values, 100, core::kAnyValue, nullptr);
  io.Raw("items", s.items, core::kAnyObject);
  io.OptionalInteger("minItems", s.min_items, {0, 65536});
  io.OptionalInteger("maxItems", s.max_items, {0, 65536});
  io.Raw("properties", s.properties, core::kAnyObject);
  io.StringList("required", s.required, 100, {253});
  io.Bool("additionalProperties", s.additional_properties, true);
  if constexpr (Io::kReads) {
    const auto inner = [](Io& child) {
      ValueSchema schema;
      Fields(child, schema);
    };
    io.Group("items", inner);
    io.Group("properties", [&](Io& child) {
      if (s.properties.is_object())
        for (const auto& [name, schema] : s.properties.items()) child.Group(name.c_str(), inner);
    });
    const bool number = s.type == ValueType::kInteger || s.type == ValueType::kNumber;
    io.Check(number || (!s.minimum && !s.maximum), "",
             "minimum and maximum are for values of type integer or number");
    io.Check(s.type == ValueType::kString || (!s.max_length && s.pattern.empty()), "",
             "maxLength and pattern are for values of type string");
    io.Check(s.type == ValueType::kList || (s.items.is_null() && !s.min_items && !s.max_items), "",
             "items, minItems and maxItems are for values of type list");
    io.Check(s.type == ValueType::kObject ||
                 (s.properties.is_null() && s.required.empty() && s.additional_properties),
             "", "properties, required and additionalProperties are for values of type object");
    io.Check(!s.minimum || !s.maximum || *s.minimum <= *s.maximum, "",
             "minimum must not be above maximum");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ValueSchema>& s) {
  io.Enum("type", s.type, kValueTypes, std::nullopt);
  io.String("description", s.description, kDescription);
  RuleFields(io, s);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ParameterSpec>& p) {
  io.String("name", p.name, kIdentifierName);
  io.Enum("type", p.type, kValueTypes, ValueType::kString);
  io.String("description", p.description, kDescription);
  io.Value("default", p.default_value);
  io.Raw("valueFrom", p.value_from, core::kParameterSource);
  io.Bool("optional", p.optional, false);
  RuleFields(io, p);
  if constexpr (Io::kReads) {
    io.Check(p.value_from.is_null() || !p.default_value, "",
             "a parameter has a default or valueFrom, not both");
    io.Check(!p.optional || !p.default_value, "",
             "a parameter with a default is never absent: leave optional out");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RetryBudget>& b) {
  io.OptionalInteger("limit", b.limit, {0, 100});
  io.Duration("backoff", b.backoff);
  io.Duration("maxBackoff", b.max_backoff);
  io.Number("backoffFactor", b.backoff_factor, {1, 100});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<UserRetryBudget>& b) {
  Fields(io, static_cast<typename Io::template Of<RetryBudget>&>(b));
  io.RawList("onExitCodes", b.on_exit_codes, 50, core::kExitCode, nullptr);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<MemoryRetryBudget>& b) {
  Fields(io, static_cast<typename Io::template Of<RetryBudget>&>(b));
  io.Number("memoryFactor", b.memory_factor, {1, 16});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<LastAttemptSpec>& l) {
  io.StringMap("nodeSelector", l.node_selector, 50, {317}, {63});
  io.RawList("tolerations", l.tolerations, 50, core::kToleration, nullptr);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RetrySpec>& r) {
  io.Object("user", r.user);
  io.Object("outOfMemory", r.out_of_memory);
  io.Object("infrastructure", r.infrastructure);
  io.Object("timeout", r.timeout);
  io.Optional("lastAttempt", r.last_attempt);
  io.Duration("maxDuration", r.max_duration);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<TimeoutSpec>& t) {
  io.DurationOrText("attempt", t.attempt, t.attempt_text);
  io.DurationOrText("pending", t.pending, t.pending_text);
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
  RuleFields(io, r);
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
