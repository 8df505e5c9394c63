#include "components/program/program.h"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "operator/base/try.h"

namespace penstock::program {
namespace {

int Usage(std::span<const Entry> entries, std::span<const char* const> elsewhere) {
  std::fprintf(stderr,
               "usage: penstock-components <component> [--input name=path]... "
               "[--output name=path]... [--parameter name=value]... [--results folder]\n"
               "components:");
  for (const auto& entry : entries) std::fprintf(stderr, " %s", entry.name);
  for (const char* name : elsewhere) std::fprintf(stderr, " %s", name);
  std::fprintf(stderr, "\n");
  return 2;
}

Result<void> RunStep(const Entry& entry, const std::vector<std::string>& arguments) {
  PENSTOCK_ASSIGN(sdk::Step step, sdk::Step::FromEnvironment());
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

int Run(std::span<const Entry> entries, std::span<const char* const> elsewhere, int argc,
        char** argv) {
  if (argc < 2) return Usage(entries, elsewhere);
  for (const auto& entry : entries) {
    if (entry.name != std::string(argv[1])) continue;
    std::string problem;
    try {
      const auto ok = RunStep(entry, {argv + 2, argv + argc});
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
  return Usage(entries, elsewhere);
}

}  // namespace penstock::program
