// A comparison as JSON (what programs read) and as a page (what people look at). Pure.
//
//   {"formatVersion": 1, "verdict": "drift" | "undecided" | "stable", "undecided": [...], "alpha",
//    "by": "rows" | "statistics" | {"blocks", ...},
//    "reference": {"rows", "looked"}, "current": {...}, "missing": [...], "added": [...],
//    "changed": [{"column", "why"}], "skipped": [...], "overruled": [...],
//    "columns": [{"column", "kind", "statistic", "value", "chance", "effect", "floor", "p",
//                 "adjustedP", "draws", "drifted", "where": {"value" | "upTo", "reference",
//                 "current"}, "rows", "nulls", "methods", "bins"}],    and of statistics
//                 "atMost" (then value is a lower bound), "undecided", "note"
//    "slices": [{"column", "value", "rows", "drifted": [...], "columns": [...]}],
//    "classifier": {"auc", "p", "drifted", "toldBy": [{"column", "share"}]}}
#pragma once

#include <string>

#include "components/drift/compare.h"
#include "operator/base/json.h"

namespace penstock::drift {

[[nodiscard]] Json ReportJson(const Comparison& comparison, const Options& options);
[[nodiscard]] std::string ReportPage(const Comparison& comparison, const Options& options);

// "carrier=UA: dep_delay" of each column that has drifted in a slice.
[[nodiscard]] std::vector<std::string> DriftedSlices(const Comparison& comparison);

}  // namespace penstock::drift
