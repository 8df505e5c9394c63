// What the components that make datasets of other people's rows read and write alike.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "components/sdk/schema.h"
#include "components/sdk/step.h"

namespace penstock::ingest {

// The parameter `roles`, {column: role}; what is wrong in it is told by Finish of the parameters.
[[nodiscard]] std::map<std::string, sdk::Role> ReadRoles(sdk::Parameters& p);

// Where a step that writes the dataset `output` may keep files while it works: $TMPDIR, or beside
// the dataset where that is not set.
[[nodiscard]] std::filesystem::path ScratchFor(const std::string& output);

// The schema of the dataset `output`, which is written to the step's output `schema` too where it
// has one.
[[nodiscard]] Result<sdk::Schema> GiveSchema(const std::string& output, const sdk::Step& step);

}  // namespace penstock::ingest
