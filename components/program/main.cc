// penstock-components: the component library as one program. `penstock-components train` runs the
// component train as a step: see sdk/step.h for where its orders come from.
//
// Exit codes: 0 done, 1 a component says no (one line on standard error), 2 wrong usage.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "components/bless/run.h"
#include "components/evaluate/run.h"
#include "components/ingest/run.h"
#include "components/predict/run.h"
#include "components/query/run.h"
#include "components/sdk/step.h"
#include "components/split/run.h"
#include "components/train/run.h"
#include "components/transform/run.h"
#include "operator/base/try.h"

namespace {

using penstock::Result;
using penstock::sdk::Step;

struct Entry {
  const char* name;
  Result<void> (*run)(Step&);
};

constexpr Entry kComponents[] = {
    {"ingest", penstock::ingest::RunIngest}, {"query", penstock::query::RunQuery},
    {"split", penstock::split::RunSplit},    {"transform", penstock::transform::RunTransform},
    {"train", penstock::train::RunTrain},    {"evaluate", penstock::evaluate::RunEvaluate},
    {"bless", penstock::bless::RunBless},    {"predict", penstock::predict::RunPredict},
};

int Usage() {
  std::fprintf(stderr,
               "usage: penstock-components <component> [--input name=path]... "
               "[--output name=path]... [--parameter name=value]... [--results folder]\n"
               "components:");
  for (const auto& entry : kComponents) std::fprintf(stderr, " %s", entry.name);
  std::fprintf(stderr, "\n");
  return 2;
}

Result<void> Run(const Entry& entry, const std::vector<std::string>& arguments) {
  PENSTOCK_ASSIGN(Step step, Step::FromEnvironment());
  PENSTOCK_TRY(step.AddArguments(arguments));
  return entry.run(step);
}

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return Usage();
  for (const auto& entry : kComponents) {
    if (entry.name != std::string(argv[1])) continue;
    std::string problem;
    try {
      const auto ok = Run(entry, {argv + 2, argv + argc});
      if (ok) return 0;
      problem = ok.error().message;
    } catch (const std::bad_alloc&) {
      problem = "out of memory; give the step more, or fewer rows";
    } catch (const std::exception& e) {
      problem = e.what();
    }
    std::fflush(stdout);
    std::fprintf(stderr, "%s: %s\n", entry.name, OneLine(problem).c_str());
    return 1;
  }
  return Usage();
}
