// Spans of time as a source (protocol/span_uri.h): the record of which objects were read, and what
// of it is otherwise than an earlier run's record says.
//
//   {"version": 1, "source": "s3://lake/orders/{YYYY}/{MM}/{DD}/", "zone": "+09:00",
//    "from": "2026-01-01", "to": "2026-01-07", "gaps": ["2026-01-03", "2026-01-04"],
//    "gone": [{"span": "2026-01-04", "version": 2}],
//    "spans": [{"span": "2026-01-01", "version": 2,
//               "files": [{"key": "orders/2026/01/01/a.parquet", "size": 8, "etag": "\"...\""}]}],
//    "late": [{"span": "2026-01-01", "key": "orders/2026/01/01/a.parquet", "what": "new"}]}
//
// `from` and `to` are the first and the last span of the window; `what` is new, changed or gone. A
// span's version is 1 where it is read first, and one more than that of the earlier record where
// its files are others; `gone` keeps those of gaps that once had files.
#pragma once

#include <optional>
#include <string>

#include "components/ingest/read_files.h"
#include "components/sdk/step.h"
#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/fetch/spans.h"
#include "operator/protocol/span_uri.h"

namespace penstock::ingest {

// `previous` is an earlier record, or null. Invalid where it is none, or one of another source or
// zone. Pure.
[[nodiscard]] Result<Json> RecordSpans(const std::string& uri, const fetch::ReadSpans& read,
                                       const Json& previous);

// The column that the URI asks for: of days a date, of hours the instant at which one begins.
[[nodiscard]] std::optional<FileColumn> ColumnOfSpans(const SpanUri& uri,
                                                      const fetch::ReadSpans& read);

// The step's input `previous`, or null.
[[nodiscard]] Result<Json> PreviousSpans(const sdk::Step& step);

// Prints what is late; writes the results spans, gaps and late, and the output `spans` where it is
// wanted. Gives it in a sentence. A null record is of a source without spans, of which `previous`
// is Invalid.
[[nodiscard]] Result<std::string> TellSpans(const Json& record, const sdk::Step& step);

}  // namespace penstock::ingest
