// How runs differ, for people. Pure.
#pragma once

#include <string>

#include "operator/base/json.h"
#include "operator/cli/objects/table.h"
#include "operator/views/run/run_difference.h"
#include "operator/views/run/run_ingredients.h"

namespace penstock::cli {

using views::Compare;
using views::Difference;
using views::DiffRuns;
using views::Ingredients;
using views::IngredientsOf;
using views::Leaves;

// A value in a line: strings as they are, digests short, long texts cut.
[[nodiscard]] std::string ShortValue(const Json& value, std::size_t width = 40);
// "parameters.epochs was 5, is 10".
[[nodiscard]] std::string Describe(const Difference& difference);

// STEP WHAT <before> <after>, without what is equal; a header alone when nothing differs.
[[nodiscard]] Table DiffTable(const Json& difference);

}  // namespace penstock::cli
