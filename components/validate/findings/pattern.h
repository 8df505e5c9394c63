// A regular expression of RE2, which takes time that grows with the text only: a rule of a user
// cannot hang a step. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::validate {

class Pattern {
 public:
  // Invalid says where the text is no expression.
  [[nodiscard]] static Result<std::unique_ptr<Pattern>> Compile(const std::string& text);
  ~Pattern();
  // Does all of `value` match?
  [[nodiscard]] bool Matches(std::string_view value) const;

 private:
  struct Impl;
  explicit Pattern(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::validate
