// What a schema asks of a column as a whole, by its statistics: how many different values it has,
// and how far it may be from the run before (drift) and from what is served (skew). Pure.
#pragma once

#include <string>
#include <vector>

#include "components/sdk/schema.h"
#include "components/statistics/summary/statistics.h"
#include "components/validate/findings/anomaly.h"

namespace penstock::validate {

// Does anything in the schema need the statistics of the data itself?
[[nodiscard]] bool NeedsDistinct(const sdk::Schema& schema);
[[nodiscard]] bool Compares(const sdk::Schema& schema, bool with_previous, bool with_serving);

// FEATURE_TYPE_LOW_UNIQUE and FEATURE_TYPE_HIGH_UNIQUE. An estimate must be beyond the bound by
// three standard errors.
[[nodiscard]] std::vector<Anomaly> DistinctAnomalies(const sdk::Schema& schema,
                                                     const statistics::Statistics& data);

struct ComparisonResult {
  std::vector<Anomaly> anomalies;
  std::vector<Measurement> measurements;  // also of what passed
};
// COMPARATOR_*: `other` is of the run before (`drift` and `rows.drift` of the schema), or of what
// is served (`skew`). A column that `other` lacks is COMPARATOR_CONTROL_DATA_MISSING; one without
// any value on a side is not compared.
enum class Against : std::uint8_t { kPrevious, kServing };
[[nodiscard]] ComparisonResult Compare(const sdk::Schema& schema,
                                       const statistics::Statistics& data,
                                       const statistics::Statistics& other, Against against);

}  // namespace penstock::validate
