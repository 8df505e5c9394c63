// Values of the statistics for people. Pure.
#pragma once

#include <string>

#include "components/statistics/summary/statistics.h"

namespace penstock::statistics {

// "336,776"
[[nodiscard]] std::string CountText(std::int64_t count);
// "2.5 %" of a share; "0 %" is none at all, "< 0.1 %" some.
[[nodiscard]] std::string ShareText(double share);
// A number of the column: a time of a time column ("2013-01-01T05:00:00Z", "2013-01-01"), else the
// shortest of at most six digits.
[[nodiscard]] std::string NumberText(double value, const Column& column);
// A difference of two such: "3.2 days" of a time column.
[[nodiscard]] std::string SpreadText(double value, const Column& column);
// The ends as they are.
[[nodiscard]] std::string LeastText(const Column& column);
[[nodiscard]] std::string MostText(const Column& column);
// A text as it is, anything else as JSON; null is "null".
[[nodiscard]] std::string ValueText(const Json& value);
// "27,004 (8 %)"
[[nodiscard]] std::string CountAndShare(std::int64_t count, std::int64_t of);
// What is worth saying of a column, a line each: nulls, distinct values, range, mean, lengths, top.
[[nodiscard]] std::vector<std::string> FactsOf(const Column& column);

}  // namespace penstock::statistics
