// Whole runs of testdata/two-steps.yaml through the real engine, launcher and process runner.
#pragma once

#include "operator/base/json.h"
#include "operator/cli/testing/cli_fixture.h"

namespace penstock::cli {

class RunTest : public CliTest {
 protected:
  RunTest() { CopyTestdata("two-steps.yaml"); }
  int Run(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"run", "two-steps.yaml", "--isolation", "process"};
    words.insert(words.end(), more.begin(), more.end());
    return Penstock(words);
  }
  Json NewestRun() { return *State(folder_ / ".penstock").FindRun("words"); }
  Json Step(const Json& run, const std::string& name) {
    for (const Json& step : run["status"]["steps"]) {
      if (step["name"] == name) return step;
    }
    return {};
  }
};

}  // namespace penstock::cli
