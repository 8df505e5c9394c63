// Runs kubectl as a program, for tests against a real API server.
#pragma once

#include <string>
#include <vector>

namespace penstock::tests {

struct Outcome {
  int exit_code = 0;
  std::string out;  // stdout and stderr together
};

// The program is $KUBECTL, else kubectl of the PATH; `input` is its standard input.
[[nodiscard]] Outcome Kubectl(const std::vector<std::string>& args, const std::string& input = "");

}  // namespace penstock::tests
