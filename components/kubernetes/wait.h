// Whether an object is as wanted: conditions of its status, and of the user's own words. Value
// types; pure.
#pragma once

#include <string>
#include <vector>

#include "components/outside/conditions.h"
#include "operator/base/json.h"

namespace penstock::kubernetes {

// What an expression may name.
[[nodiscard]] const std::vector<std::string>& KnownVariables();
[[nodiscard]] outside::Variables VariablesOf(const Json& object);

struct Awaited {
  std::string condition;  // a type of status.conditions; empty: none
  outside::Condition success, failure;
  [[nodiscard]] bool Waits() const {
    return !condition.empty() || success.IsGiven() || failure.IsGiven();
  }
};

// True: it is as wanted. False: not yet, and `why` says what it lacks. Invalid: it never will be.
[[nodiscard]] Result<bool> IsAsWanted(const Json& object, const Awaited& awaited, std::string& why);

}  // namespace penstock::kubernetes
