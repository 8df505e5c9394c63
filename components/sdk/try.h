// Early return for Result, so that a chain of steps that may fail reads as a list of them.
#pragma once

#include "operator/base/result.h"

#define PENSTOCK_CAT_(a, b) a##b
#define PENSTOCK_CAT(a, b) PENSTOCK_CAT_(a, b)

// PENSTOCK_TRY(Write(x)): returns the error, if there is one.
#define PENSTOCK_TRY(expression)         \
  do {                                   \
    if (auto ok_ = (expression); !ok_) { \
      return std::move(ok_).error();     \
    }                                    \
  } while (false)

// PENSTOCK_ASSIGN(auto x, Read()): declares or assigns the value, or returns the error.
#define PENSTOCK_ASSIGN(target, expression) \
  PENSTOCK_ASSIGN_(PENSTOCK_CAT(result_, __LINE__), target, expression)
#define PENSTOCK_ASSIGN_(result, target, expression) \
  auto result = (expression);                        \
  if (!result) return std::move(result).error();     \
  target = std::move(result).value()
