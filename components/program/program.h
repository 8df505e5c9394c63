// A program of several components: the first argument says which one runs, as a step (sdk/step.h).
#pragma once

#include <span>

#include "components/sdk/step.h"

namespace penstock::program {

struct Entry {
  const char* name;
  Result<void> (*run)(sdk::Step&);
};

// Gives the exit code: 0 done, 1 the component says no (one line on standard error), 2 wrong usage.
// `elsewhere`: components of another program, for the usage text.
int Run(std::span<const Entry> entries, std::span<const char* const> elsewhere, int argc,
        char** argv);

}  // namespace penstock::program
