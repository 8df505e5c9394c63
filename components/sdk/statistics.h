// Statistics of a dataset by column: what statistics.json holds, and what drift is measured
// against.
//
//   numbers, timestamps   count nulls mean std min max quantiles (at 0, 0.05, ... 1)
//                         bins {edges, counts}: the deciles that differ; counts[i] are the values
//                         from edges[i - 1] on and below edges[i]
//   strings, booleans     count nulls distinct top [{value, count}] (at most 100, by count)
//
// In a model's statistics.json, "outputs" has the same of its answers on the validation data.
//
// Two passes over nothing but the columns named; numbers of a column are held in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::sdk {

// {"rows": n, "columns": {name: {...}}}. With `keep` of these rows only (ascending).
[[nodiscard]] Result<Json> ComputeStatistics(const std::string& dataset,
                                             const std::vector<std::string>& columns,
                                             const std::vector<std::uint32_t>* keep = nullptr);

// {output: {...}} of a model's answers (RawWidth() floats a row): one number a row as numbers, the
// label by value; what has several numbers a row is left out.
[[nodiscard]] Json OutputStatistics(const ModelManifest& manifest, const std::vector<float>& raw);

}  // namespace penstock::sdk
