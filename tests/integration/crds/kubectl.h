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

// Applies the CRDs of `folder` and waits until the API server serves them; the first failure, or
// the last outcome.
[[nodiscard]] Outcome InstallCrds(const std::string& folder);

}  // namespace penstock::tests
