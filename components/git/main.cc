// penstock-git: the component git as a program of its own, since its image holds git and nothing of
// the other components. Its orders come as those of every component (sdk/step.h).
//
// Exit codes: 0 done, 1 no (one line on standard error, git's last words in it).
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "components/git/run.h"
#include "operator/base/try.h"

namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

penstock::Result<void> Run(const std::vector<std::string>& arguments) {
  PENSTOCK_ASSIGN(auto step, penstock::sdk::Step::FromEnvironment());
  PENSTOCK_TRY(step.AddArguments(arguments));
  return penstock::git::RunGit(step, penstock::git::ReadCredentials(Variable));
}

}  // namespace

int main(int argc, char** argv) {
  std::string problem;
  try {
    const auto done = Run({argv + 1, argv + argc});
    if (done) return 0;
    problem = done.error().message;
  } catch (const std::exception& e) {
    problem = e.what();
  }
  std::fflush(stdout);
  for (char& c : problem) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::fprintf(stderr, "git: %s\n", problem.c_str());
  return 1;
}
