// Which columns are labels, and where they are known: of several labels a row may have some and not
// others. Functions touch only the datasets that they read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/sdk/matrix.h"
#include "operator/base/result.h"

namespace penstock::sdk {

// The labels that a step names, one or several, else the columns with that role; empty without any.
// Invalid for both, for a label twice, and for an empty name.
[[nodiscard]] Result<std::vector<std::string>> LabelColumns(const std::string& named,
                                                            const std::vector<std::string>& several,
                                                            const std::string& dataset);

// The rows, ascending, of which the label is known: neither null nor a number that is not finite.
// `rows` gets how many there are in all.
[[nodiscard]] Result<std::vector<std::uint32_t>> LabelledRows(const std::string& dataset,
                                                              const std::string& label,
                                                              std::size_t* rows);

// As LearnLabel (matrix.h) for the task classification, of those rows alone. Invalid where they are
// not of two classes.
[[nodiscard]] Result<Label> LearnTwoClasses(const std::string& dataset, const std::string& label);

}  // namespace penstock::sdk
