// LibTorch's exceptions as Errors, caught at the edge.
#pragma once

#include <c10/util/Exception.h>

#include <string>

#include "operator/base/result.h"

namespace penstock::model {

// Runs f; an exception of LibTorch becomes Invalid with its first line and the context.
template <typename F>
auto CatchTorch(const std::string& context, F f) -> decltype(f()) {
  try {
    return f();
  } catch (const c10::Error& e) {
    const std::string text = e.what_without_backtrace();
    return Invalid(context + ": " + text.substr(0, text.find('\n')));
  } catch (const std::exception& e) {
    const std::string text = e.what();
    return Invalid(context + ": " + text.substr(0, text.find('\n')));
  }
}

}  // namespace penstock::model
