// The main function of a component that is a program of its own and may be stopped: its step from
// the environment and the command line, SIGTERM and SIGINT as a stop token, an error as one line.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "components/sdk/step.h"

namespace penstock::outside {

using Program = std::function<Result<void>(
    sdk::Step& step, const std::map<std::string, std::string>& environment, std::stop_token stop)>;

// Runs it and gives the process's exit code: 0, or 1 after "name: what went wrong" on standard
// error. To be called once, before the process has other threads.
[[nodiscard]] int RunProgram(const std::string& name, const std::vector<std::string>& arguments,
                             const Program& program);

}  // namespace penstock::outside
