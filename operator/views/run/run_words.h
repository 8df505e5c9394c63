// What an object says of itself in a word, read from its JSON as it stands. Pure.
#pragma once

#include <string>

#include "operator/base/json_fwd.h"

namespace penstock::views {

// The object of that name, or an empty one; a value's text, or as JSON; the condition of a type, or
// null. They borrow from what they are given.
[[nodiscard]] const Json& ObjectAt(const Json& parent, const char* key);
[[nodiscard]] std::string ShownAt(const Json& parent, const char* key);
[[nodiscard]] const Json* FindCondition(const Json& object, const std::string& type);

// The run whose step this one is; "": none.
[[nodiscard]] std::string ParentRun(const Json& run);

// A run's word: Running, Succeeded, Failed, Cancelled, Invalid, Suspended, Pending.
[[nodiscard]] std::string RunWord(const Json& run);
// Message of a condition, or "".
[[nodiscard]] std::string ConditionMessage(const Json& object, const std::string& type);
[[nodiscard]] std::string ConditionReason(const Json& object, const std::string& type);
[[nodiscard]] std::string ConditionStatus(const Json& object, const std::string& type);

}  // namespace penstock::views
