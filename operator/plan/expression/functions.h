// What the functions and the operators on numbers and texts do, as cel-go does it. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/expression/value.h"

namespace penstock::plan::expression {

// "_+_", "_-_", "_*_", "_/_", "_%_" of two values, "-_" of one. Invalid: overflow, division by
// zero, types that do not go together.
[[nodiscard]] Result<Value> Arithmetic(const std::string& function, const Value& a, const Value& b);
[[nodiscard]] Result<Value> Negated(const Value& a);

// "string", "int", "uint", "double", "bool" of a value.
[[nodiscard]] Result<Value> Converted(const std::string& to, const Value& value);

// "startsWith", "endsWith", "contains", "matches" (RE2, anywhere in the text) of two texts, which
// are paid for; a pattern pays for what it becomes.
[[nodiscard]] Result<Value> OfTexts(const std::string& function, const std::string& text,
                                    const std::string& other, Budget& budget);

// A text's code points, the items of a list or a map.
[[nodiscard]] Result<Value> Size(const Value& value);

[[nodiscard]] Error NoSuchFunction(const std::string& function, const std::vector<Value>& given);

}  // namespace penstock::plan::expression
