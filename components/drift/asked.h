// What a schema asks of drift, column by column (`drift: {floor, statistic, ignore}`, or `skew:
// {floor, statistic}` where what is served is compared: sdk/constraints), what of it the parameters
// overrule, and what of the schema the datasets do not have. Pure.
#pragma once

#include <string>
#include <vector>

#include "components/drift/options.h"
#include "components/drift/pairing.h"
#include "components/sdk/schema.h"
#include "operator/base/result.h"

namespace penstock::drift {

// Fills in Options::asked by Options::asks. Invalid for a statistic that does not exist, and names
// the column.
[[nodiscard]] Result<void> TakeAsked(const sdk::Schema& schema, Options& options);

// Of a column that is compared as `kind`: each thing that the schema asks and that is done
// otherwise, since the parameters say so; in words.
[[nodiscard]] std::vector<std::string> Overruled(const Options& options, const std::string& column,
                                                 Kind kind);

// Of each column of `schema` what a side has otherwise: it is not there, or of a type whose values
// are others.
[[nodiscard]] std::vector<Pairing::Said> UnlikeSchema(const sdk::Schema& schema,
                                                      const sdk::Schema& reference,
                                                      const sdk::Schema& current);

}  // namespace penstock::drift
