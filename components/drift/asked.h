// What a schema asks of drift, column by column (`drift: {floor, statistic, ignore}`,
// sdk/constraints), and what of it the parameters overrule. Pure.
#pragma once

#include <string>
#include <vector>

#include "components/drift/options.h"
#include "components/sdk/schema.h"
#include "operator/base/result.h"

namespace penstock::drift {

// Fills in Options::asked. Invalid for a statistic that does not exist, and names the column.
[[nodiscard]] Result<void> TakeAsked(const sdk::Schema& schema, Options& options);

// Of a column that is compared as `kind`: each thing that the schema asks and that is done
// otherwise, since the parameters say so; in words.
[[nodiscard]] std::vector<std::string> Overruled(const Options& options, const std::string& column,
                                                 Kind kind);

}  // namespace penstock::drift
