// What every object carries: metadata, conditions, owner references. Value types.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/base/time.h"

namespace penstock::api {

inline constexpr const char* kApiGroup = "penstock.dev";
inline constexpr const char* kApiVersion = "penstock.dev/v1alpha1";

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
};

struct ObjectMeta {
  std::string name;
  std::string generate_name;
  std::string namespace_;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<OwnerReference> owners;
  std::vector<std::string> finalizers;
  std::optional<TimePoint> created;
  std::optional<TimePoint> deleted;  // deletionTimestamp: it is going away
};

enum class ConditionStatus : std::uint8_t { kTrue, kFalse, kUnknown };

struct Condition {
  std::string type;
  ConditionStatus status = ConditionStatus::kUnknown;
  std::string reason;   // CamelCase, never empty
  std::string message;  // at most 32 KiB
  std::int64_t observed_generation = 0;
  TimePoint last_transition;
  bool operator==(const Condition&) const = default;
};

// Sets a condition by type; last_transition moves only when the status does.
void SetCondition(std::vector<Condition>& conditions, Condition c, TimePoint now);
[[nodiscard]] const Condition* FindCondition(const std::vector<Condition>& conditions,
                                             std::string_view type);

// One thing that is wrong with an object, with the path of the field: "spec.steps[2].inputs.train".
struct FieldError {
  std::string path;
  std::string message;  // what is wrong and what to do
  bool operator==(const FieldError&) const = default;
};
// The path of a field below `parent`: "spec.steps", or "labels[a.b/c]" where the name holds
// anything but letters, digits, '_' and '-'. An empty parent gives the name alone.
[[nodiscard]] std::string ChildPath(const std::string& parent, std::string_view name);
[[nodiscard]] std::string ItemPath(const std::string& parent, std::size_t index);  // "steps[2]"

// "path: message" lines joined by "; ", the first `limit` of them and how many more.
[[nodiscard]] std::string Describe(const std::vector<FieldError>& errors, std::size_t limit = 10);

}  // namespace penstock::api
