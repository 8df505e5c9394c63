// An Error of a kind that has no word of its own in operator/base/error.h.
#pragma once

#include <string>
#include <utility>

#include "operator/base/error.h"

namespace penstock::serve {

[[nodiscard]] inline Error Failure(ErrorKind kind, std::string message) {
  Error error = Internal(std::move(message));
  error.kind = kind;
  return error;
}

}  // namespace penstock::serve
