// Lines that somebody types, waited for without losing sight of what goes on meanwhile: a read that
// blocks would hold off Ctrl-C and a step's time-out. The command's thread.
#pragma once

#include <functional>
#include <string>

#include "operator/base/result.h"

namespace penstock::cli {

class LineInput {
 public:
  // `descriptor` stays the caller's, who reads nothing from it beside this.
  explicit LineInput(int descriptor) : descriptor_(descriptor) {}

  // The next line, without its end. Cancelled as soon as `go_on`, asked five times a second, says
  // no: what was typed until then is the beginning of the line that is read next. NotFound at the
  // end of the input.
  [[nodiscard]] Result<std::string> Read(const std::function<bool()>& go_on);

 private:
  const int descriptor_;
  std::string read_;  // beyond the last line
  bool ended_ = false;
};

}  // namespace penstock::cli
