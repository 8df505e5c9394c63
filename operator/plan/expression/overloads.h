// The functions and operators, each with the types that it takes and gives.
#pragma once

#include <vector>

#include "operator/plan/expression/type.h"

namespace penstock::plan::expression {

struct Overload {
  std::vector<Type> takes;
  Type gives;
};
struct Function {
  const char* name;  // operators have CEL's: "_+_"
  bool as_function;  // f(a, b); operators too
  bool as_method;    // a.f(b)
  std::vector<Overload> overloads;
};

[[nodiscard]] const std::vector<Function>& Functions();

}  // namespace penstock::plan::expression
